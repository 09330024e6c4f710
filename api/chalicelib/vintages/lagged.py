"""Each date as it was known some days after it, or when it was first published: tables put together from vintages.

A number of `/daily`, `/weekly` or `/monthly` is made of one state: what was known at the time that counts for its date.
It is not the difference of two values known at different times, which would take a revision for growth.
"""

import calendar
import csv
import datetime as dt
import io
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from chalicelib.tabulation.row_text import join_json
from chalicelib.vintages.version_table import Values, Version
from shared import exact
from shared.dataset import Dataset, Period, Series

_BETWEEN = "\x1f"
"""Between a label and a series, in the names under which their states are tabulated."""

type LaggedRow = dict[str, object]
type Tabulate = Callable[[bytes, Dataset], Mapping[str, Sequence[LaggedRow]]]
"""From a snapshot (CSV) to the rows of each table."""


@dataclass(frozen=True, kw_only=True)
class When:
    """Which time counts for a date."""

    lag: int | None = None
    """The end of the day so many days after it; None: the run that first published it."""
    now: str = "9"
    """Dates for which that time is still to come are left out."""

    def of(self, label: str, first_known: str) -> str | None:
        """`first_known` is when the (last) date under a label was first published. None: still to come."""
        if self.lag is None:
            return first_known
        day = dt.date.fromisoformat(label).toordinal() + self.lag
        if day > dt.date.max.toordinal():
            return None
        time = f"{dt.date.fromordinal(day)}T23:59:59Z"
        return time if time <= self.now else None


class Dates:
    """The versions of one series by date."""

    def __init__(self, versions: Iterable[Version]) -> None:
        self._versions: dict[str, list[Version]] = {}
        for version in versions:
            self._versions.setdefault(version.date, []).append(version)
        self.dates = sorted(self._versions)
        self._reported: dict[int, list[str]] = {}

    def at(self, date: str, time: str) -> Values | None:
        """The row of a date as it was known at a time."""
        return next((it.values for it in self._versions.get(date, ()) if it.known_at(time)), None)

    def first_known(self, date: str) -> str | None:
        """When a date was first published."""
        return next((it.known_from for it in self._versions[date] if it.values is not None), None)

    def reported_before(self, date: str, time: str, measure: int) -> str | None:
        """The last date before this one whose value of a measure was there at a time."""
        candidates = self._ever_reported(measure)
        for place in range(bisect_right(candidates, date) - 1, -1, -1):
            if candidates[place] < date:
                values = self.at(candidates[place], time)
                if values is not None and values[measure] is not None:
                    return candidates[place]
        return None

    def _ever_reported(self, measure: int) -> list[str]:
        if measure not in self._reported:
            self._reported[measure] = [
                date
                for date in self.dates
                if any(it.values is not None and it.values[measure] is not None for it in self._versions[date])
            ]
        return self._reported[measure]


def published_rows(series: Mapping[str, Dates], when: When, dataset: Dataset) -> list[LaggedRow]:
    """`/data`: each row as it was known at the time that counts for its date, in order of date and series."""
    rows = []
    for name, dates in series.items():
        for date in dates.dates:
            first = dates.first_known(date)
            time = when.of(date, first) if first else None
            values = dates.at(date, time) if time else None
            if values is not None:
                rows.append((date, name, values))
    return [_row(date, name, values, dataset) for date, name, values in sorted(rows, key=lambda it: it[:2])]


def bucket_rows(
    table: str, series: Mapping[str, Dates], when: When, dataset: Dataset, *, tabulate: Tabulate
) -> list[LaggedRow]:
    """`/daily`, `/weekly` or `/monthly`: each label's row in the state that counts for it.

    All states are tabulated at once, each as a series of its own that holds the rows its number is made of.
    """
    states, newest = dict[str, list[tuple[str, Values]]](), dict[str, str]()
    for name, dates in series.items():
        for label, within in _by_label(dates.dates, table, dataset.period).items():
            first = next((it for it in map(dates.first_known, reversed(within)) if it), None)
            time = when.of(label, first) if first else None
            if time:
                key = f"{label}{_BETWEEN}{name}"
                states[key] = list(_state(dates, within, time, measures=len(dataset.measures)))
                newest[key] = max((date for date, _ in states[key]), default="")
    tables = tabulate(_snapshot(states, dataset), _with_series(dataset))
    return sorted(_chosen(tables[table], newest, dataset), key=lambda row: (str(row["date"]), str(row.get("series"))))


def _chosen(rows: Iterable[LaggedRow], newest: Mapping[str, str], dataset: Dataset) -> Iterator[LaggedRow]:
    for row in rows:
        key = str(row["series"])
        label, _, name = key.partition(_BETWEEN)
        if row["date"] != label:
            continue
        rest = {field: value for field, value in row.items() if field not in ("date", "series")}
        open_still = newest[key] < label and dataset.period is Period.DAY
        yield {
            "date": label,
            **({"series": name} if dataset.has_series else {}),
            **rest,
            **({"complete": False} if open_still else {}),
        }


def _state(dates: Dates, within: Sequence[str], time: str, *, measures: int) -> Iterator[tuple[str, Values]]:
    """The rows under a label as they were known at a time, and before them the last one reported of each measure."""
    before = {dates.reported_before(within[0], time, measure) for measure in range(measures)}
    for date in (*sorted(filter(None, before)), *within):
        values = dates.at(date, time)
        if values is not None:
            yield date, values


def _by_label(dates: Sequence[str], table: str, period: Period) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for date in dates:
        found.setdefault(label_of(date, table, period), []).append(date)
    return found


def label_of(date: str, table: str, period: Period) -> str:
    """The label under which a date's number stands in a table."""
    if table == "daily" or period is Period.MONTH or (table == "weekly" and period is Period.WEEK):
        return date
    day = dt.date.fromisoformat(date)
    if table == "weekly":
        return str(day + dt.timedelta(days=6 - day.weekday()))
    return str(day.replace(day=calendar.monthrange(day.year, day.month)[1]))


def _snapshot(states: Mapping[str, Sequence[tuple[str, Values]]], dataset: Dataset) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["series", "date", *dataset.measure_names, "run_id"])
    for key, rows in states.items():
        writer.writerows([key, date, *values, ""] for date, values in rows)
    return out.getvalue().encode()


def _with_series(dataset: Dataset) -> Dataset:
    """The dataset as if it had several series."""
    if dataset.has_series:
        return dataset
    feeds = tuple(replace(feed, series=("series",)) for feed in dataset.feeds)
    return replace(dataset, series=Series(label="Series"), feeds=feeds)


def _row(date: str, name: str, values: Values, dataset: Dataset) -> LaggedRow:
    series = {"series": name} if dataset.has_series else {}
    return {"date": date, **series, **dict(zip(dataset.measure_names, values, strict=True))}


def as_json(rows: Sequence[LaggedRow]) -> bytes:
    """As tables are: a JSON array, a row a line."""
    return join_json([exact.dumps(row) for row in rows]).encode()
