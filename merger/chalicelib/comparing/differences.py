"""The difference between two states of the store: normalised numbers are compared, never text."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chalicelib.tables import Ints, Mask, Table, on_common_names, widened
from shared.exact import dumps

_CHUNK = 20_000
_HALF = 1 << 62
"""Of numbers below it, in either sign, 64 bits hold every difference."""


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What is different, as arrays: a first load of a million rows is held without a million objects."""

    added: Table
    before: Table
    """The changed rows as they were; the same keys as `after`."""
    after: Table
    removed: Table

    @property
    def empty(self) -> bool:
        return not (len(self.added) or len(self.after) or len(self.removed))

    @property
    def touched(self) -> Ints:
        """Keys of all rows that differ, ascending."""
        return np.sort(np.concatenate([self.added.keys, self.after.keys, self.removed.keys]))


def compare(old: Table, new: Table) -> Changes:
    """All rows of both, whatever their age. The tables of the result are over the names of both."""
    old, new = on_common_names([old, new])
    if not len(old):
        return Changes(added=new.wide, before=old, after=new.take(slice(0, 0)), removed=old)
    places, stays = old.find(new.keys)
    gone = np.ones(len(old), dtype=np.bool_)
    gone[places[stays]] = False
    differ = np.zeros(len(new), dtype=np.bool_)
    for measure, numbers in new.values.items():
        differ |= differing(old.values[measure][places], numbers)
    differ &= stays
    return Changes(
        added=new.take(~stays).wide,
        before=old.take(places[differ]).wide,
        after=new.take(differ).wide,
        removed=old.take(gone).wide,
    )


def differing(old: Ints, new: Ints) -> Mask:
    """Where numbers differ, whatever the width of their types."""
    same = old.dtype == new.dtype
    differ: Mask = old != new if same else widened(old) != widened(new)
    return differ


def distances(old: Ints, new: Ints) -> Ints:
    """New less old, exactly: as Python's integers where 64 bits may not hold a difference."""
    if len(old) and max(np.abs(old).max(), np.abs(new).max()) >= _HALF:
        old, new = old.astype(object), new.astype(object)
    found: Ints = new - old
    return found


def same_rows(old: Table, new: Table) -> bool:
    """Whether two tables have the same rows; null equals null."""
    if len(old) != len(new):
        return False
    old, new = on_common_names([old, new])
    if not np.array_equal(old.keys, new.keys):
        return False
    return not any(differing(old.values[name], numbers).any() for name, numbers in new.values.items())


def changed_rows(
    before: Table, after: Table, *, with_series: bool, decimals: Mapping[str, int]
) -> Iterator[dict[str, object]]:
    """The changed rows as the change set has them: only the fields that differ, old and new."""
    names = tuple(before.values)
    olds, news = (zip(*table.columns(decimals), strict=True) for table in (before, after))
    for place, old, new in zip(after.only(()).rows(with_series=with_series), olds, news, strict=True):
        pairs = zip(names, old, new, strict=True)
        place["fields"] = {name: {"old": was, "new": now} for name, was, now in pairs if was != now}
        yield place


def change_set_json(
    changes: Changes, *, run_id: str, base_run_id: str | None, with_series: bool, decimals: Mapping[str, int]
) -> Iterator[bytes]:
    """The change set (`shared.changes`) as JSON, in pieces of bounded size."""
    yield f'{{"run_id":{json.dumps(run_id)},"base_run_id":{json.dumps(base_run_id)},"added":['.encode()
    shown: dict[str, Any] = {"with_series": with_series, "decimals": decimals}
    yield from _listed(changes.added.take(chunk).rows(**shown) for chunk in _chunks(changes.added))
    yield b'],"changed":['
    yield from _listed(
        changed_rows(changes.before.take(chunk), changes.after.take(chunk), **shown) for chunk in _chunks(changes.after)
    )
    yield b'],"removed":['
    yield from _listed(changes.removed.take(chunk).rows(**shown) for chunk in _chunks(changes.removed))
    yield b"]}"


def _chunks(table: Table) -> Iterator[slice]:
    return (slice(start, start + _CHUNK) for start in range(0, len(table), _CHUNK))


def _listed(chunks: Iterator[Iterator[dict[str, object]]]) -> Iterator[bytes]:
    comma = ""
    for rows in chunks:
        text = dumps(list(rows))
        yield (comma + text[1:-1]).encode()
        comma = ","
