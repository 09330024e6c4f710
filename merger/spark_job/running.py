"""One job: the order of tasks, what they found, and the result. Spark is behind `Cluster`; here is none of it.

Files are read in ranges on the assumption that lines are rows. Where that does not hold (a quoted field goes on in the
next line, say), the file is read again as a whole. The first fault in the order of the feeds and of their lines is the
one that is reported, as careful reading from the beginning would.
"""

import functools
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from chalicelib.csv_reading.careful_reading import none_used
from chalicelib.csv_reading.decoding import file_fault, text_lines
from chalicelib.csv_reading.feed_reader import rows_may_be_lines
from chalicelib.csv_reading.row_builder import RowBuilder
from chalicelib.engine.job_request import JobRequest
from chalicelib.engine.job_result import JobResult, Part, fault_of, part_of
from chalicelib.runs.merge_tools import rules_of
from shared.dataset import Dataset, Feed, Keep
from shared.errors import ContractBroken, SettingInvalid
from spark_job.cutting import HEAD_BYTES, FileHead, NotCut, can_be_cut, cut, lines_in, read_head
from spark_job.merging_buckets import merge_bucket
from spark_job.places import Connect
from spark_job.range_reading import KeyRepeated, LinesAsRows, RangeBuilder, RepeatFinder
from spark_job.reading_tasks import BASE, MergeBucket, Order, ReadTask, Task, read_task

RANGE = 32 << 20
"""Bytes of a range: what one task holds at a time."""
BUCKET = 32 << 20
"""Bytes of files, about, whose rows are merged together."""
MOST_WHOLE = 256 << 20
"""Bytes of a file that one task reads as a whole, where it cannot be cut."""


class Cluster(Protocol):
    """What carries tasks out, brings packets of one bucket together, and has them merged."""

    def run(self, tasks: int, *, read: ReadTask, merge: MergeBucket, buckets: int) -> list[bytes]:
        """What `merge` makes of each bucket."""
        ...


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How work is cut."""

    range: int = RANGE
    bucket: int = BUCKET
    least_buckets: int = 1
    most_whole: int = MOST_WHOLE


@dataclass(kw_only=True)
class _Reading:
    """How one feed's file is read."""

    feed: Feed
    place: int
    key: str
    size: int
    head: FileHead | None = None
    """None: as a whole."""
    width: int | None = None

    def tasks(self, step: int) -> Iterator[Task]:
        if self.head is None:
            yield Task(feed=self.place, size=self.size)
            return
        for part, (start, end) in enumerate(cut(self.head.start, self.size, step=step)):
            yield Task(
                feed=self.place, part=part, start=start, end=end, head=self.head, width=self.width, size=self.size
            )


class _ReadAgain(Exception):
    """A file is not as it was taken to be."""


def run_job(
    request: JobRequest, dataset: Dataset, *, cluster: Cluster, connect: Connect, sizes: Sizes | None = None
) -> JobResult:
    """The result, whose parts are written. Raises SettingInvalid where this code has other rules than the order."""
    began = time.monotonic()
    if request.rules != rules_of(dataset):
        raise SettingInvalid(
            f"the order of run {request.run_id} is by the rules {request.rules}, and this engine has"
            f" {rules_of(dataset)}: merger and engine must be of one deployment"
        )
    job = _Job(request, dataset, cluster=cluster, connect=connect, sizes=sizes or Sizes())
    try:
        result = job.run()
    except ContractBroken as fault:
        result = job.result([], runs=(), fault=fault)
    return replace(result, seconds=round(time.monotonic() - began, 3))


class _Job:
    def __init__(
        self, request: JobRequest, dataset: Dataset, *, cluster: Cluster, connect: Connect, sizes: Sizes
    ) -> None:
        self._request, self._dataset, self._cluster, self._connect = request, dataset, cluster, connect
        self._sizes = sizes
        total = sum(file.bytes for file in request.files.values())
        wanted = max(sizes.least_buckets, -(-total // sizes.bucket))
        self._buckets = 1 << (wanted - 1).bit_length()
        self._head_fault: ContractBroken | None = None
        """Of the header of a feed: what comes behind that feed is not read."""
        self._readings = list(self._first_readings())

    def _first_readings(self) -> Iterator[_Reading]:
        objects = self._connect()
        for place, feed in enumerate(self._dataset.feeds):
            file = self._request.files[feed.name]
            reading = _Reading(feed=feed, place=place, key=file.key, size=objects.size(file.key))
            if can_be_cut(feed):
                try:
                    reading.head = self._head(reading)
                except NotCut:
                    pass
                except ContractBroken as fault:
                    self._head_fault = fault
                    return
            yield reading

    def _head(self, reading: _Reading) -> FileHead:
        block = self._connect().read(reading.key, 0, HEAD_BYTES)
        head = read_head(block, reading.feed, whole=len(block) >= reading.size)
        if reading.feed.wide:  # a date in the header that is too late is a fault before any row
            latest = self._request.latest_day
            RowBuilder(head.layout, reading.feed, self._dataset, latest_day=latest).add_all(())
        return head

    def run(self) -> JobResult:
        while True:
            try:
                return self._try()
            except _ReadAgain:
                continue

    def _try(self) -> JobResult:
        """Raises ContractBroken, and _ReadAgain where a file is to be read another way."""
        tasks = [task for reading in self._readings for task in reading.tasks(self._sizes.range)]
        order = Order(
            request=self._request,
            dataset=self._dataset,
            buckets=self._buckets,
            most_whole=self._sizes.most_whole,
            connect=self._connect,
            tasks=tasks,
        )
        if not tasks:
            self._check([], [], [])
        if self._dataset.keep is Keep.WINDOW:
            order = replace(order, window_from=self._first_days(order))
        base = self._request.base
        if base.index and not base.parts:
            order = replace(order, tasks=[*tasks, Task(feed=BASE)])
        found = self._carry_out(order)
        self._check(found["found"], found["repeats"], found["sums"])
        plain = {reading.feed.name for reading in self._readings if rows_may_be_lines(reading.feed)}
        plain -= {self._dataset.feeds[it["feed"]].name for it in found["found"] if not it["plain"]}
        return self.result(found["parts"], runs=found["runs"], plain=sorted(plain))

    def _first_days(self, order: Order) -> dict[str, int]:
        """Feed -> its oldest day: the files are read for that alone, and again for their rows."""
        days: dict[str, int] = {}
        for it in self._carry_out(replace(order, look_only=True))["found"]:
            feed, day = self._dataset.feeds[it["feed"]].name, it.get("first_day")
            if day is not None:
                days[feed] = min(day, days.get(feed, day))
        return days

    def _carry_out(self, order: Order) -> dict[str, Any]:
        results = self._cluster.run(
            len(order.tasks),
            read=functools.partial(read_task, order=order),
            merge=functools.partial(merge_bucket, order=order),
            buckets=self._buckets,
        )
        together: dict[str, Any] = {"found": [], "repeats": [], "sums": [], "parts": [], "runs": ()}
        for one in map(json.loads, results):
            together["found"] += one.get("found", ())
            together["repeats"] += [one["repeats"]] if "repeats" in one else ()
            together["sums"] += [one["sums"]] if "sums" in one else ()
            together["parts"] += [part_of(one["part"])] if "part" in one else ()
            together["runs"] = tuple(one.get("runs", together["runs"]))
        return together

    def _check(
        self, found: Sequence[Mapping[str, Any]], repeats: Sequence[Mapping[str, Any]], sums: Sequence[int]
    ) -> None:
        """Raises ContractBroken for the first fault of the first feed that has one, or _ReadAgain."""
        for reading in self._readings:
            of_feed = sorted((it for it in found if it["feed"] == reading.place), key=lambda it: int(it["part"]))
            again = [it for it in repeats if it["feed"] == reading.place]
            self._check_feed(reading, of_feed, again, sums=reading.place in sums)
        if self._head_fault:
            raise self._head_fault

    def _check_feed(
        self,
        reading: _Reading,
        found: Sequence[Mapping[str, Any]],
        repeats: Sequence[Mapping[str, Any]],
        *,
        sums: bool,
    ) -> None:
        if reading.head is None:
            if found[0]["fault"]:
                raise ContractBroken(**found[0]["fault"])
            return
        width = next((it["width"] for it in found if it.get("width") is not None), None)
        repeated = min((it["part"] for it in repeats), default=len(found))
        for part, it in enumerate(found):
            if it.get("not_cut"):
                reading.head = None
                raise _ReadAgain
            if it["width"] not in (None, width):
                reading.width = width
                raise _ReadAgain
            if part == repeated:
                keys = [key for one in repeats if one["part"] == part for key in one["keys"]]
                self._raise_repeated(reading, found, part, keys)
            if it["fault"] and not sums:
                raise self._placed(reading, found, part, it["fault"])
        if sums:
            reading.head = None
            raise _ReadAgain
        if width is None:
            raise file_fault(reading.feed, f"{none_used(reading.feed)}; at least one is needed")

    def _placed(
        self, reading: _Reading, found: Sequence[Mapping[str, Any]], part: int, fault: Mapping[str, Any]
    ) -> ContractBroken:
        """A fault with the line of the file, in place of that of its range."""
        return ContractBroken(**{**fault, "line": fault["line"] + self._lines_before(reading, found, part)})

    def _lines_before(self, reading: _Reading, found: Sequence[Mapping[str, Any]], part: int) -> int:
        assert reading.head is not None
        return reading.head.lines + sum(int(it["lines"]) for it in found[:part])

    def _raise_repeated(
        self,
        reading: _Reading,
        found: Sequence[Mapping[str, Any]],
        part: int,
        keys: Sequence[tuple[int, str, int]],
    ) -> None:
        """Read the range again, row by row, up to the first that is wrong: a key that was there, or anything else."""
        origins = {(day, name): first for day, name, first in keys if first < part}
        assert reading.head is not None
        layout, feed = reading.head.layout, reading.feed
        width = next(it["width"] for it in found if it.get("width") is not None)
        finder = RepeatFinder(layout, feed, self._dataset, latest_day=self._request.latest_day, width=width)
        finder.seed(origins)
        try:
            finder.add_all(self._rows(reading, part))
        except ContractBroken as fault:
            raise self._placed(reading, found, part, fault_of(fault)) from None
        except KeyRepeated as repeated:
            if repeated.first_line:
                first = repeated.first_line + self._lines_before(reading, found, part)
            else:
                origin = origins[repeated.day, repeated.name]
                builder = RangeBuilder(layout, feed, self._dataset, latest_day=self._request.latest_day, width=width)
                builder.add_all(self._rows(reading, origin))
                first = builder.line_of(repeated.day, repeated.name) + self._lines_before(reading, found, origin)
            raise ContractBroken(
                feed=feed.name,
                line=repeated.line + self._lines_before(reading, found, part),
                column=repeated.column,
                value=repeated.shown,
                allowed=f"each key is allowed once, and this one is on line {first} already",
            ) from None

    def _rows(self, reading: _Reading, part: int) -> LinesAsRows:
        task = list(reading.tasks(self._sizes.range))[part]
        assert task.end is not None
        read = functools.partial(self._connect().read, reading.key)
        data = lines_in(read, task.start, task.end, first=part == 0)
        return LinesAsRows(text_lines(data, reading.feed, begins=False), reading.feed, last=task.end >= task.size)

    def result(
        self,
        parts: Sequence[Part],
        *,
        runs: Sequence[str],
        plain: Sequence[str] = (),
        fault: ContractBroken | None = None,
    ) -> JobResult:
        return JobResult(
            dataset=self._dataset.name,
            run_id=self._request.run_id,
            attempt=self._request.attempt,
            base=self._request.base.run_id,
            rules=self._request.rules,
            files={feed: file.sha256 for feed, file in self._request.files.items()},
            fault=fault_of(fault) if fault else None,
            buckets=self._buckets,
            parts=sorted(parts, key=lambda part: part.bucket),
            runs=tuple(runs),
            plain=tuple(plain),
        )
