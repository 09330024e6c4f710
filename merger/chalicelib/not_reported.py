"""What a feed gives as 0 and does not report: a running total that is 0 after having been positive is null.

It is judged by what was committed as well as by the new file: the first day on which a series was positive is
remembered for good, so that a history that is zeroed is not taken for one that begins later.
(Johns Hopkins set the US recoveries to 0 when it stopped reporting them: 2020-12-14, 6,298,082 -> 0.)
"""

from collections.abc import Mapping

import numpy as np

from chalicelib.tables import Ints, Table, codes_of, days_of, null_of, places_of_names

NEVER = int(np.iinfo(np.int64).max)
"""A day beyond all days."""
_CHUNK = 1 << 16


def first_positive(rows: Table, measure: str, *, known: Ints) -> Ints:
    """Series code -> the first day on which the measure is or was positive, or NEVER.

    `known` are the days remembered from before, over the same names.
    """
    days = np.full(len(rows.names), NEVER, dtype=np.int64)
    missing = len(days)
    for start in range(0, len(rows), _CHUNK):
        if not missing:
            break
        part = rows.take(slice(start, start + _CHUNK))
        codes = part.codes
        fresh = np.flatnonzero((part.values[measure] > 0) & (days[codes] == NEVER))[::-1]
        # Rows ascend by day, and the last of several assignments stays: reversed, that is the first day.
        days[codes[fresh]] = part.days[fresh]
        missing = int(np.count_nonzero(days == NEVER))
    return np.minimum(days, known)


def remembered(firsts: Ints, names: tuple[str, ...], over: tuple[str, ...]) -> Ints:
    """`first_positive` over a sorted superset of the names."""
    if names == over:
        return firsts
    days = np.full(len(over), NEVER, dtype=np.int64)
    days[places_of_names(names, over)] = firsts
    return days


def reported(rows: Table, firsts: Mapping[str, Ints]) -> Table:
    """The rows as readers get them: a total that is 0 on or after the first day it was positive is null.

    `firsts` holds `first_positive` of every total.
    """
    values = dict(rows.values)
    for measure, first in firsts.items():
        zero = np.flatnonzero(values[measure] == 0)
        keys = rows.keys[zero]
        gone = zero[days_of(keys) >= first[codes_of(keys)]]
        if len(gone):
            values[measure] = values[measure].copy()
            values[measure][gone] = null_of(values[measure])
    return Table(names=rows.names, keys=rows.keys, values=values)
