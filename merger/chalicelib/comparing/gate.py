"""What a run may change without being asked, and what readers are warned of although it passes."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from chalicelib.comparing.full_merge import Merged
from chalicelib.storing.snapshots import CHANGED_BY
from chalicelib.tables import NULL, Mask, Table, iso_date
from shared.dataset import Dataset
from shared.errors import ContractBroken, GateClosed


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Both ends of the gate: what closes it, and what is only told."""

    max_removed_percent: float
    """More removed rows than this share of the rows before close the gate."""
    revision_warn_percent: float
    """A revision of a value by more than this share is told."""


def check_rows(merged: Merged, dataset: Dataset) -> None:
    """Raises ContractBroken where no row is left: a state that no approval makes sensible."""
    if not len(merged.snapshot.rows):
        raise ContractBroken(
            feed=" and ".join(feed.name for feed in dataset.feeds),
            line=0,
            column="",
            value="0 rows in common",
            allowed="every feed has rows, but no key is in all of them; at least one is needed",
        )


def check_gate(merged: Merged, limits: Limits) -> None:
    """Raises GateClosed with what was seen and what is allowed."""
    now, before, changes = merged.snapshot.rows, merged.rows_before, merged.changes
    rows = len(changes.added) + len(changes.after) + len(changes.removed)
    if now.newest < merged.newest_before:
        raise GateClosed(
            f"the newest date would move back from {merged.newest_before} to {now.newest};"
            f" it may not be before {merged.newest_before}",
            rows=rows,
        )
    removed = len(changes.removed)
    if before and removed * 100 > limits.max_removed_percent * before:
        raise GateClosed(
            f"{removed} of {before} rows ({removed * 100 / before:.1f} %) would be removed, {_span(changes.removed)};"
            f" at most {limits.max_removed_percent:g} % are allowed",
            rows=rows,
        )


def _span(rows: Table) -> str:
    oldest = iso_date(int(rows.days[0]))
    return f"of {oldest}" if oldest == rows.newest else f"of {oldest} to {rows.newest}"


def find_warnings(merged: Merged, limits: Limits, *, with_series: bool) -> list[str]:
    """Sentences about what is odd among the rows that changed; nothing for a first load."""
    if not merged.rows_before:
        return []
    return [
        *_silences(merged, with_series=with_series),
        *_falls(merged, with_series=with_series),
        *_large_revisions(merged, limits, with_series=with_series),
    ]


def _silences(merged: Merged, *, with_series: bool) -> Iterator[str]:
    """Measures that the newest added rows no longer have although their series had them."""
    added = merged.changes.added
    for measure, firsts in merged.snapshot.firsts.items():
        rows = added.over(merged.snapshot.rows.names) if set(added.names) <= set(merged.snapshot.rows.names) else added
        raw = merged.snapshot.rows
        places, here = raw.find(rows.keys)
        silent = here.copy()
        silent[here] = (raw.values[measure][places[here]] == 0) & (rows.days[here] > firsts[rows.codes[here]])
        for label in _labels(rows.take(silent), with_series=with_series):
            yield f"{label}: {measure} are given as 0 after having been positive: taken as not reported"


def _falls(merged: Merged, *, with_series: bool) -> Iterator[str]:
    """Cumulative measures that are less than on the date before, where either row is new or changed."""
    rows, touched = merged.snapshot.reported, _touched(merged)
    order = np.argsort(rows.codes, kind="stable")
    after, before = order[1:], order[:-1]
    same = rows.codes[after] == rows.codes[before]
    for measure in merged.snapshot.firsts:
        numbers = rows.values[measure]
        fell = same & (numbers[after] < numbers[before]) & (numbers[after] != NULL)
        fell &= touched[after] | touched[before]
        for at, was in zip(np.sort(after[fell]).tolist(), before[fell][np.argsort(after[fell])].tolist(), strict=True):
            [label] = _labels(rows.take(np.array([at])), with_series=with_series)
            old, new = int(numbers[was]), int(numbers[at])
            yield f"{label}: cumulative {measure} fall from {old:,} to {new:,} ({new - old:+,})"


def _large_revisions(merged: Merged, limits: Limits, *, with_series: bool) -> Iterator[str]:
    before, after = merged.changes.before, merged.changes.after
    for measure, old in before.values.items():
        new = after.values[measure]
        large = (old != NULL) & (new != NULL) & (np.abs(new - old) * 100 > limits.revision_warn_percent * old)
        labels = _labels(after.take(large), with_series=with_series)
        for label, was, now in zip(labels, old[large].tolist(), new[large].tolist(), strict=True):
            yield f"{label}: {measure} revised from {was:,} to {now:,}, more than {limits.revision_warn_percent:g} %"


def _touched(merged: Merged) -> Mask:
    rows = merged.snapshot.rows
    marks: Mask = rows.values[CHANGED_BY] == len(merged.snapshot.runs) - 1
    return marks


def _labels(rows: Table, *, with_series: bool) -> list[str]:
    return [
        iso_date(day) + (f" {rows.names[code]}" if with_series else "")
        for day, code in zip(rows.days.tolist(), rows.codes.tolist(), strict=True)
    ]
