"""Revisions drawn together: values that were revised alike become one entry of the summary, the largest first.

Of each measure and series, at least ALIKE values in a row that were revised by the same difference are one group; the
rest is another; values that came or went are two more. Groups of several series that differ in nothing else become
one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np

from chalicelib.comparing.differences import Changes, distances
from chalicelib.tables import Ints, Mask, Table, is_null, iso_date
from shared.dataset import Dataset, Measure
from shared.exact import Number, from_scaled

ALIKE = 3
"""Fewer values in a row with the same difference are not worth a line of their own."""
NAMED = 3
"""Series that a group names at most."""
_LOOKED_AT = 2_000
"""Groups of a measure that are compared with one another, the largest ones."""


@dataclass(frozen=True, kw_only=True)
class _Group:
    measure: Measure
    series: tuple[str, ...]
    several: int
    dates: int
    first: int
    last: int
    least: int | None
    most: int | None
    at: tuple[int, int | None, int | None]
    """Day, old and new of its largest revision."""
    weight: tuple[bool, float]
    """Whether it is of a series that is a total or stands alone, and its size against the measure's largest."""

    @property
    def shape(self) -> tuple[object, ...]:
        """What groups have in common that are drawn together."""
        return self.measure.name, self.dates, self.first, self.last, self.least, self.most, self.weight[0]

    def as_map(self, *, with_series: bool) -> dict[str, Any]:
        day, old, new = self.at
        spread = {"least": self._shown(self.least), "most": self._shown(self.most)} if self.least is not None else {}
        named = {"series": list(self.series), "several": self.several} if with_series else {}
        return (
            {"measure": self.measure.name}
            | named
            | {"dates": self.dates, "first": iso_date(self.first), "last": iso_date(self.last)}
            | spread
            | {"date": iso_date(day), "old": self._shown(old), "new": self._shown(new)}
        )

    def _shown(self, scaled: int | None) -> Number | None:
        return None if scaled is None else from_scaled(scaled, self.measure.decimals)


def draw_together(changes: Changes, dataset: Dataset, *, most: int) -> list[dict[str, Any]]:
    """The largest groups of all measures, at most so many, the largest first; totals among the series before others."""
    groups = [group for measure in dataset.measures for group in _merged(_groups(changes, measure, dataset))]
    ordered = sorted(groups, key=lambda group: group.weight, reverse=True)
    return [group.as_map(with_series=dataset.has_series) for group in ordered[:most]]


def largest_percent(changes: Changes, dataset: Dataset) -> Number:
    """The largest revision of any value in percent of what it was, with one decimal; 0 where there is none."""
    largest = 0.0
    for measure in dataset.measures:
        old, new, both = _pairs(changes, measure)
        both &= old != 0
        if both.any():
            change = np.abs(new[both].astype(np.float64) - old[both])
            largest = max(largest, float((change / np.abs(old[both].astype(np.float64))).max()))
    return Decimal(largest * 100).quantize(Decimal("0.1"), ROUND_HALF_UP) if largest else 0


def _pairs(changes: Changes, measure: Measure) -> tuple[Ints, Ints, Mask]:
    old, new = changes.before.values[measure.name], changes.after.values[measure.name]
    return old, new, ~is_null(old) & ~is_null(new)


def _groups(changes: Changes, measure: Measure, dataset: Dataset) -> Iterator[_Group]:
    old, new, both = _pairs(changes, measure)
    order = np.argsort(changes.after.codes, kind="stable")
    revised = order[(both & (old != new))[order]]
    difference = distances(old[revised], new[revised])
    largest = int(np.abs(difference).max()) if len(revised) else 0
    for places in _largest_first(_alike(changes.after.codes[revised], difference), np.abs(difference)):
        found = difference[places]
        top = int(np.abs(found).argmax())
        group = _group(changes, measure, revised[places], dataset, top=top, share=abs(int(found[top])) / largest)
        yield replace(group, least=int(found.min()), most=int(found.max()))
    for gone in (is_null(new) & ~is_null(old), is_null(old) & ~is_null(new)):
        places = order[gone[order]]
        for part in by_series(changes.after.codes[places])[:_LOOKED_AT]:
            yield _group(changes, measure, places[part], dataset, top=len(part) - 1, share=1)


def _group(changes: Changes, measure: Measure, places: Ints, dataset: Dataset, *, top: int, share: float) -> _Group:
    after = changes.after
    days, name = after.days[places], after.names[int(after.codes[places[0]])]
    old, new = _value(changes.before, measure, places[top]), _value(after, measure, places[top])
    return _Group(
        measure=measure,
        series=(name,),
        several=1,
        dates=len(places),
        first=int(days.min()),
        last=int(days.max()),
        least=None,
        most=None,
        at=(int(days[top]), old, new),
        weight=(dataset.leads(name), share),
    )


def _value(rows: Table, measure: Measure, place: "np.int64") -> int | None:
    numbers = rows.values[measure.name]
    return None if is_null(numbers[place : place + 1])[0] else int(numbers[place])


def by_series(codes: Ints) -> list[Ints]:
    """Places with the same code, which stand together."""
    return np.split(np.arange(len(codes)), np.flatnonzero(np.diff(codes)) + 1) if len(codes) else []


def _alike(codes: Ints, difference: Ints) -> Ints:
    """For each value the number of its group: a long stretch of one difference, or the rest of its series."""
    if not len(codes):
        return codes
    breaks = np.ones(len(codes), dtype=np.bool_)
    breaks[1:] = (codes[1:] != codes[:-1]) | (difference[1:] != difference[:-1])
    stretch = np.cumsum(breaks)
    long = np.bincount(stretch)[stretch] >= ALIKE
    return np.where(long, stretch + int(codes.max()) + 1, codes)


def _largest_first(groups: Ints, sizes: Ints) -> Iterator[Ints]:
    """The places of each group, of those with the largest values."""
    if not len(groups):
        return
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], np.diff(groups[order]) != 0]))
    largest = np.maximum.reduceat(sizes[order], starts)
    ends = np.append(starts[1:], len(order))
    for at in np.argsort(-largest, kind="stable")[:_LOOKED_AT].tolist():
        yield order[starts[at] : ends[at]]


def _merged(groups: Iterator[_Group]) -> Sequence[_Group]:
    """Groups of different series that are alike become one, which names the first few."""
    by_shape = dict[tuple[object, ...], _Group]()
    for group in groups:
        alike = group.least is not None and group.least == group.most
        key = (*group.shape, () if alike else (*group.series, group.at[1] is None))
        known = by_shape.get(key)
        by_shape[key] = group if known is None else _with(known, group)
    return list(by_shape.values())


def _with(group: _Group, other: _Group) -> _Group:
    return replace(group, series=(*group.series, *other.series)[:NAMED], several=group.several + 1)
