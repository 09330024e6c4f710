"""Removed rows drawn together: of each series how many dates went and from when to when, the most first."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chalicelib.runs.revision_groups import NAMED, by_series
from chalicelib.tables import Table, iso_date
from shared.dataset import Dataset


@dataclass(frozen=True, kw_only=True)
class _Removal:
    """Of one series."""

    name: str
    dates: int
    first: int
    last: int


def draw_removals(removed: Table, dataset: Dataset, *, most: int) -> list[dict[str, Any]]:
    """At most so many groups; series that lost the same dates, as far as count and ends tell, are one."""
    alike = dict[tuple[int, int, int], list[str]]()
    for one in _by_series(removed):
        alike.setdefault((one.dates, one.first, one.last), []).append(one.name)
    ordered = sorted(alike.items(), key=lambda it: (-it[0][0] * len(it[1]), it[1][0]))
    return [
        {"dates": count, "first": iso_date(first), "last": iso_date(last)}
        | ({"series": names[:NAMED], "several": len(names)} if dataset.has_series else {})
        for (count, first, last), names in ordered[:most]
    ]


def _by_series(removed: Table) -> Iterator[_Removal]:
    """In order of their names."""
    order = np.argsort(removed.codes, kind="stable")
    days, codes = removed.days[order], removed.codes[order]
    for its in by_series(codes):
        name = removed.names[int(codes[its[0]])]
        yield _Removal(name=name, dates=len(its), first=int(days[its[0]]), last=int(days[its[-1]]))
