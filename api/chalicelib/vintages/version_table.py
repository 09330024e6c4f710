"""The table of vintages: every value of every key, from which run to which it was known, made from change sets.

A key is a date of a series. Its versions follow one another without a gap: a version is known from the run that brought
it until the run that brought the next one. A key that a run removed has a version that is not present, which is not
the same as one whose values are null.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from shared.changes import ChangeSet, Row
from shared.dataset import ONE_SERIES
from shared.errors import PermanentError
from shared.exact import Number

type Values = tuple[Number | None, ...]
"""The values of a row, in the order of the measures."""
type Key = tuple[str, str]
"""(series, date)."""


class ChangeOutOfOrder(PermanentError):
    """A change set speaks of a row that the runs before it did not leave."""


class Version(NamedTuple):
    """What was known of one key for a while."""

    series: str
    date: str
    values: Values | None
    """None: the row was not present."""
    run_id: str
    """The run that brought it."""
    known_from: str
    """The time from which it was known."""
    next_run_id: str = ""
    """The run that brought the next version; empty where this is the newest."""
    known_to: str = ""
    """The time from which the next version was known."""

    @property
    def key(self) -> Key:
        return self.series, self.date

    @property
    def is_open(self) -> bool:
        """Whether it is what is known now."""
        return not self.next_run_id

    def known_at(self, time: str) -> bool:
        """Whether it was what was known at this time (as run ids are written)."""
        return self.known_from <= time and (self.is_open or time < self.known_to)


class VersionTable:
    """The newest version of every key, and the closed ones that came of the change sets added here."""

    def __init__(self, measures: Sequence[str], *, newest: Iterable[Version] = ()) -> None:
        self._measures = tuple(measures)
        self.newest: dict[Key, Version] = {version.key: version for version in newest}
        self.closed: list[Version] = []

    def add(self, change: ChangeSet, *, known_from: str) -> None:
        """What one committed run changed; runs are added in the order of their ids.

        A change set without a base is a first load: whatever was there before, the state is its rows. (A stage's own
        first load is one too, when the days before it were filled in later.) Raises ChangeOutOfOrder.
        """
        for key, values in self._changes(change):
            self._put(key, values, run_id=change.run_id, known_from=known_from)

    def versions(self) -> list[Version]:
        """All of them, in order of series, date and time."""
        return sorted([*self.closed, *self.newest.values()], key=lambda it: (it.series, it.date, it.known_from))

    def _changes(self, change: ChangeSet) -> Iterator[tuple[Key, Values | None]]:
        added = {_key(row): tuple(row[name] for name in self._measures) for row in change.added}
        if change.base_run_id is None:
            yield from ((key, None) for key in list(self.newest) if key not in added)
        yield from added.items()
        for row in change.changed:
            yield _key(row), self._changed(row, change.run_id)
        for row in change.removed:
            yield _key(row), None

    def _changed(self, row: Row, run_id: str) -> Values:
        was = self.newest.get(_key(row))
        if was is None or was.values is None:
            raise ChangeOutOfOrder(
                f"run {run_id} changes {row['date']} of {row.get('series')}, which is not there before"
            )
        fields: Mapping[str, Mapping[str, Number | None]] = row["fields"]
        pairs = zip(self._measures, was.values, strict=True)
        return tuple(fields[name]["new"] if name in fields else old for name, old in pairs)

    def _put(self, key: Key, values: Values | None, *, run_id: str, known_from: str) -> None:
        was = self.newest.get(key)
        if (was.values if was else None) == values:
            return
        if was:
            self.closed.append(was._replace(next_run_id=run_id, known_to=known_from))
        self.newest[key] = Version(key[0], key[1], values, run_id, known_from)


def of_measure(versions: Iterable[Version], place: int) -> Iterator[Version]:
    """The versions of one measure alone, by its place among the measures: neighbours that do not differ become one.

    The versions are in order of series, date and time.
    """
    last: Version | None = None
    for version in versions:
        narrow = version._replace(values=None if version.values is None else (version.values[place],))
        if last and last.key == narrow.key and last.values == narrow.values:
            last = last._replace(next_run_id=narrow.next_run_id, known_to=narrow.known_to)
            continue
        if last:
            yield last
        last = narrow
    if last:
        yield last


def known_at(versions: Iterable[Version], time: str) -> dict[Key, Values]:
    """The rows that were known at a time."""
    return {it.key: it.values for it in versions if it.values is not None and it.known_at(time)}


def _key(row: Row) -> Key:
    return row.get("series", ONE_SERIES), row["date"]
