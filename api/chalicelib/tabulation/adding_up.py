"""From published values to what a day, a week or a month says: increments of totals, aggregates of all else.

A span of a series is a run of rows that follow one another. What a number of a span is made of:

- of a total, the last value reported in the span minus the last one reported before it. Where nothing was reported
  before, `opening` decides: with "count" the time before counts as reported and zero, with "none" the first value is
  where counting begins;
- of counts the sum, of levels and rates the declared aggregate, over the periods whose date lies in the span.

Nothing is divided but for a mean, which is rounded half to even to the declared decimals.
"""

from dataclasses import dataclass

import numpy as np

from chalicelib.tabulation.observations import Column, Ints, Mask, Numbers, Observations, without_overflow
from chalicelib.tabulation.spans import Spans
from shared.dataset import Aggregate, Measure, Opening


@dataclass(frozen=True, kw_only=True)
class Groups:
    """Rows that are one span of one series, in order of (series, date)."""

    firsts: Ints
    """Of each group the place of its first row."""
    of_row: Ints
    """Of each row its group."""
    codes: Ints
    starts: Ints
    ends: Ints
    labels: Ints
    """The day that each group is labelled by: its last, or the date that was published."""

    def __len__(self) -> int:
        return len(self.firsts)


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """What one measure comes to in each group."""

    numbers: Numbers
    there: Mask
    days: Ints
    """The days that a number stands for; 0 where there is none."""
    whole: Mask
    """Whether a number stands for exactly the group's span; true where there is no number."""


def group_rows(rows: Observations, spans: Spans) -> Groups:
    fresh = np.ones(len(rows.days), dtype=np.bool_)
    if not spans.as_published:
        fresh[1:] = (rows.codes[1:] != rows.codes[:-1]) | (spans.ends[1:] != spans.ends[:-1])
    firsts = np.flatnonzero(fresh)
    return Groups(
        firsts=firsts,
        of_row=np.cumsum(fresh) - 1,
        codes=rows.codes[firsts],
        starts=spans.starts[firsts],
        ends=spans.ends[firsts],
        labels=(rows.days if spans.as_published else spans.ends)[firsts],
    )


def amounts(measure: Measure, rows: Observations, spans: Spans, groups: Groups) -> Amounts:
    """What a measure comes to in each group."""
    reported = _Reported.of(rows.columns[measure.name], rows, groups)
    if measure.cumulative:
        return _increments(measure, reported, spans, groups)
    return _aggregates(measure, reported, spans, groups)


@dataclass(frozen=True, kw_only=True)
class _Reported:
    """The rows of one measure that have a number."""

    rows: Ints
    """Their places among all rows."""
    numbers: Ints
    groups: Ints
    """Those of the groups that have one, ascending."""
    firsts: Ints
    """Of each such group the place of its first number among these rows."""
    lasts: Ints
    opens: Mask
    """Of each such group whether its first number is the first one of its series."""
    newest: Ints
    """Of each such group the newest row with a number in its series."""

    @classmethod
    def of(cls, column: Column, rows: Observations, groups: Groups) -> "_Reported":
        places = np.flatnonzero(column.there)
        its_groups, firsts, counts = np.unique(groups.of_row[places], return_index=True, return_counts=True)
        codes = rows.codes[places]
        opens = np.ones(len(firsts), dtype=np.bool_)
        opens[1:] = codes[firsts[1:]] != codes[firsts[1:] - 1]
        last_of_code = np.zeros(len(rows.names), dtype=np.int64)
        last_of_code[codes] = places  # rows ascend by day, and the last of several assignments stays
        return cls(
            rows=places,
            numbers=column.numbers[places],
            groups=its_groups,
            firsts=firsts,
            lasts=firsts + counts - 1,
            opens=opens,
            newest=last_of_code[codes[firsts]],
        )

    def __len__(self) -> int:
        return len(self.groups)


def _increments(measure: Measure, reported: _Reported, spans: Spans, groups: Groups) -> Amounts:
    numbers, firsts, lasts = without_overflow(reported.numbers), reported.firsts, reported.lasts
    starts, ends = groups.starts[reported.groups], groups.ends[reported.groups]
    counted = measure.opening is Opening.COUNT
    before = np.where(reported.opens, firsts, firsts - 1)  # with "none", counting begins at the first value itself
    reach = spans.reach[reported.rows]
    base_days = np.where(reported.opens & counted, starts - 1, reach[before])
    base = np.where(reported.opens & counted, 0, numbers[before])
    known = ~reported.opens | (lasts > firsts) | counted
    slack = 1 if spans.as_published else spans.stride
    whole = (
        (base_days < starts)
        & (base_days >= starts - slack)
        & (reach[lasts] > ends - slack)
        & (spans.reach[reported.newest] >= ends)
    )
    return _spread(groups, reported.groups[known], numbers[lasts] - base, reach[lasts] - base_days, whole, known=known)


def _aggregates(measure: Measure, reported: _Reported, spans: Spans, groups: Groups) -> Amounts:
    days = spans.days[reported.rows]
    there, last = reported.lasts - reported.firsts + 1, reported.rows[reported.lasts]
    closed = spans.reach[reported.newest] >= groups.ends[reported.groups]
    whole = closed & (there >= _periods(spans, groups, reported.groups, spans.reach[last]))
    return _spread(
        groups,
        reported.groups,
        _aggregated(measure.aggregate, reported),
        np.add.reduceat(days, reported.firsts) if len(reported) else days[:0],
        whole,
    )


def _periods(spans: Spans, groups: Groups, chosen: Ints, last: Ints) -> Ints:
    """How many published periods have their date in each group's span, one of which is `last`."""
    if spans.as_published:
        return np.ones(len(chosen), dtype=np.int64)
    earlier = (last - groups.starts[chosen]) // spans.stride
    later = (groups.ends[chosen] - last) // spans.stride
    return earlier + 1 + later


def _aggregated(aggregate: Aggregate, reported: _Reported) -> Numbers:
    numbers, firsts = reported.numbers, reported.firsts
    if not len(reported):
        return numbers[:0]
    match aggregate:
        case Aggregate.LAST:
            return numbers[reported.lasts]
        case Aggregate.MAX:
            return np.maximum.reduceat(numbers, firsts)
    counts = reported.lasts - firsts + 1
    sums = np.add.reduceat(without_overflow(numbers, terms=int(counts.max())), firsts)
    return _rounded_mean(sums, counts) if aggregate is Aggregate.MEAN else sums


def _rounded_mean(sums: Numbers, counts: Ints) -> Numbers:
    """Half to even."""
    means = sums // counts
    rest = 2 * (sums - means * counts)
    rounded: Numbers = means + ((rest > counts) | ((rest == counts) & (means % 2 == 1)))
    return rounded


def _spread(
    groups: Groups, chosen: Ints, numbers: Numbers, days: Ints, whole: Mask, *, known: Mask | None = None
) -> Amounts:
    """Amounts of some groups as those of all: the others have no number."""
    if known is not None:
        numbers, days, whole = numbers[known], days[known], whole[known]
    all_numbers = np.zeros(len(groups), dtype=numbers.dtype)
    all_days = np.zeros(len(groups), dtype=np.int64)
    there, all_whole = np.zeros(len(groups), dtype=np.bool_), np.ones(len(groups), dtype=np.bool_)
    all_numbers[chosen], all_days[chosen], there[chosen], all_whole[chosen] = numbers, days, True, whole
    return Amounts(numbers=all_numbers, there=there, days=all_days, whole=all_whole)
