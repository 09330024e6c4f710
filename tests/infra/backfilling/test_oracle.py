"""Real days, backfilled from folders and from a git repository made of them: /vintages has the oracle's states."""

import csv
import io
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from infra.backfilling.backfill import backfill
from infra.backfilling.sources import read_versions
from shared.dataset import ONE_SERIES
from tests.infra.backfilling.stages import WorldStage, stage_in_memory
from tests.proof.corpus import FEEDS, WHY_NOT, Corpus
from tests.proof.days import oracle_rows
from tests.proof.model import Rows
from tests.shared.declared import US_COVID

SPLITS = ("starter", "dev")

type Days = Mapping[str, Rows]
"""Day -> its rows, as the oracle found them."""


@pytest.fixture(scope="module", params=SPLITS)
def days(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Days]:
    """Day folders of a split, and the oracle's rows of each."""
    if not (FEEDS / request.param / "pack.tar.xz").exists():
        pytest.skip(WHY_NOT)
    unpacked, folders = tmp_path_factory.mktemp("pack"), tmp_path_factory.mktemp("days")
    corpus = Corpus(FEEDS / request.param, into=unpacked)
    for day, standing in corpus.days("23:59"):
        (folders / day).mkdir()
        for feed, version in standing.items():
            os.link(unpacked / version, folders / day / US_COVID.feed(feed).file_name)
    return folders, {day: oracle_rows(found) for day, found in corpus.oracle("23:59").items()}


@pytest.fixture
def repository(days: tuple[Path, Days], tmp_path: Path) -> Path:
    """A git repository with a commit for each day's folder, at 17:00Z."""
    (tmp_path / "data").mkdir()
    _git(tmp_path, "init", "--quiet", "--initial-branch=main")
    for day in sorted(days[1]):
        for file in (days[0] / day).iterdir():
            (tmp_path / "data" / file.name).write_bytes(file.read_bytes())
        _git(tmp_path, "add", "--all")
        _git(tmp_path, "commit", "--quiet", "--allow-empty", f"--message={day}", time=f"{day}T17:00:00Z")
    return tmp_path


def _git(folder: Path, *arguments: str, time: str = "2020-01-01T00:00:00Z") -> None:
    who = {f"GIT_{role}_{what}": "a@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    when = {f"GIT_{role}_DATE": time for role in ("AUTHOR", "COMMITTER")}
    subprocess.run(
        ["git", "-c", "core.autocrlf=false", "-c", "gc.auto=0", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **who, **when},
        check=True,
        capture_output=True,
    )


def states(stage: WorldStage, days: Days) -> Days:
    """What /vintages says was known at 17:00Z of each of these days."""
    found = list(csv.DictReader(io.StringIO(stage.world.get("/vintages?format=csv").text)))
    return {day: _known_at(found, f"{day}T17:00:00Z") for day in days}


def _known_at(rows: list[dict[str, str]], time: str) -> Rows:
    known = [
        row
        for row in rows
        if row["present"] == "true" and row["known_from"] <= time and (not row["known_to"] or time < row["known_to"])
    ]
    return Rows(
        {
            (ONE_SERIES, row["date"]): {name: int(row[name]) if row[name] else None for name in US_COVID.measure_names}
            for row in known
        }
    )


@pytest.mark.feeds
def test_from_folders_every_day_is_the_oracles(days: tuple[Path, Days]) -> None:
    with stage_in_memory() as stage:
        versions = read_versions([str(days[0])], US_COVID, paths={})
        backfill(stage, US_COVID, versions, source="backfill", report=lambda _: None)  # type: ignore[arg-type]
        assert states(stage, days[1]) == days[1]


@pytest.mark.feeds
def test_from_a_git_repository_every_day_is_the_oracles(days: tuple[Path, Days], repository: Path) -> None:
    with stage_in_memory() as stage:
        versions = read_versions([str(repository)], US_COVID, paths={})
        backfill(stage, US_COVID, versions, source="backfill", report=lambda _: None)  # type: ignore[arg-type]
        assert states(stage, days[1]) == days[1]
