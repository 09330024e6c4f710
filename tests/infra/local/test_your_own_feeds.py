"""The walk in the docs holds: its file, its declaration and what `make check` says of them."""

import re
from pathlib import Path

import pytest

from infra.local.check import main
from infra.services import ROOT
from shared import exact
from shared.declaration import read_declaration

TEXT = (ROOT / "infra" / "docs" / "your_own_feeds.md").read_text()


def block(kind: str) -> str:
    """The only block of a kind."""
    (found,) = re.findall(rf"```{kind}\n(.*?)```", TEXT, re.DOTALL)
    return str(found)


@pytest.fixture
def weekly(tmp_path: Path) -> Path:
    (tmp_path / "deaths.csv").write_text(block("csv"))
    (tmp_path / "state-deaths.toml").write_text(block("toml"))
    return tmp_path


def test_the_check_of_the_walk_says_what_stands_there(weekly: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = weekly / "rows.json"
    assert main(["--dataset", str(weekly / "state-deaths.toml"), "--files", str(weekly), "--out", str(out)]) == 0
    assert capsys.readouterr().out == block("text")
    assert exact.loads(out.read_text())[0] == {"date": "2026-01-03", "series": "Alabama", "deaths": 12}


def test_what_is_proposed_for_the_file_has_what_can_be_seen(weekly: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--files", str(weekly / "deaths.csv")]) == 0
    (weekly / "proposed.toml").write_text(capsys.readouterr().out)
    proposed, declared = (read_declaration(weekly / f"{name}.toml") for name in ("proposed", "state-deaths"))
    seen = [(it.period, it.feeds[0].date, it.feeds[0].series, it.feeds[0].thousands) for it in (proposed, declared)]
    assert seen[0] == seen[1]
    assert [[(it.name, it.kind) for it in dataset.measures] for dataset in (proposed, declared)] == [
        [("deaths", "count")],
        [("deaths", "count")],
    ]
