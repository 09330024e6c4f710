import datetime as dt
from pathlib import Path

import pytest

from infra.errors import CommandFailed
from infra.local.day_folders import Day, read_days
from tests.shared.declared import US_COVID

NYT, JHU = "us.csv", "time-series-19-covid-combined.csv"


def folder(tmp_path: Path, **days: list[str]) -> Path:
    """`folder(tmp_path, d2020_10_25=["us.csv"])`: a file holds its own name."""
    for name, files in days.items():
        day = tmp_path / name.removeprefix("d").replace("_", "-")
        day.mkdir()
        for file in files:
            (day / file).write_text(file)
    return tmp_path


def test_days_come_in_date_order_with_the_files_of_the_feeds(tmp_path: Path) -> None:
    feeds = folder(tmp_path, d2020_10_26=[NYT, JHU], d2020_10_25=[NYT, JHU])
    assert read_days(feeds, US_COVID) == [
        Day(date=dt.date(2020, 10, 25), files={NYT: feeds / "2020-10-25" / NYT, JHU: feeds / "2020-10-25" / JHU}),
        Day(date=dt.date(2020, 10, 26), files={NYT: feeds / "2020-10-26" / NYT, JHU: feeds / "2020-10-26" / JHU}),
    ]


def test_other_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    feeds = folder(tmp_path, d2020_10_25=[NYT, "notes.txt", ".DS_Store"], d2020_13_45=[NYT], dcache=[NYT])
    (feeds / "2020-10-26").write_text("a file that is named like a day")
    (feeds / "2020-10-25" / JHU).mkdir()
    assert read_days(feeds, US_COVID) == [Day(date=dt.date(2020, 10, 25), files={NYT: feeds / "2020-10-25" / NYT})]


def test_an_empty_day_is_a_day_without_feeds(tmp_path: Path) -> None:
    assert read_days(folder(tmp_path, d2020_10_25=[]), US_COVID) == [Day(date=dt.date(2020, 10, 25))]


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("", "", [24, 25, 26]),
        ("2020-10-25", "", [25, 26]),
        ("", "2020-10-25", [24, 25]),
        ("2020-10-25", "2020-10-25", [25]),
        ("2020-01-01", "2021-01-01", [24, 25, 26]),
    ],
)
def test_from_and_to_are_inclusive_and_need_not_be_there(
    tmp_path: Path, first: str, last: str, expected: list[int]
) -> None:
    feeds = folder(tmp_path, d2020_10_24=[], d2020_10_25=[], d2020_10_26=[])
    assert [day.date.day for day in read_days(feeds, US_COVID, first=first, last=last)] == expected


def test_what_cannot_be_is_named(tmp_path: Path) -> None:
    feeds = folder(tmp_path, d2020_10_25=[])
    for arguments, words in (
        ({"folder": tmp_path / "nowhere"}, "nowhere' is not a folder"),
        ({"folder": feeds / "2020-10-25"}, "is named for a day"),
        ({"folder": feeds, "first": "2020-10-26"}, "is named for a day (YYYY-MM-DD) from 2020-10-26 to the last"),
        ({"folder": feeds, "first": "25.10.2020"}, "FROM=25.10.2020 is not a day like 2020-10-25"),
        ({"folder": feeds, "last": "2020-10-32"}, "TO=2020-10-32 is not a day"),
        ({"folder": feeds, "first": "2020-10-26", "last": "2020-10-25"}, "FROM=2020-10-26 is after TO=2020-10-25"),
    ):
        with pytest.raises(CommandFailed) as failed:
            read_days(dataset=US_COVID, **arguments)
        assert words in str(failed.value)


def test_a_day_knows_its_times_and_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / NYT
    path.write_bytes(b"date,cases,deaths\r\n")
    day = Day(date=dt.date(2020, 10, 25), files={NYT: path, JHU: b"Date\n"})
    assert (day.fetch_at, day.watch_at) == ("2020-10-25T17:00:00Z", "2020-10-25T23:59:00Z")
    assert day.read() == {NYT: b"date,cases,deaths\r\n", JHU: b"Date\n"}
