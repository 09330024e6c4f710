"""Day folders while `make run` serves: a day that is new, or whose files have changed, is one more run."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from infra.errors import CommandFailed
from infra.local.day_folders import Day
from shared.runs import parse_time

type _Key = tuple[str, str]
"""A day's date and dataset."""
type _Files = Mapping[str, tuple[int, int]]
"""File name -> its size and the time of its last change, in nanoseconds."""


class DayWatcher:
    """Looks at day folders again and again, and gives each change once.

    A change is given when it has stood still from one look to the next: a file that is being written is not read half.
    """

    def __init__(self, read: Callable[[], Sequence[Sequence[Day]]], carried: Sequence[Sequence[Day]]) -> None:
        """`read` gives the folders' days as they are now; `carried` are those that have their runs."""
        self._read = read
        self._known = {_key(day): _files(day) for day in _each(carried)}
        self._before = dict(self._known)

    def look(self) -> Sequence[Day]:
        """Days that are new or have changed since they were carried, or were given here; in order of date."""
        try:
            there = {_key(day): day for day in _each(self._read())}
            now = {key: _files(day) for key, day in there.items()}
        except (CommandFailed, OSError):
            return []  # taken away or moved just now: the next look finds what there is then
        changed = [key for key, files in now.items() if self._known.get(key) != files == self._before.get(key)]
        self._known |= {key: now[key] for key in changed}
        self._before = now
        return [there[key] for key in sorted(changed)]


def as_next_run(day: Day, *, newest: str) -> Day | None:
    """The day with the time of its next run, a minute after the newest one where that is of the same day.

    `newest` is that run's id, empty where there is none. None where it is of a later day: upstream has gone on.
    """
    if day.fetch_at > newest:
        return day
    later = parse_time(newest) - parse_time(day.fetch_at) + dt.timedelta(minutes=1)
    once_more = replace(day, minutes=day.minutes + int(later.total_seconds()) // 60)
    return once_more if once_more.fetch_at[:10] == str(day.date) else None


def _key(day: Day) -> _Key:
    return str(day.date), day.dataset


def _each(days: Sequence[Sequence[Day]]) -> Iterator[Day]:
    return (day for same_date in days for day in same_date)


def _files(day: Day) -> _Files:
    found = {name: path.stat() for name, path in day.files.items() if isinstance(path, Path)}
    return {name: (it.st_size, it.st_mtime_ns) for name, it in found.items()}
