"""Rows by series: all rows of a series are in one bucket, by its name alone, so that buckets can be merged apart.

What a merge finds of a row depends on its key and on what its series was before: on nothing in another bucket. And a
series has a row a date at most, so that no bucket grows beyond what others do.
"""

import zlib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from chalicelib.storing.snapshots import Snapshot
from chalicelib.tables import Ints, Mask, Table, make_keys


def bucket_of(name: str, buckets: int) -> int:
    """`buckets` is a power of two: with twice as many each becomes two."""
    return zlib.crc32(name.encode("utf-8", "surrogatepass")) % buckets


def split_table(table: Table, *, buckets: int) -> Iterator[tuple[int, Table]]:
    """The rows of each bucket that has any, over its own names."""
    of_name = _buckets_of(table.names, buckets)
    for bucket, rows in _split(of_name, table.codes, buckets):
        yield bucket, _over_chosen(table.take(rows), of_name == bucket)


def split_snapshot(snapshot: Snapshot, *, buckets: int) -> Iterator[tuple[int, Snapshot]]:
    """A snapshot's part in every bucket, also where it has no row: what is remembered goes with the rows."""
    of_name = _buckets_of(snapshot.rows.names, buckets)
    found = dict(_split(of_name, snapshot.rows.codes, buckets))
    for bucket in range(buckets):
        yield bucket, _part(snapshot, found.get(bucket, np.empty(0, dtype=np.int64)), of_name == bucket)


def only_bucket(snapshot: Snapshot, bucket: int, *, buckets: int) -> Snapshot:
    """What of a snapshot falls into one bucket."""
    chosen = _buckets_of(snapshot.rows.names, buckets) == bucket
    rows = np.flatnonzero(chosen[snapshot.rows.codes]) if len(snapshot.rows) else np.empty(0, dtype=np.int64)
    return _part(snapshot, rows, chosen)


def _part(snapshot: Snapshot, rows: Ints, chosen: Mask) -> Snapshot:
    table = _over_chosen(snapshot.rows.take(rows), chosen)
    firsts = {measure: days[chosen] for measure, days in snapshot.firsts.items()}
    return replace(snapshot, rows=table, firsts=firsts)


def _buckets_of(names: tuple[str, ...], buckets: int) -> Ints:
    return np.array([bucket_of(name, buckets) for name in names], dtype=np.int64)


def _split(of_name: Ints, codes: Ints, buckets: int) -> Iterator[tuple[int, Ints]]:
    """Each bucket that has rows, and their places, ascending."""
    if not len(codes):
        return
    of_row = of_name[codes]
    order = np.argsort(of_row, kind="stable")
    bounds = np.searchsorted(of_row[order], np.arange(buckets + 1))
    for bucket in range(buckets):
        rows = order[bounds[bucket] : bounds[bucket + 1]]
        if len(rows):
            yield bucket, rows


def _over_chosen(table: Table, chosen: Mask) -> Table:
    """The rows over those of the names that are chosen, among which are all that have rows."""
    places = np.cumsum(chosen) - 1
    names = tuple(name for name, here in zip(table.names, chosen.tolist(), strict=True) if here)
    codes = places[table.codes] if len(table) else table.codes
    return Table(names=names, keys=make_keys(table.days, codes), values=table.values)
