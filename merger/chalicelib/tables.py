"""Rows as arrays: one 64-bit key a row, one array a measure.

A key is `day << 32 | series code`: the day counts from 0001-01-01, the code is the series' place among the sorted
names. Ascending keys are therefore rows in order of (date, series), and two tables over the same names are compared
with array operations alone. Numbers are whole multiples of 10^-decimals. Null is the least number of an array's type,
which no value is.
"""

import datetime as dt
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.exact import Number, from_scaled

type Ints = NDArray[np.int64]
type Mask = NDArray[np.bool_]

NULL = int(np.iinfo(np.int64).min)
"""What stands for null in an array of 64 bits; see `null_of`."""
_CODE_BITS = 32
_MANY = 4
"""Keys as many as a quarter of the rows are not looked up one by one,"""
_FEW = 1 << 14
"""unless they are so few that nothing is gained by it."""
_STRETCH = 1 << 13
_CODE_MASK = (1 << _CODE_BITS) - 1


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows with unique keys, ascending."""

    names: tuple[str, ...]
    """The series, sorted; a key's code is an index into it."""
    keys: Ints
    values: Mapping[str, Ints]
    """Measure -> one number a row, null where there is none. Of a smaller type, where they come from an index."""

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def days(self) -> Ints:
        return days_of(self.keys)

    @property
    def codes(self) -> Ints:
        return codes_of(self.keys)

    def take(self, chosen: "Mask | Ints | slice") -> "Table":
        """The rows that a mask, ascending positions or a slice choose."""
        return Table(
            names=self.names,
            keys=self.keys[chosen],
            values={measure: numbers[chosen] for measure, numbers in self.values.items()},
        )

    def over(self, names: tuple[str, ...]) -> "Table":
        """The same rows with codes over a sorted superset of the names."""
        if names == self.names:
            return self
        place = places_of_names(self.names, names)
        codes = place[self.codes] if len(self.names) else self.codes
        return Table(names=names, keys=(self.days << _CODE_BITS) | codes, values=self.values)

    @property
    def wide(self) -> "Table":
        """The same rows with their numbers in 64 bits, which sums and differences need."""
        values = {measure: widened(numbers) for measure, numbers in self.values.items()}
        return Table(names=self.names, keys=self.keys, values=values)

    def only(self, measures: Iterable[str]) -> "Table":
        """The same rows with these measures only, in this order."""
        return Table(names=self.names, keys=self.keys, values={name: self.values[name] for name in measures})

    def find(self, keys: Ints) -> tuple[Ints, Mask]:
        """For each of these ascending keys its position and whether it is here; absent ones have no true position."""
        if keys is self.keys:
            return np.arange(len(keys)), np.ones(len(keys), dtype=np.bool_)
        if not len(self):
            return np.zeros(len(keys), dtype=np.int64), np.zeros(len(keys), dtype=np.bool_)
        many = len(keys) > max(_FEW, len(self) // _MANY)
        places = _places_by_stretches(self.keys, keys) if many else None
        if places is None:
            places = np.minimum(np.searchsorted(self.keys, keys), len(self) - 1)
        return places, self.keys[places] == keys

    def rows(self, *, with_series: bool, decimals: Mapping[str, int] | None = None) -> Iterator[dict[str, Any]]:
        """The rows as the change set and the store have them: ISO date; int, Decimal or None."""
        measures = tuple(self.values)
        for key, *numbers in zip(self.keys.tolist(), *self.columns(decimals), strict=True):
            row: dict[str, Any] = {"series": self.names[key & _CODE_MASK]} if with_series else {}
            row["date"] = iso_date(key >> _CODE_BITS)
            row.update(zip(measures, numbers, strict=True))
            yield row

    def columns(self, decimals: Mapping[str, int] | None = None) -> Iterator[list[Number | None]]:
        """The measures' numbers as Python has them: int, Decimal where a measure has decimals, or None."""
        for name, numbers in self.values.items():
            places, null = (decimals or {}).get(name, 0), null_of(numbers)
            listed: list[Number | None] = numbers.tolist()
            if places:
                yield [None if n == null else from_scaled(int(n or 0), places) for n in listed]
            else:
                yield [None if n == null else n for n in listed] if (numbers == null).any() else listed

    @property
    def newest(self) -> str:
        """The newest date, ISO; empty for an empty table."""
        return iso_date(int(self.keys[-1]) >> _CODE_BITS) if len(self) else ""


def _places_by_stretches(among: Ints, keys: Ints) -> Ints | None:
    """Positions of keys among others, both ascending: long stretches of both are alike. None where they are not.

    A position is that of the key where it is there, and any other where it is not.
    """
    places = np.zeros(len(keys), dtype=np.int64)
    start = at = 0
    tries = 64 + len(keys) // 128
    while at < len(keys) and start < len(among) and tries:
        size = min(_STRETCH, len(keys) - at, len(among) - start)
        same = among[start : start + size] == keys[at : at + size]
        alike = size if same.all() else int(same.argmin())
        places[at : at + alike] = np.arange(start, start + alike)
        start, at = start + alike, at + alike
        if alike < size:
            tries -= 1
            if among[start] < keys[at]:
                start += int(np.searchsorted(among[start:], keys[at]))
            else:
                at += int(np.searchsorted(keys[at:], among[start]))
    return places if tries else None


@functools.lru_cache(maxsize=4096)
def iso_date(day: int) -> str:
    return dt.date.fromordinal(day).isoformat()


def days_of(keys: Ints) -> Ints:
    return keys >> _CODE_BITS


def codes_of(keys: Ints) -> Ints:
    return keys & _CODE_MASK


def make_keys(days: Ints, codes: Ints | np.int64) -> Ints:
    return (days << _CODE_BITS) | codes


def make_key(day: int, code: int) -> int:
    return day << _CODE_BITS | code


def day_and_code(key: int) -> tuple[int, int]:
    """What `make_key` made a key of."""
    return key >> _CODE_BITS, key & _CODE_MASK


def first_key(day: int) -> int:
    """The least key of a day."""
    return day << _CODE_BITS


def empty_table(measures: Iterable[str]) -> Table:
    none = np.empty(0, dtype=np.int64)
    return Table(names=(), keys=none, values=dict.fromkeys(measures, none))


def ascending_table(names: tuple[str, ...], keys: Ints, values: Mapping[str, Ints]) -> Table | None:
    """Rows in any order as a table; None where a key is there twice."""
    if not (keys[1:] > keys[:-1]).all():
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        if (keys[1:] == keys[:-1]).any():
            return None
        values = {measure: numbers[order] for measure, numbers in values.items()}
    return Table(names=names, keys=keys, values=values)


def ranks_of(listed: Sequence[str]) -> tuple[tuple[str, ...], Ints]:
    """Distinct names in order, and for each of the list its place in that order: its code."""
    order = sorted(range(len(listed)), key=listed.__getitem__)
    ranks = np.empty(len(listed), dtype=np.int64)
    ranks[order] = np.arange(len(listed))
    return tuple(listed[n] for n in order), ranks


def places_of_names(names: tuple[str, ...], among: tuple[str, ...]) -> Ints:
    """Where each name stands among others, of which it is one."""
    places = {name: place for place, name in enumerate(among)}
    return np.array([places[name] for name in names], dtype=np.int64)


def on_common_names(tables: Sequence[Table]) -> list[Table]:
    """The tables with their codes over the union of their names, so that keys can be compared."""
    names = tuple(sorted({name for table in tables for name in table.names}))
    return [table.over(names) for table in tables]


def patched(table: Table, *, without: Ints, upserts: Table) -> Table:
    """The table without some keys and with other rows put in, over the same names; arrays are copied, never changed.

    Nothing is sorted: what stays is copied in stretches.
    """
    places, here = table.find(upserts.keys)
    gone, found = table.find(without[~np.isin(without, upserts.keys)])
    dropped, fresh = gone[found], upserts.keys[~here]
    before = np.searchsorted(table.keys, fresh)
    stretches = list(_stretches(dropped, before, len(table)))
    changed = places[here]
    changed += np.searchsorted(before, changed, side="right") - np.searchsorted(dropped, changed)
    values = {}
    for measure, numbers in table.values.items():
        kept, put = fitting(numbers, upserts.values[measure])
        values[measure] = _spliced(kept, put[~here], stretches)
        values[measure][changed] = put[here]
    return Table(names=table.names, keys=_spliced(table.keys, fresh, stretches), values=values)


def null_of(numbers: Ints) -> int:
    """What stands for null in an array: the least number of its type."""
    return int(np.iinfo(numbers.dtype).min)


def is_null(numbers: Ints) -> Mask:
    mask: Mask = numbers == null_of(numbers)
    return mask


def widened(numbers: Ints) -> Ints:
    """The numbers in 64 bits, null as NULL."""
    return _cast(numbers, np.dtype(np.int64))


def narrowed(numbers: Ints, kind: "np.dtype[Any]") -> Ints | None:
    """The numbers in a type of fewer bits, null as its least number; None where it does not hold them all."""
    if numbers.dtype.itemsize <= kind.itemsize:
        return _cast(numbers, kind)
    held, there = np.iinfo(kind), numbers[~is_null(numbers)]
    if len(there) and not (held.min < there.min() and there.max() <= held.max):
        return None
    return _cast(numbers, kind)


def _cast(numbers: Ints, kind: "np.dtype[Any]") -> Ints:
    if numbers.dtype == kind:
        return numbers
    cast: Ints = numbers.astype(kind)
    nulls = is_null(numbers)
    if nulls.any():
        cast[nulls] = null_of(cast)
    return cast


def fitting(old: Ints, new: Ints) -> tuple[Ints, Ints]:
    """Both in one type: that of `old`, which comes from an index and is small, where it holds `new` too."""
    fitted = narrowed(new, old.dtype) if old.dtype.itemsize < new.dtype.itemsize else None
    return (old, fitted) if fitted is not None else (widened(old), widened(new))


type _Stretch = tuple[int, int, int, int]
"""From where to where of the old rows, and of the new ones that follow them."""


def _stretches(dropped: Ints, before: Ints, size: int) -> Iterator[_Stretch]:
    """How old rows, but for the dropped ones, and new ones alternate; `before` says for each new one its old place."""
    inserted, firsts = np.unique(before, return_index=True)
    lasts = [*firsts.tolist(), len(before)][1:]
    inserts = [(at, 0, first, last) for at, first, last in zip(inserted.tolist(), firsts.tolist(), lasts, strict=True)]
    drops = [(at, 1, 0, 0) for at in dropped.tolist()]
    start = 0
    for at, skipped, first, last in sorted([*inserts, *drops]):
        yield start, at, first, last
        start = at + skipped
    yield start, size, 0, 0


def _spliced(old: Ints, new: Ints, stretches: Sequence[_Stretch]) -> Ints:
    return np.concatenate([part for start, end, first, last in stretches for part in (old[start:end], new[first:last])])
