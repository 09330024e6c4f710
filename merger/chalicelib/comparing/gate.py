"""What a run may change without being asked."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from chalicelib.comparing.full_merge import Merged
from chalicelib.tables import Ints, Mask, Table, is_null, iso_date
from shared.dataset import Dataset
from shared.errors import ContractBroken, GateClosed
from shared.number_words import noun

ALL_REVISED = 0.9
"""Two measures of which more than this share of values is revised at once are no ordinary revision,"""
FEWEST_REVISED = 10
"""where it is at least so many values."""
_NAMED = 3
"""Series that a reason names."""


@dataclass(frozen=True, kw_only=True)
class GateLimits:
    """Both ends of the gate: what closes it, and what is only warned of."""

    max_removed_percent: float
    """More removed rows, or lost values of a measure, than this share of those before close the gate."""
    revision_warn_percent: float
    """A revision of a value by more than this share is warned of,"""
    revision_warn_at_least: float = 0
    """where it is also at least so large."""


def check_rows(merged: Merged, dataset: Dataset) -> None:
    """Raises ContractBroken where no row is left: a state that no approval makes sensible."""
    if not len(merged.snapshot.joined):
        raise ContractBroken(
            feed=" and ".join(feed.name for feed in dataset.feeds),
            line=0,
            column="",
            value="0 rows in common",
            allowed="every feed has rows, but no key is in all of them; at least one is needed",
        )


def check_gate(merged: Merged, dataset: Dataset, limits: GateLimits) -> None:
    """Raises GateClosed with what was seen and what is allowed; measures are called as readers know them."""
    if merged.first_load:
        return
    changes = merged.changes
    rows = len(changes.added) + len(changes.after) + len(changes.removed)
    for reason in _reasons(merged, dataset, limits):
        raise GateClosed(reason, rows=rows)


def _reasons(merged: Merged, dataset: Dataset, limits: GateLimits) -> Iterator[str]:
    now, before = merged.snapshot.newest, merged.old.newest
    if now < before:
        yield f"the newest date would move back from {before} to {now}; it may not be before {before}"
    removed, all_rows = merged.changes.removed, len(merged.old.joined)
    if len(removed) * 100 > limits.max_removed_percent * all_rows:
        share = len(removed) * 100 / all_rows
        yield (
            f"{len(removed)} of {all_rows} rows ({share:.1f} %) would be removed, {dates_of(removed)};"
            f" at most {limits.max_removed_percent:g} % are allowed"
        )
    yield from _lost_values(merged, dataset, limits)
    yield from _all_revised(merged, dataset)
    yield from _swapped_in_series(merged, dataset)


def _lost_values(merged: Merged, dataset: Dataset, limits: GateLimits) -> Iterator[str]:
    for measure in merged.old.measures:
        lost = lost_values(merged, measure)
        if not len(lost):
            continue
        reported = reported_values(merged, measure)
        if len(lost) * 100 > limits.max_removed_percent * reported:
            called = noun(dataset.measure(measure))
            yield (
                f"{len(lost)} of {reported} values of {called} ({len(lost) * 100 / reported:.1f} %) would be lost,"
                f" {dates_of(lost)}: they were reported and now are blank or 0;"
                f" at most {limits.max_removed_percent:g} % are allowed"
            )


def lost_values(merged: Merged, measure: str) -> Table:
    """The rows whose value of a measure was reported before and is not any more, as they are now."""
    was, now = merged.changes.before.values[measure], merged.changes.after.values[measure]
    return merged.changes.after.take(~is_null(was) & is_null(now))


def reported_values(merged: Merged, measure: str) -> int:
    """How many values of a measure were reported before."""
    return int(np.count_nonzero(~is_null(merged.old.reported.values[measure])))


def _all_revised(merged: Merged, dataset: Dataset) -> Iterator[str]:
    """Nearly every value of two measures at once: swapped columns, say, or another unit.

    Rows in which both are equal, as 0 and 0 are, would look the same had they been swapped: those that were not revised
    are not counted.
    """
    revised = {measure: revised_values(merged, measure) for measure in merged.old.measures}
    large = [measure for measure, count in revised.items() if count >= FEWEST_REVISED]
    counted = dict[str, int]()
    for one, other in combinations(large, 2):
        equal = _equal_values(merged, one, other)
        both = {measure: reported_values(merged, measure) - equal for measure in (one, other)}
        if all(revised[measure] > ALL_REVISED * of for measure, of in both.items()):
            counted |= {measure: max(of, counted.get(measure, 0)) for measure, of in both.items()}
    if counted:
        listed = " and ".join(
            f"{revised[measure]} of {of} values of {noun(dataset.measure(measure))}" for measure, of in counted.items()
        )
        left_out = any(of < reported_values(merged, measure) for measure, of in counted.items())
        yield (
            f"{listed} would be revised at once{_swapped(merged, dataset, list(counted))}"
            f"{' (rows left out in which two are equal and stay so)' if left_out else ''};"
            f" at most {ALL_REVISED:.0%} of the values of two measures may be"
        )


def _equal_values(merged: Merged, one: str, other: str) -> int:
    """In how many rows two measures had the same value, and neither was revised."""
    old, before, after = merged.old.reported.values, merged.changes.before.values, merged.changes.after.values
    revised = (before[one] != after[one]) | (before[other] != after[other])
    return _equal(old[one], old[other]) - _equal(before[one][revised], before[other][revised])


def _equal(one: Ints, other: Ints) -> int:
    return int(np.count_nonzero((one == other) & ~is_null(one)))


def revised_values(merged: Merged, measure: str) -> int:
    """How many reported values of a measure have another value now."""
    was, now = merged.changes.before.values[measure], merged.changes.after.values[measure]
    return int(np.count_nonzero(~is_null(was) & ~is_null(now) & (was != now)))


def _swapped(merged: Merged, dataset: Dataset, measures: list[str]) -> str:
    before, after = merged.changes.before.values, merged.changes.after.values
    for one, other in combinations(measures, 2):
        alike = (before[one] == after[other]) & (before[other] == after[one])
        if np.count_nonzero(alike) > ALL_REVISED * len(alike):
            names = " and ".join(noun(dataset.measure(measure)) for measure in (one, other))
            return f", as if the columns of {names} had been swapped"
    return ""


def _swapped_in_series(merged: Merged, dataset: Dataset) -> Iterator[str]:
    """Nearly every row of a series with two measures in each other's place: no revision comes to that by itself."""
    before, after, old = merged.changes.before, merged.changes.after, merged.old.reported
    if len(before.names) < 2 or len(after) < FEWEST_REVISED or not set(old.names) <= set(before.names):
        return
    for one, other in combinations(merged.old.measures, 2):
        exchanged = (before.values[one] == after.values[other]) & (before.values[other] == after.values[one])
        counts = _by_series(before, exchanged & _both_and_unequal(before, one, other))
        if not (counts >= FEWEST_REVISED).any():
            continue
        rows = old.over(before.names)
        of = _by_series(rows, _both_and_unequal(rows, one, other))
        swapped = np.flatnonzero((counts >= FEWEST_REVISED) & (counts > ALL_REVISED * of))
        if len(swapped):
            names = ", ".join(before.names[code] for code in swapped[:_NAMED].tolist())
            more = f" and {len(swapped) - _NAMED:,} more series" if len(swapped) > _NAMED else ""
            called = " and ".join(noun(dataset.measure(measure)) for measure in (one, other))
            yield (
                f"{int(counts[swapped].sum()):,} of {int(of[swapped].sum()):,} rows of {names}{more} would have"
                f" {called} in each other's place, as if their columns had been swapped;"
                f" at most {ALL_REVISED:.0%} of the rows of a series may"
            )


def _both_and_unequal(rows: Table, one: str, other: str) -> Mask:
    first, second = rows.values[one], rows.values[other]
    unequal: Mask = first != second
    return unequal & ~is_null(first) & ~is_null(second)


def _by_series(rows: Table, chosen: Mask) -> Ints:
    return np.bincount(rows.codes[chosen], minlength=len(rows.names))


def dates_of(rows: Table) -> str:
    """`of 2020-10-24`, or `of 2020-10-01 to 2020-10-24`."""
    oldest = iso_date(int(rows.days[0]))
    return f"of {oldest}" if oldest == rows.newest else f"of {oldest} to {rows.newest}"
