"""Every value that a date ever had, and by which run: carried from view to view, one change set at a time.

A history is `{series: {date: [entry]}}`, oldest entry first; an entry is `{"run_id", "at", "values"}` with `values`
a list in the order of the measures, or None where the run removed the date.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from shared.changes import ChangeSet
from shared.dataset import ONE_SERIES, Dataset
from shared.exact import Number
from shared.runs import Run

type Entry = dict[str, Any]
type History = dict[str, dict[str, list[Entry]]]


def extend_history(history: History, change: ChangeSet, *, run: Run, dataset: Dataset) -> History:
    """The history with what this run changed; the given one stays as it is.

    A first load that follows other runs (of days that were filled in later) changes what is not as it was before it.
    Raises KeyError where the run changes a date that the history does not have.
    """
    extended = {series: dict(dates) for series, dates in history.items()}

    def append(row: Mapping[str, Any], values: Sequence[Number | None] | None) -> None:
        dates = extended.setdefault(row.get("series", ONE_SERIES), {})
        before = dates.get(row["date"], ())
        if (before[-1]["values"] if before else None) == values:
            return
        entry = {"run_id": run.run_id, "at": run.known_from or run.run_id, "values": values}
        dates[row["date"]] = [*before, entry]

    names = dataset.measure_names
    for row in change.added:
        append(row, [row[name] for name in names])
    for row in change.changed:
        was = extended[row.get("series", ONE_SERIES)][row["date"]][-1]["values"]
        fields = row["fields"]
        append(row, [fields[name]["new"] if name in fields else old for name, old in zip(names, was, strict=True)])
    for row in (*change.removed, *(_gone(history, change) if change.base_run_id is None else ())):
        append(row, None)
    return extended


def _gone(history: History, change: ChangeSet) -> Iterator[Mapping[str, Any]]:
    """The rows that a first load has no more."""
    there = {(row.get("series", ONE_SERIES), row["date"]) for row in change.added}
    for series, dates in history.items():
        yield from ({"series": series, "date": date} for date in dates if (series, date) not in there)


@dataclass(frozen=True, kw_only=True)
class Revision:
    """A value that was there before and that a run changed."""

    run_id: str
    at: str
    """The time from which the new value was known."""
    series: str
    date: str
    measure: str
    old: Number | None
    new: Number | None
    """None also where the date was removed."""
    removed: bool = False

    @property
    def difference(self) -> Number | None:
        return None if self.old is None or self.new is None else self.new - self.old


def revisions(history: History, dataset: Dataset) -> list[Revision]:
    """All revisions, newest run first, then by date and measure."""
    found = []
    for series, dates in history.items():
        for date, entries in dates.items():
            for before, after in pairwise(entries):
                found += _differences(before, after, series=series, date=date, dataset=dataset)
    order = {name: n for n, name in enumerate(dataset.measure_names)}
    found.sort(key=lambda one: (one.series, one.date, order[one.measure]))
    found.sort(key=lambda one: one.run_id, reverse=True)
    return found


def _differences(before: Entry, after: Entry, *, series: str, date: str, dataset: Dataset) -> list[Revision]:
    if before["values"] is None:  # it comes back: an addition, not a revision
        return []
    new = after["values"] or [None] * len(before["values"])
    return [
        Revision(
            run_id=after["run_id"],
            at=after["at"],
            series=series,
            date=date,
            measure=name,
            old=was,
            new=now,
            removed=after["values"] is None,
        )
        for name, was, now in zip(dataset.measure_names, before["values"], new, strict=True)
        if was != now
    ]
