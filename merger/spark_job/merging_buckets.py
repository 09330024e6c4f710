"""The second half of the job: the packets of one bucket become the rows of its series after the run, and what changed.

It is `chalicelib.comparing.full_merge`, over some series: there is one definition of a merge.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from chalicelib.comparing.full_merge import merge_rows
from chalicelib.csv_reading.feed_reader import FeedRows
from chalicelib.csv_reading.plain_block import NotPlain
from chalicelib.csv_reading.plain_lines import united
from chalicelib.engine.buckets import only_bucket
from chalicelib.engine.job_result import Part, WrittenObject
from chalicelib.engine.parts_reading import joined_snapshot, pack_changes
from chalicelib.storing.packed_tables import unpack_tables
from chalicelib.storing.snapshots import Snapshot, empty_snapshot, index_pieces, read_index
from chalicelib.tables import Table, codes_of, days_of, empty_table, on_common_names
from shared.dataset import Feed, Repeated
from spark_job.parquet_parts import from_parquet, to_parquet
from spark_job.reading_tasks import BASE, FOUND, Order, Packet


def merge_bucket(bucket: int, packets: Sequence[Packet], order: Order) -> bytes:
    """JSON: what all tasks found, of bucket FOUND; else a `part`, or what of its rows cannot be merged."""
    if bucket == FOUND:
        return json.dumps({"found": [json.loads(data) for _, _, _, data in packets]}).encode()
    if order.look_only:
        return b"{}"
    ordered = sorted(packets, key=lambda packet: packet[1:3])
    tables: dict[str, Table] = {}
    for place, feed in enumerate(order.dataset.feeds):
        parts = [(part, unpack_tables(data)[0]) for _, of_feed, part, data in ordered if of_feed == place]
        if feed.repeated is Repeated.REFUSE:
            repeats = _repeats(parts)
            if repeats is not None:
                return json.dumps({"repeats": repeats | {"feed": place}}).encode()
        try:
            tables[feed.name] = _united([it["rows"] for _, it in parts if "rows" in it], feed)
        except NotPlain:
            return json.dumps({"sums": place}).encode()
    read = {feed: FeedRows(table=table, plain=False) for feed, table in tables.items()}
    old = _base_of(bucket, [data for _, kind, _, data in ordered if kind == BASE], order)
    merged = merge_rows(
        read, old=old, dataset=order.dataset, run_id=order.request.run_id, window_from=order.window_from
    )
    snapshot, changes = merged.snapshot, merged.changes
    part = Part(
        bucket=bucket,
        rows=len(snapshot.rows),
        joined=len(snapshot.joined),
        added=len(changes.added),
        changed=len(changes.after),
        removed=len(changes.removed),
        moved=tuple(sorted(merged.moved)),
        had_rows=len(old.joined),
        snapshot=_write(f"parts/{bucket:05d}.parquet", to_parquet(snapshot), order),
        index=_write(f"parts/{bucket:05d}.index", b"".join(map(bytes, index_pieces(snapshot))), order),
        changes=_write(f"parts/{bucket:05d}.changes", pack_changes(changes), order),
    )
    return json.dumps({"part": asdict(part), "runs": snapshot.runs}).encode()


def _united(tables: Sequence[Table], feed: Feed) -> Table:
    """The rows of all ranges, in order of the file, as a table. Raises NotPlain for sums that may be too large."""
    if not tables:
        return empty_table(feed.measures)
    tables = on_common_names([table.wide for table in tables])
    keys = np.concatenate([table.keys for table in tables])
    values = {name: np.concatenate([table.values[name] for table in tables]) for name in feed.measures}
    repeated = Repeated.LAST if feed.repeated is Repeated.REFUSE else feed.repeated  # each key is there once
    return united(tables[0].names, keys, values, repeated)


def _repeats(parts: Sequence[tuple[int, dict[str, Table]]]) -> dict[str, Any] | None:
    """The first range with a row whose key is there already, and which keys of this range are; None where none is."""
    seen = [(part, table) for part, it in parts for table in it.values()]
    if not seen:
        return None
    tables = on_common_names([table.only(()) for _, table in seen])
    keys = np.concatenate([table.keys for table in tables])
    ranges = np.repeat([part for part, _ in seen], [len(table) for table in tables])
    order = np.lexsort((ranges, keys))
    keys, ranges = keys[order], ranges[order]
    second = np.flatnonzero(keys[1:] == keys[:-1]) + 1
    if not len(second):
        return None
    first = int(ranges[second].min())
    repeated = keys[second[ranges[second] == first]]
    origins = ranges[np.searchsorted(keys, repeated)]
    names = [tables[0].names[code] for code in codes_of(repeated).tolist()]
    return {"part": first, "keys": list(zip(days_of(repeated).tolist(), names, origins.tolist(), strict=True))}


def _base_of(bucket: int, packed: Sequence[bytes], order: Order) -> Snapshot:
    """What was committed of these series."""
    base = order.request.base
    if base.parts:
        objects, count = order.connect(), len(base.parts)
        wanted = range(bucket, count, order.buckets) if count > order.buckets else [bucket % count]
        read = [from_parquet(objects.read(base.parts[number]), order.dataset) for number in wanted]
        found = read[0] if len(read) == 1 else joined_snapshot(read)
        return found if count >= order.buckets else only_bucket(found, bucket, buckets=order.buckets)
    return read_index(packed[0], order.dataset) if packed else empty_snapshot(order.dataset)


def _write(name: str, data: bytes, order: Order) -> WrittenObject:
    key = order.request.folder + name
    order.connect().write(key, data)
    return WrittenObject(key=key, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
