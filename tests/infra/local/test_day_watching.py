"""Which days a running `make run` takes up, and as which run."""

import datetime as dt
import functools
import os
from pathlib import Path

from infra.local.day_folders import Day, read_days_of_all
from infra.local.day_watching import DayWatcher, as_next_run
from tests.shared.declared import US_COVID

NYT, JHU = "us.csv", "time-series-19-covid-combined.csv"


def write(folder: Path, day: str, text: str, *, file: str = NYT) -> None:
    path = folder / day / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    count = len(list(folder.glob("*/*")))
    os.utime(path, ns=(count, len(text)))  # whatever the resolution of the file system's clock


def watcher(folder: Path) -> DayWatcher:
    """After the days that are there now were carried."""
    read = functools.partial(read_days_of_all, folder, (US_COVID,))
    return DayWatcher(read, read())


def test_folders_that_stand_still_are_no_days(tmp_path: Path) -> None:
    write(tmp_path, "2020-10-25", "a")
    watching = watcher(tmp_path)
    assert [watching.look(), watching.look()] == [[], []]


def test_a_new_day_is_given_once_and_only_when_it_stands_still(tmp_path: Path) -> None:
    write(tmp_path, "2020-10-25", "a")
    watching = watcher(tmp_path)
    write(tmp_path, "2020-10-26", "half")
    looks = [watching.look()]
    write(tmp_path, "2020-10-26", "a whole file")
    looks += [watching.look(), watching.look(), watching.look()]
    day = Day(date=dt.date(2020, 10, 26), files={NYT: tmp_path / "2020-10-26" / NYT})
    assert looks == [[], [], [day], []]


def test_a_file_that_changes_comes_or_goes_is_a_changed_day(tmp_path: Path) -> None:
    write(tmp_path, "2020-10-25", "a")
    watching = watcher(tmp_path)
    given = list[list[str]]()

    def look() -> None:
        watching.look()
        given.extend(sorted(day.files) for day in watching.look())

    write(tmp_path, "2020-10-25", "broken")
    look()
    write(tmp_path, "2020-10-25", "b", file=JHU)
    look()
    (tmp_path / "2020-10-25" / NYT).unlink()
    look()
    assert given == [[NYT], [JHU, NYT], [JHU]]


def test_files_that_are_no_feeds_change_nothing(tmp_path: Path) -> None:
    write(tmp_path, "2020-10-25", "a")
    watching = watcher(tmp_path)
    write(tmp_path, "2020-10-25", "b", file="notes.txt")
    assert [watching.look(), watching.look()] == [[], []]


def test_folders_that_are_away_for_a_moment_are_waited_for(tmp_path: Path) -> None:
    folder, aside = tmp_path / "days", tmp_path / "aside"
    folder.mkdir()
    write(folder, "2020-10-25", "a")
    watching = watcher(folder)
    folder.rename(aside)
    looks = [watching.look()]
    aside.rename(folder)
    write(folder, "2020-10-25", "broken")
    looks += [watching.look(), watching.look()]
    assert [[str(day.date) for day in look] for look in looks] == [[], [], ["2020-10-25"]]


def test_a_day_is_a_run_at_its_time_or_a_minute_after_the_newest_of_the_day() -> None:
    day = Day(date=dt.date(2020, 10, 25))

    def begins(newest: str) -> str | None:
        run = as_next_run(day, newest=newest)
        return run.fetch_at if run else None

    assert begins("") == "2020-10-25T17:00:00Z"
    assert begins("2020-10-24T17:00:00Z") == "2020-10-25T17:00:00Z"
    assert begins("2020-10-25T17:00:00Z") == "2020-10-25T17:01:00Z"
    assert begins("2020-10-25T17:01:30Z") == "2020-10-25T17:02:00Z"
    assert begins("2020-10-26T17:00:00Z") is None


def test_the_watch_looks_after_the_deadline_of_each_run_of_a_day() -> None:
    day = Day(date=dt.date(2020, 10, 25))
    again = as_next_run(day, newest=day.fetch_at)
    assert again
    assert (day.watch_at, again.watch_at) == ("2020-10-25T23:59:00Z", "2020-10-26T00:00:00Z")
