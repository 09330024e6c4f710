"""The inner join of the feeds on their key, and what each feed has beyond it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np

from chalicelib.tables import NULL, Ints, Table, on_common_names

NEVER = int(np.iinfo(np.int64).max)
"""A day beyond all days."""


@dataclass(frozen=True, kw_only=True)
class Joined:
    """All feeds of one run, over one list of names."""

    rows: Table
    """Rows whose key every feed has; numbers as the feeds have them."""
    leftovers: Mapping[str, Table]
    """Feed -> its rows whose key another feed lacks."""


def join(feeds: Mapping[str, Table], *, measures: tuple[str, ...]) -> Joined:
    """Inner join; the measures in the declared order."""
    aligned = dict(zip(feeds, on_common_names(list(feeds.values())), strict=True))
    first = next(iter(aligned.values()))
    common = reduce(_both, (table.keys for table in aligned.values()))
    values: dict[str, Ints] = {}
    leftovers = {}
    for feed, table in aligned.items():
        if len(common) == len(table):
            values |= table.values
            leftovers[feed] = table.take(slice(0, 0))
            continue
        places, _ = table.find(common)
        values |= {measure: numbers[places] for measure, numbers in table.values.items()}
        leftovers[feed] = table.take(np.delete(np.arange(len(table)), places))
    rows = Table(names=first.names, keys=common, values={measure: values[measure] for measure in measures})
    return Joined(rows=rows, leftovers=leftovers)


def _both(left: Ints, right: Ints) -> Ints:
    if len(left) == len(right) and np.array_equal(left, right):
        return left
    return np.intersect1d(left, right, assume_unique=True)


def first_positive(rows: Table, measure: str) -> Ints:
    """Series code -> the first day on which the measure is positive, or NEVER."""
    days = np.full(len(rows.names), NEVER, dtype=np.int64)
    positive = rows.values[measure] > 0
    # Rows ascend by day, and the last of several assignments stays: reversed, that is the first day.
    days[rows.codes[positive][::-1]] = rows.days[positive][::-1]
    return days


def remembered(firsts: Ints, names: tuple[str, ...], over: tuple[str, ...]) -> Ints:
    """`first_positive` over a sorted superset of the names."""
    if names == over:
        return firsts
    days = np.full(len(over), NEVER, dtype=np.int64)
    days[np.searchsorted(np.array(over, dtype=object), np.array(names, dtype=object))] = firsts
    return days


def reported(rows: Table, firsts: Mapping[str, Ints]) -> Table:
    """The rows as they are told: a cumulative measure that is 0 after having been positive is null.

    `firsts` holds `first_positive` of every cumulative measure. (Johns Hopkins set the US recoveries to 0 when it
    stopped reporting them: 2020-12-14, 6,298,082 -> 0.)
    """
    values = dict(rows.values)
    for measure, first in firsts.items():
        numbers = values[measure]
        gone = numbers == 0
        if gone.any():
            gone &= rows.days > first[rows.codes]
            values[measure] = np.where(gone, NULL, numbers)
    return Table(names=rows.names, keys=rows.keys, values=values)
