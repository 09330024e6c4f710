"""What is odd in what a run changes although it passes: whole sentences, each fact once, many alike drawn together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from chalicelib.comparing.differences import distances
from chalicelib.comparing.full_merge import Merged
from chalicelib.comparing.gate import (
    ALL_REVISED,
    FEWEST_REVISED,
    GateLimits,
    dates_of,
    lost_values,
    reported_values,
    revised_values,
)
from chalicelib.feed_masks import partnerless
from chalicelib.tables import Ints, Mask, Table, is_null, iso_date
from shared.dataset import Dataset, Measure
from shared.exact import from_scaled
from shared.number_words import counted, noun

_LISTED = 5
"""Sentences of one kind about one measure; more are drawn together."""
_LONG_AGO = 3660
"""Days before the next date: what lies before such a gap may be no date of the data,"""
_FEW = 5
"""where it is at most so many dates, or fewer than lie behind the gap."""


def find_warnings(merged: Merged, dataset: Dataset, limits: GateLimits) -> list[str]:
    """Sentences about what is odd among the rows that changed; of a first load only about its oldest date."""
    oldest = list(_too_early(merged))
    if merged.first_load:
        return oldest
    series = _BySeries.of(merged)
    measured = [
        sentence
        for measure in dataset.measures
        for find in (_silences, _lost, _falls, _revisions)
        for sentence in find(merged, measure, limits, series, with_series=dataset.has_series)
    ]
    return [*oldest, *measured]


def find_notes(merged: Merged, dataset: Dataset) -> list[str]:
    """Sentences about what readers may want to know and need not worry about: rows without a partner."""
    if len(dataset.feeds) == 1:
        return []
    now = partnerless(merged.snapshot.rows, merged.snapshot.feeds)
    before = partnerless(merged.old.rows, merged.old.feeds)
    missing = "are null in the others' measures" if not merged.snapshot.inner else "are left out"
    alone = "is null in the others' measures" if not merged.snapshot.inner else "is left out"
    return [
        f"{counted(count, 'row')} of {dataset.feed(feed).title}"
        f" {'has' if count == 1 else 'have'} no partner in the other feeds and {alone if count == 1 else missing}"
        + ("" if merged.first_load else f" ({before[feed]:,} before)")
        for feed, count in now.items()
        if count != before[feed]
    ]


@dataclass(frozen=True, kw_only=True)
class _BySeries:
    """The rows as readers get them, in order of series and date, with what each row had before the run."""

    rows: Table
    """In order of date and series."""
    after: Ints
    """Places of rows that follow one of the same series,"""
    before: Ints
    """and of the rows that they follow."""
    touched: Mask
    """Rows that the run added or changed."""
    added: Mask
    was: Table
    """The rows before the run."""
    was_places: Ints
    had: Mask
    """Rows that were there before."""

    @classmethod
    def of(cls, merged: Merged) -> "_BySeries":
        rows = merged.snapshot.reported
        changes = merged.changes
        touched = _at(rows, changes.after) | _at(rows, changes.added)
        wanted = np.zeros(max(1, len(rows.names)), dtype=np.bool_)
        wanted[rows.codes[touched]] = True
        chosen = np.flatnonzero(wanted[rows.codes]) if len(rows) else np.empty(0, dtype=np.int64)
        order = chosen[np.argsort(rows.codes[chosen], kind="stable")]
        same = rows.codes[order[1:]] == rows.codes[order[:-1]]
        was = merged.old.reported.over(rows.names) if set(merged.old.reported.names) <= set(rows.names) else None
        was = was if was is not None else merged.old.reported.take(slice(0, 0))
        places, had = was.find(rows.keys)
        return cls(
            rows=rows,
            after=order[1:][same],
            before=order[:-1][same],
            touched=touched,
            added=_at(rows, changes.added),
            was=was,
            was_places=places,
            had=had,
        )

    def was_values(self, measure: str, places: Ints) -> tuple[Ints, Mask]:
        """Values of a measure before the run at some places of `rows`, and where there were any."""
        values = self.was.values[measure]
        if not len(values):
            return np.zeros(len(places), dtype=np.int64), np.zeros(len(places), dtype=np.bool_)
        found = values[self.was_places[places]]
        return found, self.had[places] & ~is_null(found)


def _at(rows: Table, wanted: Table) -> Mask:
    """Which rows have the keys of others."""
    mask = np.zeros(len(rows), dtype=np.bool_)
    if len(wanted):
        names = set(wanted.names) <= set(rows.names)
        places, here = rows.find(wanted.over(rows.names).keys) if names else _find_by_names(rows, wanted)
        mask[places[here]] = True
    return mask


def _find_by_names(rows: Table, wanted: Table) -> tuple[Ints, Mask]:
    """`find` where the wanted rows' names are not all among those of the rows."""
    place = {name: code for code, name in enumerate(rows.names)}
    codes = np.array([place.get(name, -1) for name in wanted.names], dtype=np.int64)[wanted.codes]
    known = codes >= 0
    keys = (wanted.days << 32) | np.maximum(codes, 0)
    places, here = rows.find(np.sort(keys[known]))
    return places, here


def _too_early(merged: Merged) -> Iterator[str]:
    """Too early are the dates before a gap of more than ten years, where they are few or fewer than those after it."""
    days = _dates(merged.snapshot.joined)
    gaps = np.flatnonzero(np.diff(days) > _LONG_AGO)
    gaps = gaps[(gaps < _FEW) | (2 * (gaps + 1) < len(days))]
    if not len(gaps):
        return
    last = int(gaps[-1])
    early, years = days[: last + 1], int(days[last + 1] - days[last]) // 365
    if not merged.first_load and np.isin(early, _dates(merged.old.joined)).all():
        return
    *dates, following = map(iso_date, days[: last + 2].tolist())
    if len(dates) == 1:
        yield f"the oldest date, {dates[0]}, lies {counted(years, 'year')} before the next, {following}: it may be none"
    else:
        named = f"{', '.join(dates[:-1])} and {dates[-1]}" if len(dates) <= _FEW else f"{dates[0]} to {dates[-1]}"
        which = "the oldest dates" if len(dates) <= _FEW else f"the {len(dates):,} oldest dates"
        yield f"{which}, {named}, lie {counted(years, 'year')} or more before the next, {following}: they may be none"


def _dates(rows: Table) -> Ints:
    """The dates, each once, ascending as the rows are."""
    return rows.days[np.flatnonzero(np.diff(rows.days, prepend=rows.days[:1] - 1))]


def _silences(
    _merged: Merged, measure: Measure, _limits: GateLimits, series: _BySeries, *, with_series: bool
) -> Iterator[str]:
    """New rows that lack a measure which the row before, of the same series, has, and none has after them."""
    rows, nulls = series.rows, is_null(series.rows.values[measure.name])
    last = np.zeros(len(rows.names), dtype=np.int64)
    np.maximum.at(last, rows.codes[~nulls], rows.days[~nulls])
    fresh = series.added[series.after] & nulls[series.after] & ~nulls[series.before]
    fresh &= (rows.days > last[rows.codes])[series.after]
    found = [
        f"{_of(series.rows, after, with_series=with_series)}{noun(measure)}: not reported since"
        f" {_date(series.rows, after)}, last {_shown(series.rows, measure, before)}"
        for after, before in _newest_first(series, fresh)
    ]
    yield from _listed(found, f"{noun(measure)}: not reported any more in {len(found):,} series")


def _lost(
    merged: Merged, measure: Measure, _limits: GateLimits, _series: _BySeries, *, with_series: bool
) -> Iterator[str]:
    lost = lost_values(merged, measure.name)
    if len(lost):
        where = f" in {len(set(lost.codes.tolist())):,} series" if with_series else ""
        was, now = ("was", "is") if len(lost) == 1 else ("were", "are")
        reported = counted(reported_values(merged, measure.name), "value")
        gone = f"{len(lost):,} of {reported} {dates_of(lost)}{where}"
        yield f"{noun(measure)}: {gone} {was} reported before and {now} not any more"


def _falls(
    _merged: Merged, measure: Measure, _limits: GateLimits, series: _BySeries, *, with_series: bool
) -> Iterator[str]:
    """Totals that are less than on the date before, where either row is new or changed and it was not so before."""
    if not measure.cumulative:
        return
    numbers = series.rows.values[measure.name]
    after, before = series.after, series.before
    fell = ~is_null(numbers[after]) & ~is_null(numbers[before]) & (numbers[after] < numbers[before])
    fell &= series.touched[after] | series.touched[before]
    was_after, had_after = series.was_values(measure.name, after)
    was_before, had_before = series.was_values(measure.name, before)
    fell &= ~(had_after & had_before & (was_after < was_before))
    found = [
        f"{_date(series.rows, now)}{_in(series.rows, now, with_series=with_series)}: cumulative {noun(measure)} fall"
        f" from {_shown(series.rows, measure, was)} to {_shown(series.rows, measure, now)}"
        f" ({_signed(int(numbers[now]) - int(numbers[was]), measure)})"
        for now, was in _newest_first(series, fell)
    ]
    yield from _listed(found, f"{len(found):,} falls of cumulative {noun(measure)}")


def _revisions(
    merged: Merged, measure: Measure, limits: GateLimits, _series: _BySeries, *, with_series: bool
) -> Iterator[str]:
    """Large revisions; where nearly all values are revised at once, that one fact."""
    before, after = merged.changes.before, merged.changes.after
    count = revised_values(merged, measure.name)
    if count >= FEWEST_REVISED and count > ALL_REVISED * reported_values(merged, measure.name):
        yield f"{noun(measure)}: {count:,} of {reported_values(merged, measure.name):,} values are revised at once"
        return
    old, new = before.values[measure.name], after.values[measure.name]
    both = ~is_null(old) & ~is_null(new)
    amount = np.abs(distances(np.where(both, old, 0), np.where(both, new, 0)))
    at_least = limits.revision_warn_at_least * 10**measure.decimals
    percent = float(limits.revision_warn_percent)  # times a whole number it might not fit 64 bits
    large = both & (amount >= at_least) & (amount * 100.0 > percent * np.abs(old))
    large &= (old != 0) | (at_least > 0)  # of nothing there is no share
    places = np.flatnonzero(large)
    places = places[np.argsort(-amount[places], kind="stable")]
    found = [
        f"{_date(after, at)}{_in(after, at, with_series=with_series)}: {noun(measure)} revised from"
        f" {_shown(before, measure, at)} to {_shown(after, measure, at)}, more than {limits.revision_warn_percent:g} %"
        for at in places.tolist()[: _LISTED + 1]
    ]
    more = f"{len(places):,} values of {noun(measure)} revised by more than {limits.revision_warn_percent:g} %"
    yield from _listed(found, more, count=len(places))


def _newest_first(series: _BySeries, chosen: Mask) -> list[tuple[int, int]]:
    pairs = list(zip(series.after[chosen].tolist(), series.before[chosen].tolist(), strict=True))
    return sorted(pairs, reverse=True)


def _listed(found: Sequence[str], all_of_them: str, *, count: int = -1) -> Iterator[str]:
    """Few sentences as they are; of many the first, and how many there are."""
    if len(found) <= _LISTED:
        yield from found
    else:
        yield f"{all_of_them}, such as: {found[0]}" if count != 0 else found[0]


def _date(rows: Table, at: int) -> str:
    return iso_date(int(rows.days[at : at + 1][0]))


def _in(rows: Table, at: int, *, with_series: bool) -> str:
    return f" {rows.names[int(rows.codes[at : at + 1][0])]}" if with_series else ""


def _of(rows: Table, at: int, *, with_series: bool) -> str:
    return f"{rows.names[int(rows.codes[at : at + 1][0])]}, " if with_series else ""


def _shown(rows: Table, measure: Measure, at: int) -> str:
    return f"{from_scaled(int(rows.values[measure.name][at]), measure.decimals):,}"


def _signed(scaled: int, measure: Measure) -> str:
    return f"{from_scaled(scaled, measure.decimals):+,}"
