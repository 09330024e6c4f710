"""The fast way to the same result: only lines that changed are parsed, and only rows they touch are compared.

`full_merge` is the definition; `delta_merge` answers the same for a file that was republished with few lines
changed, or None where it cannot vouch for that: another header or order, many changes, quoted fields that span
lines, a key that is there twice.
"""

from collections.abc import Iterable, Mapping
from typing import BinaryIO

import numpy as np

from chalicelib.comparing.changed_lines import find_changed_lines
from chalicelib.comparing.differences import compare
from chalicelib.comparing.full_merge import Merged
from chalicelib.comparing.joining import join
from chalicelib.csv_reading.feed_reader import has_plain_lines, read_header, read_lines
from chalicelib.not_reported import NEVER, first_positive, remembered, reported
from chalicelib.storing.snapshots import CHANGED_BY, Snapshot, with_marks
from chalicelib.tables import Ints, Table, codes_of, days_of, first_key, on_common_names, patched
from shared.dataset import Dataset, Feed
from shared.errors import ContractBroken

MOST_CHANGED = 0.05
"""Beyond this share of changed lines (in bytes) the full way is as fast."""


def delta_merge(
    files: Mapping[str, BinaryIO | bytes],
    *,
    old_files: Mapping[str, BinaryIO | bytes],
    old: Snapshot,
    dataset: Dataset,
    run_id: str,
) -> Merged | None:
    """The same as `full_merge`, or None; `old_files` are those that `old` was made from."""
    pairs: dict[str, tuple[Table, Table]] = {}
    for feed in dataset.feeds:
        pair = _changed_rows(old_files[feed.name], files[feed.name], feed, old=old, series=dataset.series)
        if pair is None:
            return None
        pairs[feed.name] = pair
    return _merge_touched(pairs, old=old, dataset=dataset, run_id=run_id)


def _changed_rows(
    before: BinaryIO | bytes, after: BinaryIO | bytes, feed: Feed, *, old: Snapshot, series: str
) -> tuple[Table, Table] | None:
    """The rows of the lines that went and of those that came."""
    lines = find_changed_lines(before, after, most=MOST_CHANGED) if feed.name in old.plain else None
    if lines is None or not has_plain_lines(b"\n".join(lines.come)):
        return None
    try:
        header = read_header(lines.header, feed)
        return (
            read_lines(lines.gone, header, feed, series=series),
            read_lines(lines.come, header, feed, series=series),
        )
    except ContractBroken:
        return None  # the full way finds it again, with its line in the whole file


def _merge_touched(
    pairs: Mapping[str, tuple[Table, Table]], *, old: Snapshot, dataset: Dataset, run_id: str
) -> Merged | None:
    feeds = list(pairs)
    tables = [old.rows, *old.leftovers.values(), *(table for pair in pairs.values() for table in pair)]
    rows, *others = on_common_names(tables)
    left = dict(zip(old.leftovers, others, strict=False))
    changed = dict(zip(feeds, _in_pairs(others[len(left) :]), strict=True))
    touched = np.unique(np.concatenate([table.keys for pair in changed.values() for table in pair]))

    before: dict[str, Table] = {}
    after: dict[str, Table] = {}
    for feed in dataset.feeds:
        gone, come = changed[feed.name]
        was = _rows_of(feed, touched, rows=rows, left=left[feed.name])
        if not _follows(was, gone, come):
            return None
        before[feed.name] = was
        after[feed.name] = patched(was, without=gone.keys, upserts=come)
    was_part = join(before, measures=dataset.measure_names)
    new_part = join(after, measures=dataset.measure_names)

    firsts = {name: remembered(days, old.rows.names, rows.names) for name, days in old.firsts.items()}
    runs = (*old.runs, run_id)
    mark = np.full(len(new_part.rows), len(old.runs), dtype=np.int64)
    new_rows = patched(rows, without=was_part.rows.keys, upserts=with_marks(new_part.rows, mark))
    if not len(new_rows):
        return None  # a feed without a row breaks its contract: the full way says which
    new_firsts = {name: _moved(days, name, was_part.rows, new_part.rows, new_rows) for name, days in firsts.items()}
    retold = [_retold(new_rows, name, firsts[name], new_firsts[name]) for name in firsts]
    keys = np.unique(np.concatenate([touched, *retold]))
    changes = compare(
        reported(_at(rows, keys, dataset.measure_names), firsts),
        reported(_at(new_rows, keys, dataset.measure_names), new_firsts),
    )
    snapshot = Snapshot(
        rows=_marked_as_changed(new_rows, rows, touched=touched, changed=changes.touched, mark=len(old.runs)),
        leftovers={
            feed: patched(left[feed], without=was_part.leftovers[feed].keys, upserts=new_part.leftovers[feed])
            for feed in feeds
        },
        firsts=new_firsts,
        runs=runs,
        plain=old.plain,
    )
    return Merged(snapshot=snapshot, changes=changes, newest_before=old.rows.newest, rows_before=len(old.rows))


def _in_pairs(tables: list[Table]) -> list[tuple[Table, Table]]:
    return list(zip(tables[::2], tables[1::2], strict=True))


def _rows_of(feed: Feed, keys: Ints, *, rows: Table, left: Table) -> Table:
    """What the feed had at these keys, joined or left over."""
    joined, lone = _at(rows, keys, feed.measures), _at(left, keys, feed.measures)
    return patched(joined, without=joined.keys[:0], upserts=lone)


def _at(table: Table, keys: Ints, measures: Iterable[str]) -> Table:
    places, here = table.find(keys)
    return table.only(measures).take(places[here])


def _follows(was: Table, gone: Table, come: Table) -> bool:
    """Whether the lines that went are rows we had, and those that came are not there already."""
    places, here = was.find(gone.keys)
    if not here.all():
        return False
    if any((numbers[places] != gone.values[name]).any() for name, numbers in was.values.items()):
        return False
    _, there = was.find(come.keys)
    return bool(np.isin(come.keys[there], gone.keys).all())


def _moved(days: Ints, name: str, was: Table, new: Table, rows: Table) -> Ints:
    """`first_positive` of a measure after the change, from the one before; `rows` are all rows after it."""
    days, positive = days.copy(), new.values[name] > 0
    first = (was.values[name] > 0) & (was.days == days[was.codes])
    lost = was.codes[first & ~np.isin(was.keys, new.keys[positive])]
    if len(lost):
        days[lost] = NEVER
        days = first_positive(rows, name, known=days)
    np.minimum.at(days, new.codes[positive], new.days[positive])
    return days


def _retold(rows: Table, name: str, before: Ints, after: Ints) -> Ints:
    """Keys of rows whose 0 is told differently because the first positive day of their series is another."""
    moved = before != after
    if not moved.any():
        return rows.keys[:0]
    since, until = np.minimum(before, after), np.maximum(before, after)
    tail = rows.take(slice(int(np.searchsorted(rows.keys, first_key(int(since[moved].min())))), None))
    zero = np.flatnonzero(tail.values[name] == 0)
    codes, days = codes_of(tail.keys[zero]), days_of(tail.keys[zero])
    keys: Ints = tail.keys[zero[moved[codes] & (days > since[codes]) & (days <= until[codes])]]
    return keys


def _marked_as_changed(rows: Table, was: Table, *, touched: Ints, changed: Ints, mark: int) -> Table:
    """CHANGED_BY: this run for what is told differently, the old run for what was touched and is told the same.

    The marks of `rows` are changed in place: they were made for this.
    """
    marks = rows.values[CHANGED_BY]
    marks = marks.astype(np.promote_types(marks.dtype, np.min_scalar_type(mark)), copy=False)
    quiet = touched[~np.isin(touched, changed)]
    old_places, had = was.find(quiet)
    new_places, has = rows.find(quiet)
    both = had & has
    marks[new_places[both]] = was.values[CHANGED_BY][old_places[both]]
    places, here = rows.find(changed)
    marks[places[here]] = mark
    return with_marks(rows.only(name for name in rows.values if name != CHANGED_BY), marks)
