"""The first half of the job: files in ranges become packets, the rows of one bucket each."""

import functools
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.csv_reading.decoding import file_fault
from chalicelib.csv_reading.feed_reader import read_feed
from chalicelib.engine.buckets import split_snapshot, split_table
from chalicelib.engine.job_request import JobRequest
from chalicelib.engine.job_result import fault_of
from chalicelib.storing.packed_tables import pack_tables
from chalicelib.storing.snapshots import index_pieces, read_index
from chalicelib.tables import Table
from shared.dataset import Dataset, Feed
from shared.errors import ContractBroken
from spark_job.cutting import FileHead, NotCut, lines_in
from spark_job.places import Connect
from spark_job.range_reading import read_range

FOUND, BASE, NOTHING = -1, -2, -3
"""Packets beside those of feeds: what a task found (of bucket FOUND), a part of the base, and nothing."""

type Packet = tuple[int, int, int, bytes]
"""Bucket; feed by its place among the declared ones, or BASE or NOTHING; the range's place in its file; the rows."""
type ReadTask = Callable[[int], Iterator[Packet]]
"""From a task's number to its packets."""
type MergeBucket = Callable[[int, Sequence[Packet]], bytes]
"""From a bucket and its packets to what they come to."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What one task reads: a range of a feed's file, the whole of it, or the base."""

    feed: int
    """By its place among the declared ones; BASE for the base's index."""
    part: int = 0
    start: int = 0
    end: int | None = None
    """None: the file as a whole, by one careful task."""
    head: FileHead | None = None
    """Of a range."""
    width: int | None = None
    """Of the file's rows; None where it is not known."""
    size: int = 0
    """Of the file."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What every task knows."""

    request: JobRequest
    dataset: Dataset
    buckets: int
    most_whole: int
    """Bytes of a file that one task reads as a whole."""
    connect: Connect
    tasks: Sequence[Task]
    look_only: bool = False
    """Whether only what is found is wanted, and no rows."""
    window_from: Mapping[str, int] | None = None
    """Feed -> its oldest day, of a dataset that keeps what leaves the window."""

    def key_of(self, task: Task) -> str:
        if task.feed == BASE:
            return self.request.base.index
        return self.request.files[self.dataset.feeds[task.feed].name].key


def read_task(number: int, order: Order) -> Iterator[Packet]:
    """What one task has for each bucket, and what it found."""
    task = order.tasks[number]
    if number == 0:  # every bucket has something, so that each is merged, and a series that is gone is missed
        yield from ((bucket, NOTHING, 0, b"") for bucket in range(order.buckets))
    if task.feed == BASE:
        yield from _base(task, order)
        return
    feed = order.dataset.feeds[task.feed]
    try:
        tables, found = _whole(task, feed, order) if task.end is None else _range(task, feed, order)
    except NotCut:
        tables, found = {}, {"not_cut": True}
    found |= {"feed": task.feed, "part": task.part}
    yield FOUND, task.feed, task.part, json.dumps(found).encode()
    if order.look_only:
        return
    parts: dict[int, dict[str, Table]] = {}
    for name, table in tables.items():
        for bucket, rows in split_table(table, buckets=order.buckets):
            parts.setdefault(bucket, {})[name] = rows
    for bucket, of_bucket in parts.items():
        yield bucket, task.feed, task.part, pack_tables(of_bucket)


def _range(task: Task, feed: Feed, order: Order) -> tuple[dict[str, Table], dict[str, Any]]:
    assert task.head is not None
    assert task.end is not None
    objects = order.connect()
    read = functools.partial(objects.read, order.key_of(task))
    data = lines_in(read, task.start, task.end, first=task.part == 0)
    rows = read_range(
        data,
        task.head.layout,
        feed,
        order.dataset,
        latest_day=order.request.latest_day,
        width=task.width,
        last=task.end >= task.size,
    )
    again = Table(names=rows.table.names, keys=rows.again, values={})
    found = {
        "lines": rows.lines,
        "width": rows.width,
        "plain": rows.plain,
        "fault": fault_of(rows.fault) if rows.fault else None,
        "first_day": int(rows.table.days[0]) if len(rows.table) else None,
    }
    return {"rows": rows.table, "again": again}, found


def _whole(task: Task, feed: Feed, order: Order) -> tuple[dict[str, Table], dict[str, Any]]:
    nothing: dict[str, Any] = {"lines": 0, "width": None, "plain": False, "first_day": None}
    if task.size > order.most_whole:
        words = (
            f"a file that cannot be read in parts (packed, in an encoding of several bytes, or with line breaks"
            f" within quotes) of at most {order.most_whole / 2**20:,.0f} MiB fits one task of the engine"
        )
        fault = file_fault(feed, words, value=f"{task.size / 2**20:,.1f} MiB")
        return {}, nothing | {"fault": fault_of(fault)}
    data = order.connect().read(order.key_of(task))
    try:
        rows = read_feed(
            lambda: io.BytesIO(data),
            feed,
            order.dataset,
            latest_day=order.request.latest_day,
            most_odd=order.most_whole,
        )
    except ContractBroken as error:
        return {}, nothing | {"fault": fault_of(error)}
    found = {"width": 0, "plain": rows.plain, "first_day": int(rows.table.days[0]), "fault": None}
    return {"rows": rows.table}, nothing | found


def _base(task: Task, order: Order) -> Iterator[Packet]:
    base = read_index(order.connect().read(order.key_of(task)), order.dataset)
    for bucket, part in split_snapshot(base, buckets=order.buckets):
        yield bucket, BASE, 0, b"".join(map(bytes, index_pieces(part)))
