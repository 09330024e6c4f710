"""The inner join of the feeds on their key, and what each feed has beyond it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from chalicelib.tables import Ints, Table, on_common_names


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
    keys = next(iter(aligned.values())).keys
    found = {feed: table.find(keys) for feed, table in aligned.items()}
    common = np.logical_and.reduce([here for _, here in found.values()])
    values: dict[str, Ints] = {}
    leftovers = {}
    for feed, table in aligned.items():
        places, lone = found[feed][0][common], np.ones(len(table), dtype=np.bool_)
        lone[places] = False
        values |= {measure: numbers[places] for measure, numbers in table.values.items()}
        leftovers[feed] = table.take(lone)
    names = next(iter(aligned.values())).names
    rows = Table(names=names, keys=keys[common], values={measure: values[measure] for measure in measures})
    return Joined(rows=rows, leftovers=leftovers)
