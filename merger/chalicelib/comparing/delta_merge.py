"""The fast way to the same result: only lines that changed are parsed, and only rows they touch are compared.

`full_merge` is the definition; `delta_merge` answers the same for a file that was republished with few lines
changed, or None where it cannot vouch for that: another header or order, many changes, quoted fields that span
lines, a key that is there twice.
"""

import functools
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from chalicelib.comparing.changed_lines import find_changed_lines
from chalicelib.comparing.differences import compare, differing, same_rows
from chalicelib.comparing.full_merge import Merged, Open, remembered_over
from chalicelib.comparing.joining import join
from chalicelib.csv_reading.feed_reader import read_changed_lines, rows_are_lines
from chalicelib.feed_masks import has_rows, joined, rows_of_feed
from chalicelib.not_reported import reported
from chalicelib.storing.snapshots import CHANGED_BY, Snapshot, with_changed_by
from chalicelib.tables import Ints, Table, codes_of, days_of, first_key, on_common_names, patched
from shared.dataset import Dataset, Feed, Keep
from shared.errors import ContractBroken

MOST_CHANGED = 0.05
"""Beyond this share of changed lines (in bytes) the full way is as fast."""


def delta_merge(
    files: Mapping[str, Open],
    *,
    old_files: Mapping[str, Open],
    old: Snapshot,
    dataset: Dataset,
    run_id: str,
    latest_day: int,
) -> Merged | None:
    """The same as `full_merge`, or None; `old_files` are those that `old` was made from."""
    if dataset.keep is Keep.WINDOW:
        return None  # where the new window begins is not known from the changed lines
    pairs: dict[str, tuple[Table, Table]] = {}
    for feed in dataset.feeds:
        pair = _changed_rows(
            old_files[feed.name], files[feed.name], feed, old=old, dataset=dataset, latest_day=latest_day
        )
        if pair is None:
            return None
        pairs[feed.name] = pair
    return _merge_touched(pairs, old=old, dataset=dataset, run_id=run_id)


def _changed_rows(
    before: Open, after: Open, feed: Feed, *, old: Snapshot, dataset: Dataset, latest_day: int
) -> tuple[Table, Table] | None:
    """The rows of the lines that went and of those that came."""
    if feed.name not in old.plain:
        return None
    lines = find_changed_lines(before(), after(), most=MOST_CHANGED)
    if lines is None or not rows_are_lines(lines.come, feed):
        return None
    try:
        return (
            read_changed_lines(lines.gone, lines.header, feed, dataset, latest_day=None),
            read_changed_lines(lines.come, lines.header, feed, dataset, latest_day=latest_day),
        )
    except ContractBroken:
        return None  # the full way finds it again, with its line in the whole file


def _merge_touched(
    pairs: Mapping[str, tuple[Table, Table]], *, old: Snapshot, dataset: Dataset, run_id: str
) -> Merged | None:
    tables = [old.rows, *(table for pair in pairs.values() for table in pair)]
    rows, *others = on_common_names(tables)
    changed = dict(zip(pairs, zip(others[::2], others[1::2], strict=True), strict=True))
    touched = np.unique(np.concatenate([table.keys for table in others]))
    was_part = _at(rows, touched)

    after: dict[str, Table] = {}
    moved = set[str]()
    for bit, (feed, (gone, come)) in enumerate(changed.items()):
        was = rows_of_feed(was_part, bit, old.feed_measures[feed])
        if not _follows(was, gone, come):
            return None
        after[feed] = patched(was, without=gone.keys, upserts=come)
        if not same_rows(was, after[feed]):
            moved.add(feed)
    new_part = join(after, measures=dataset.measure_names)
    run = len(old.runs)
    changed_by = np.full(len(new_part), run, dtype=np.int64)
    new_rows = patched(rows, without=was_part.keys, upserts=with_changed_by(new_part, changed_by))
    if not all(has_rows(new_rows, bit) for bit in range(len(old.feeds))):
        return None  # a feed without a row breaks its contract: the full way says which

    of_dataset = functools.partial(joined, feeds=len(old.feeds), inner=old.inner)
    firsts = {name: remembered_over(days, old.rows.names, rows.names) for name, days in old.firsts.items()}
    new_firsts = {name: _moved_back(days, name, of_dataset(new_part)) for name, days in firsts.items()}
    retold = [_retold(new_rows, name, firsts[name], new_firsts[name]) for name in firsts]
    keys = np.unique(np.concatenate([touched, *retold]))
    changes = compare(
        reported(of_dataset(_at(rows, keys)).only(dataset.measure_names), firsts),
        reported(of_dataset(_at(new_rows, keys)).only(dataset.measure_names), new_firsts),
    )
    snapshot = replace(
        old,
        rows=_with_run_of_change(new_rows, rows, touched=touched, changed=changes.touched, run=run),
        firsts=new_firsts,
        runs=(*old.runs, run_id),
    )
    return Merged(snapshot=snapshot, old=old, changes=changes, moved=frozenset(moved))


def _at(table: Table, keys: Ints) -> Table:
    places, here = table.find(keys)
    return table.take(places[here])


def _follows(was: Table, gone: Table, come: Table) -> bool:
    """Whether the lines that went are rows we had, and those that came are not there already."""
    places, here = was.find(gone.keys)
    if not here.all():
        return False
    if any(differing(numbers[places], gone.values[name]).any() for name, numbers in was.values.items()):
        return False
    _, there = was.find(come.keys)
    return bool(np.isin(come.keys[there], gone.keys).all())


def _moved_back(days: Ints, name: str, new: Table) -> Ints:
    """`first_positive` of a measure after the change: what was positive once is remembered, so it only moves back."""
    positive = new.values[name] > 0
    days = days.copy()
    np.minimum.at(days, new.codes[positive], new.days[positive])
    return days


def _retold(rows: Table, name: str, before: Ints, after: Ints) -> Ints:
    """Keys of rows whose 0 is null now because their series was positive earlier than was known."""
    moved = before != after
    if not moved.any():
        return rows.keys[:0]
    tail = rows.take(slice(int(np.searchsorted(rows.keys, first_key(int(after[moved].min())))), None))
    zero = np.flatnonzero(tail.values[name] == 0)
    codes, days = codes_of(tail.keys[zero]), days_of(tail.keys[zero])
    keys: Ints = tail.keys[zero[moved[codes] & (days >= after[codes]) & (days < before[codes])]]
    return keys


def _with_run_of_change(rows: Table, was: Table, *, touched: Ints, changed: Ints, run: int) -> Table:
    """CHANGED_BY: this run for what readers get otherwise, the old run for what was touched and reads the same.

    The column of `rows` is changed in place: it was made for this.
    """
    runs = rows.values[CHANGED_BY]
    runs = runs.astype(np.promote_types(runs.dtype, np.min_scalar_type(-run - 1)), copy=False)
    quiet = touched[~np.isin(touched, changed)]
    old_places, had = was.find(quiet)
    new_places, has = rows.find(quiet)
    both = had & has
    runs[new_places[both]] = was.values[CHANGED_BY][old_places[both]]
    places, here = rows.find(changed)
    runs[places[here]] = run
    return with_changed_by(rows.only(name for name in rows.values if name != CHANGED_BY), runs)
