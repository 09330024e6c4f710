"""`make check`: exit codes, the rows it writes, one line for a declaration that cannot work."""

import datetime as dt
from pathlib import Path

import pytest

from infra.declared_datasets import declared_dataset
from infra.errors import CommandFailed
from infra.local.check import check, main
from infra.services import ROOT

DECLARED = """
title = "Prices"
[[measure]]
name = "price"
label = "Price"
kind = "level"
decimals = 2
[[feed]]
name = "prices"
url = "https://example.org/prices.csv"
title = "Prices"
licence = "CC0-1.0"
credit = "Prices."
date = "day"
measures = { price = "price" }
"""
TODAY = dt.date(2026, 1, 3)
ELSEWHERE = ROOT.parent / "shared" / "elsewhere"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "prices.toml").write_text(DECLARED)
    (tmp_path / "prices.csv").write_text("day,price\n2026-01-02,-1.5\n2026-01-01,\n")
    return tmp_path


def test_a_check_that_passes_exits_0_and_writes_the_rows_with_their_decimals(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = folder / "rows.json"
    assert main(["--dataset", str(folder / "prices.toml"), "--files", str(folder), "--out", str(out)]) == 0
    assert out.read_text() == '[\n{"date":"2026-01-01","price":null},\n{"date":"2026-01-02","price":-1.50}\n]\n'
    assert capsys.readouterr().out == (
        "prices: Prices\n"
        "feed prices (prices.csv): 2 rows, 2 dates from 2026-01-01 to 2026-01-02\n"
        "  price: 1 reported, 1 not\n"
        "a first run would be COMMITTED with 2 rows, 2 dates from 2026-01-01 to 2026-01-02\n"
    )


def test_a_check_of_a_file_that_a_run_would_reject_exits_1_and_writes_nothing(folder: Path) -> None:
    (folder / "prices.csv").write_text("day,price\n2026-01-02,1.555\n")
    out = folder / "rows.json"
    assert check(declared_dataset(str(folder / "prices.toml")), folder, out=out, today=TODAY) == 1
    assert not out.exists()


def test_a_date_later_than_one_period_after_today_is_rejected(folder: Path) -> None:
    dataset = declared_dataset(str(folder / "prices.toml"))
    assert check(dataset, folder, out=None, today=dt.date(2026, 1, 1)) == 0
    assert check(dataset, folder, out=None, today=dt.date(2025, 12, 31)) == 1


def test_a_declaration_that_cannot_work_is_one_line(folder: Path) -> None:
    (folder / "prices.toml").write_text(DECLARED.replace('"level"', '"price"'))
    with pytest.raises(CommandFailed) as failed:
        main(["--dataset", str(folder / "prices.toml"), "--files", str(folder)])
    assert str(failed.value) == (
        "prices.toml: measure[1].kind: 'price' is not allowed; allowed is 'total' or 'count' or 'level' or 'rate'"
    )


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "prices.csv").unlink()
    with pytest.raises(CommandFailed, match=r"has no prices\.csv, the file that a feed declares$"):
        main(["--dataset", str(folder / "prices.toml"), "--files", str(folder)])


def test_a_file_alone_gets_a_declaration_that_reads_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--files", str(folder / "prices.csv")]) == 0
    proposed = folder / "proposed.toml"
    proposed.write_text(capsys.readouterr().out)
    assert main(["--dataset", str(proposed), "--files", str(folder)]) == 0


@pytest.mark.parametrize("dataset", [True, False])
def test_nothing_of_a_header_that_is_printed_steers_the_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str], dataset: bool
) -> None:
    (folder / "prices.csv").write_text("day\x1b[2J,\u202eprice\x9b\n2026-01-02,-1.5\n2026-01-01,2\n")
    main([*(["--dataset", str(folder / "prices.toml")] if dataset else []), "--files", str(folder / "prices.csv")])
    printed = capsys.readouterr().out
    assert ("[2J" in printed, printed.replace("\n", "").isprintable()) == (True, True)


@pytest.mark.skipif(not ELSEWHERE.is_dir(), reason=f"the feeds of others are not at {ELSEWHERE}")
def test_feeds_of_others_are_written_as_the_rows_that_stand_beside_them(tmp_path: Path) -> None:
    from shared import exact

    found, expected = {}, {}
    for folder in sorted(it for it in ELSEWHERE.iterdir() if it.is_dir()):
        out = tmp_path / f"{folder.name}.json"
        main(["--dataset", str(folder / f"{folder.name}.toml"), "--files", str(folder), "--out", str(out)])
        found[folder.name] = exact.loads(out.read_text())
        expected[folder.name] = exact.loads((folder / "expected.json").read_text())
    assert found
    assert found == expected
