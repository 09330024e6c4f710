"""`make proof` prints what was tried and found, and its exit code says whether anything was."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proof.__main__ import NAMES, main, table
from tests.proof.days import days_in
from tests.proof.findings import Finding, Kind, Lost, Twice, finding_of
from tests.proof.proving import PARTS, Extent, Row, days, inputs, try_every_call
from tests.proof.replaying import live_days, merge_days
from tests.proof.small_feeds import jhu, nyt
from tests.world import world

DAYS = {
    "2020-03-01": {"us.csv": nyt(9), "time-series-19-covid-combined.csv": jhu(9)},
    "2020-03-02": {"us.csv": nyt(10)},
    "2020-03-03": {"us.csv": nyt(11), "time-series-19-covid-combined.csv": b"<html>"},
    "2020-03-04": {"us.csv": nyt(8), "time-series-19-covid-combined.csv": jhu(11)},
    "2020-03-05": {"us.csv": nyt(11, cases={3: 4}), "time-series-19-covid-combined.csv": jhu(11)},
    "2020-03-06": {"us.csv": nyt(11, cases={3: 4}), "time-series-19-covid-combined.csv": jhu(11, confirmed=1)},
}
"""Committed, without a feed, with a broken one, rolled back, committed, unchanged."""

ENDS = {"COMMITTED": 2, "INCOMPLETE": 1, "REJECTED": 2, "UNCHANGED": 1}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for day, files in DAYS.items():
        (tmp_path / "days" / day).mkdir(parents=True)
        for name, data in files.items():
            (tmp_path / "days" / day / name).write_bytes(data)
    return tmp_path / "days"


def test_day_folders_are_judged_by_the_model(folder: Path, tmp_path: Path) -> None:
    [source] = days_in(folder, into=tmp_path)
    merged = merge_days(source)
    with world() as made:
        lived = live_days(made, source)
    assert (merged.findings, lived.findings) == ([], [])
    assert dict(merged.ends) == dict(lived.ends) == ENDS
    assert lived.mails == {"digest": 2, "failure": 3}


def test_an_oracle_beside_day_folders_is_gone_by(folder: Path, tmp_path: Path) -> None:
    """This one is wrong about a day, and is believed."""
    (folder / "oracle").mkdir()
    (folder / "oracle" / "2020-03-01.json").write_text(json.dumps({"merged": {"2018-01-22": [107, 1, 5]}}))
    [source] = days_in(folder, into=tmp_path)
    found = merge_days(source).findings[0]
    assert (found.kind, found.where) == (Kind.DIFFERENCE, "days, 2020-03-01")
    assert found.what.startswith("rows: 9 differ, ('all', '2018-01-22'): {'cases': 107, 'deaths': 1, 'recoveries': 5}")


def test_without_days_it_is_said_what_is_skipped_and_why() -> None:
    [row] = days(Extent(seed=0, lives=0, seconds=0, inputs=0, feeds=None))
    assert (row.tried, row.findings) == (0, [])
    assert f"skipped: days: {row.skipped}" in list(table([row]))
    assert "the replay corpus is not at" in row.skipped


def test_the_same_seed_tries_the_same_number_of_inputs_of_each_kind() -> None:
    rows = list(inputs(Extent(seed=1, lives=0, seconds=0, inputs=100, feeds=None)))
    assert {row.what: row.tried for row in rows[1:]} == {
        "files": 66,
        "pairs of files": 10,
        "histories": 1,
        "events": 16,
        "requests": 6,
        "answers": 1,
    }
    assert [finding for row in rows for finding in row.findings] == []


def test_the_table_counts_each_kind_and_shows_each_finding() -> None:
    lost = finding_of(Lost("a mail"), where="here")
    twice = finding_of(Twice("a mail"), where="there")
    assert (lost.kind, twice.kind) == (Kind.LOSS, Kind.DUPLICATE)
    other = Finding(kind=Kind.DIFFERENCE, where="elsewhere", what="another table")
    rows = [
        Row(part="inputs", what="files", tried=1200, findings=[lost, other], seconds=2, also="quickly"),
        Row(part="inputs", what="events", tried=3, findings=[twice], second_mails=4),
    ]
    assert (
        "\n".join(table(rows))
        == """\
              tried   losses  duplicates  differences  seconds
inputs        1,203        1           1            1        2
  files       1,200        1           0            1        2  quickly
  events          3        0           1            0        0
all           1,203        1           1            1        2

mails that came twice where they may (infra/decisions/0010): 4

loss: here
Lost: a mail

difference: elsewhere
another table

duplicate: there
Twice: a mail"""
    )


def test_each_part_can_be_chosen_by_its_name() -> None:
    assert tuple(PARTS) == NAMES


def test_every_call_of_a_restore_is_a_row_and_no_call_beyond_the_last() -> None:
    """What is found is counted, and does not end the row."""
    tries: Iterator[bool | Lost] = iter([True, Lost("the run is gone"), True, False])

    def begins(at_call: int) -> bool:
        found = next(tries)
        if isinstance(found, Lost):
            raise found
        return found

    row = Row(part="troubles", what="a restore at every call")
    try_every_call(row, begins)
    assert (row.tried, [(it.kind, it.where) for it in row.findings]) == (
        3,
        [(Kind.LOSS, "a run begins before call 1 of a restore")],
    )


def test_an_unknown_part_and_a_missing_folder_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--only", "everything"], ["--feeds", "/nowhere"]):
        with pytest.raises(SystemExit):
            main(arguments)
    text = capsys.readouterr().err
    assert "there is no everything; there are crash-points, interleavings, troubles, failures, inputs, days" in text
    assert "--feeds: '/nowhere' is not a folder" in text
