"""Days of feeds: a day is a date, and the files that a daily job would have found upstream then."""

import datetime as dt
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from infra.errors import CommandFailed
from shared.dataset import Dataset
from shared.datasets import find_dataset, find_datasets, register
from shared.errors import PermanentError
from shared.runs import run_id_at

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_BEGINS = dt.time(17)


def declared_dataset(name: str) -> Dataset:
    """The dataset of a name, or of a TOML file, from then on known by its name.

    Raises CommandFailed with what is wrong, in one line.
    """
    try:
        dataset = find_dataset(name)
    except PermanentError as error:
        raise CommandFailed(str(error)) from error
    register(dataset)
    return dataset


@dataclass(frozen=True, kw_only=True)
class Day:
    """What the feeds were on one day."""

    date: dt.date
    dataset: str = ""
    """Whose feeds those are; empty: the first of the stage."""
    note: str = ""
    """What the day shows, for people."""
    files: Mapping[str, bytes | Path] = field(default_factory=dict)
    """Upstream file name -> its bytes, or where they are; a feed whose file is missing is absent that day."""
    minutes: int = 0
    """How long after 17:00 its run begins: not at once where it is one more run of that day."""

    @property
    def fetch_at(self) -> str:
        """The time of the scheduled event, which is the run's id."""
        return run_id_at(self._begins)

    @property
    def watch_at(self) -> str:
        """Seven hours less a minute later: the deadline for feeds has passed by then."""
        return run_id_at(self._begins + dt.timedelta(hours=6, minutes=59))

    @property
    def _begins(self) -> dt.datetime:
        return dt.datetime.combine(self.date, _BEGINS, tzinfo=dt.UTC) + dt.timedelta(minutes=self.minutes)

    def read(self) -> dict[str, bytes]:
        """File name -> bytes."""
        return {name: it.read_bytes() if isinstance(it, Path) else it for name, it in self.files.items()}


def declared_datasets(names: str) -> tuple[Dataset, ...]:
    """The datasets of a list with commas between. Raises CommandFailed."""
    found = tuple(declared_dataset(name.strip()) for name in names.split(",") if name.strip())
    try:
        return find_datasets(",".join(dataset.name for dataset in found))
    except PermanentError as error:
        raise CommandFailed(str(error)) from error


def read_days_of_all(
    folder: Path, datasets: Sequence[Dataset], *, first: str = "", last: str = ""
) -> Sequence[Sequence[Day]]:
    """The days of a folder as `read_days` has them, each as the runs that it has: one of each dataset.

    With several datasets, one has a run on a day whose folder holds at least one of its files: they have schedules
    of their own, and a day of one is no day without files of another.
    """
    if len(datasets) == 1:
        return [[day] for day in read_days(folder, datasets[0], first=first, last=last)]
    found = [
        replace(day, dataset=dataset.name)
        for dataset in datasets
        for day in read_days(folder, dataset, first=first, last=last)
        if day.files
    ]
    return by_date(found)


def by_date(days: Iterable[Day]) -> Sequence[Sequence[Day]]:
    """Days of several datasets in order of date, those of one date together."""
    ordered = sorted(days, key=lambda day: day.date)
    return [list(same) for _, same in itertools.groupby(ordered, key=lambda day: day.date)]


def read_days(folder: Path, dataset: Dataset, *, first: str = "", last: str = "") -> Sequence[Day]:
    """The days of `folder/YYYY-MM-DD/`, in date order, from `first` to `last` inclusive.

    Only the files of the dataset's feeds are taken; other files, and folders that are not named for a date, are
    passed over. Raises CommandFailed where the folder is missing, nothing is left, or a limit is not a date.
    """
    if not folder.is_dir():
        raise CommandFailed(f"FEEDS: {str(folder)!r} is not a folder; folders named YYYY-MM-DD are expected in it")
    lowest, highest = _limit("FROM", first, dt.date.min), _limit("TO", last, dt.date.max)
    if lowest > highest:
        raise CommandFailed(f"FROM={first} is after TO={last}")
    dates = {date: path for path in folder.iterdir() if path.is_dir() and (date := _date(path.name))}
    days = [_day(date, dates[date], dataset) for date in sorted(dates) if lowest <= date <= highest]
    if not days:
        within = f" from {first or 'the first'} to {last or 'the last'}" if dates and (first or last) else ""
        raise CommandFailed(f"FEEDS: no folder in {str(folder)!r} is named for a day (YYYY-MM-DD){within}")
    return days


def _day(date: dt.date, folder: Path, dataset: Dataset) -> Day:
    paths = {feed.file_name: folder / feed.file_name for feed in dataset.feeds}
    return Day(date=date, files={name: path for name, path in paths.items() if path.is_file()})


def _date(name: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(name) if _DAY.fullmatch(name) else None
    except ValueError:
        return None


def _limit(name: str, text: str, default: dt.date) -> dt.date:
    if not text:
        return default
    date = _date(text)
    if date is None:
        raise CommandFailed(f"{name}={text} is not a day like 2020-10-25")
    return date
