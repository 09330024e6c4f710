"""The plain way from files to what changed: read, join and compare everything. It is the definition of a merge."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np

from chalicelib.comparing.differences import Changes, compare, same_rows
from chalicelib.comparing.joining import join
from chalicelib.csv_reading.feed_reader import FeedRows, read_feed
from chalicelib.feed_masks import joined, rows_of_feed
from chalicelib.not_reported import first_positive, remembered, reported
from chalicelib.storing.snapshots import CHANGED_BY, Snapshot, with_changed_by
from chalicelib.tables import Ints, Table, first_key, on_common_names
from shared.dataset import Dataset, Keep

type Open = Callable[[], BinaryIO]
"""Opens a file to be read once, from its beginning."""


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What a merge finds: the state after the run and how it differs from the one before."""

    snapshot: Snapshot
    old: Snapshot
    """The state before the run; without rows before the first."""
    changes: Changes
    """Over rows as readers get them: what is not reported is null."""
    moved: frozenset[str]
    """The feeds whose used rows are not those of the run before."""

    @property
    def first_load(self) -> bool:
        return not len(self.old.rows)


def full_merge(
    files: Mapping[str, Open],
    *,
    old: Snapshot,
    dataset: Dataset,
    run_id: str,
    latest_day: int,
    most_odd: int | None = None,
    read_rows: Callable[..., FeedRows] = read_feed,
) -> Merged:
    """Feed -> its file, compared with the last committed state. Raises ContractBroken.

    `latest_day` is the ordinal of the last date that is allowed. `most_odd` is how many bytes a file may have that
    must be held as a whole; None: any. `read_rows` stands for `read_feed` where files that were read are remembered.
    """
    read = {
        feed.name: read_rows(files[feed.name], feed, dataset, latest_day=latest_day, most_odd=most_odd)
        for feed in dataset.feeds
    }
    return merge_rows(read, old=old, dataset=dataset, run_id=run_id)


def merge_rows(
    read: Mapping[str, FeedRows],
    *,
    old: Snapshot,
    dataset: Dataset,
    run_id: str,
    window_from: Mapping[str, int] | None = None,
) -> Merged:
    """The same of feeds that have been read: of all their rows, or of all rows of some series.

    `window_from` is the oldest day of each feed that is a window, where these rows may not hold it.
    """
    tables = {feed: it.table for feed, it in read.items()}
    moved = frozenset(feed for feed, table in tables.items() if not same_rows(_old_rows(old, feed), table))
    if dataset.keep is Keep.WINDOW:
        first_days = _first_days(tables) if window_from is None else window_from
        tables = {
            feed: _with_older_rows(table, _old_rows(old, feed), before=first_days.get(feed, 0))
            for feed, table in tables.items()
        }
    rows = join(tables, measures=dataset.measure_names)
    merged_rows = joined(rows, feeds=len(dataset.feeds), inner=old.inner)
    firsts = {
        m.name: first_positive(
            merged_rows, m.name, known=remembered_over(old.firsts[m.name], old.rows.names, rows.names)
        )
        for m in dataset.totals
    }
    changes = compare(old.reported, reported(merged_rows.only(dataset.measure_names), firsts))
    snapshot = replace(
        old,
        rows=with_changed_by(rows, _changed_by(rows, changes, old=old)),
        firsts=firsts,
        runs=(*old.runs, run_id),
        plain=frozenset(feed for feed, it in read.items() if it.plain),
    )
    return Merged(snapshot=snapshot, old=old, changes=changes, moved=moved)


def remembered_over(firsts: Ints, names: tuple[str, ...], over: tuple[str, ...]) -> Ints:
    """`first_positive` over other names: a series that is gone for now is forgotten."""
    if set(names) <= set(over):
        return remembered(firsts, names, over)
    known = dict(zip(names, firsts.tolist(), strict=True))
    return np.array([known.get(name, np.iinfo(np.int64).max) for name in over], dtype=np.int64)


def _old_rows(old: Snapshot, feed: str) -> Table:
    bit = old.feeds.index(feed)
    return rows_of_feed(old.rows, bit, old.feed_measures[feed])


def _first_days(tables: Mapping[str, Table]) -> dict[str, int]:
    return {feed: int(table.days[0]) for feed, table in tables.items() if len(table)}


def _with_older_rows(table: Table, old: Table, *, before: int) -> Table:
    """The feed's window with the rows before its first day that were committed."""
    was, now = on_common_names([old, table])
    older = was.take(slice(0, int(np.searchsorted(was.keys, first_key(before))))).wide
    keys = np.concatenate([older.keys, now.keys])
    values = {name: np.concatenate([older.values[name], numbers]) for name, numbers in now.values.items()}
    return Table(names=now.names, keys=keys, values=values)


def _changed_by(rows: Table, changes: Changes, *, old: Snapshot) -> Ints:
    """For each row the run that last changed it: the old run, or this one where readers get another row."""
    was, now, touched = on_common_names([old.rows, rows, changes.after])
    runs = np.full(len(rows), len(old.runs), dtype=np.int64)
    places, here = was.find(now.keys)
    runs[here] = was.values[CHANGED_BY][places[here]]
    for keys in (touched.keys, changes.added.over(now.names).keys if len(changes.added) else touched.keys[:0]):
        places, here = now.find(keys)
        runs[places[here]] = len(old.runs)
    return runs
