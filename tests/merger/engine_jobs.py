"""Files through a job of the distributed engine, in a folder that stands for the bucket, and what comes of it."""

import functools
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from chalicelib.comparing.differences import Changes
from chalicelib.comparing.full_merge import Merged
from chalicelib.engine.job_request import Base, JobRequest, RawObject
from chalicelib.engine.job_result import JobResult, fault_of
from chalicelib.engine.parts_reading import joined_changes, joined_snapshot, unpack_changes
from chalicelib.runs.merge_tools import rules_of
from chalicelib.storing.snapshots import Snapshot, index_pieces, read_index
from shared.dataset import Dataset
from shared.datasets import find_dataset
from shared.errors import ContractBroken
from shared.keys import raw_key
from spark_job.parquet_parts import from_parquet
from spark_job.places import Bucket, Folder
from spark_job.reading_tasks import MergeBucket, Packet, ReadTask
from spark_job.running import Sizes, run_job
from tests.merger.merges import LATEST, merge


class InTurn:
    """Carries tasks out one after the other, in this process: all of a job but for Spark."""

    def run(self, tasks: int, *, read: ReadTask, merge: MergeBucket, buckets: int) -> list[bytes]:
        sent: dict[int, list[Packet]] = {}
        for number in reversed(range(tasks)):
            for packet in read(number):
                sent.setdefault(packet[0], []).append(packet)
        return [merge(bucket, packets) for bucket, packets in sent.items()]


type Carry = Callable[[JobRequest, Dataset, Path, Sizes], JobResult]
"""Carries out an order over the files of a folder."""


def in_turn(request: JobRequest, dataset: Dataset, folder: Path, sizes: Sizes) -> JobResult:
    """In this process."""
    return run_job(request, dataset, cluster=InTurn(), connect=functools.partial(Folder, folder), sizes=sizes)


def carry_out(
    dataset: Dataset,
    files: Mapping[str, bytes],
    folder: Path,
    *,
    run_id: str = "r1",
    base: Base | None = None,
    sizes: Sizes | None = None,
    carry: "Carry | None" = None,
    latest_day: int = LATEST,
) -> JobResult:
    """The result of a job over these files."""
    raw = {}
    for feed, data in files.items():
        key = raw_key(dataset.name, run_id, feed)
        Folder(folder).write(key, data)
        raw[feed] = RawObject(key=key, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
    request = JobRequest(
        dataset=dataset.name,
        run_id=run_id,
        attempt=1,
        rules=rules_of(dataset),
        latest_day=latest_day,
        files=raw,
        base=base or Base(),
    )
    assert JobRequest.from_json(request.to_json()) == request
    result = (carry or in_turn)(request, dataset, folder, sizes or Sizes())
    read_back = JobResult.from_json(result.to_json())
    assert read_back == result
    return read_back


def carry_out_order(s3: Any, arguments: Mapping[str, str]) -> None:
    """What the engine does with the arguments that the merger gives it."""
    bucket = Bucket(s3, arguments["--bucket"])
    request = JobRequest.from_json(bucket.read(arguments["--request"]))
    dataset = find_dataset(request.dataset)
    sizes = Sizes(least_buckets=2)
    result = run_job(request, dataset, cluster=InTurn(), connect=lambda: bucket, sizes=sizes)
    bucket.write(f"{request.folder}result.json", result.to_json())


def merged_or_fault(
    dataset: Dataset, files: Mapping[str, bytes], *, old: Snapshot | None, run_id: str
) -> tuple[Merged | None, dict[str, Any] | None]:
    """What a full merge finds, or the fault that it finds."""
    try:
        return merge(dataset, files, old=old, run_id=run_id), None
    except ContractBroken as fault:
        return None, fault_of(fault)


def found_state(result: JobResult, dataset: Dataset, folder: Path) -> Snapshot:
    """The state after the run, from the parts that the merger reads."""
    parts = [read_index((folder / part.index.key).read_bytes(), dataset) for part in result.parts]
    return replace(joined_snapshot(parts), plain=frozenset(result.plain))


def found_parquet(result: JobResult, dataset: Dataset, folder: Path) -> Snapshot:
    """The same from those that the next job reads."""
    parts = [from_parquet((folder / part.snapshot.key).read_bytes(), dataset) for part in result.parts]
    return replace(joined_snapshot(parts), plain=frozenset(result.plain))


def found_changes(result: JobResult, folder: Path) -> Changes:
    return joined_changes([unpack_changes((folder / part.changes.key).read_bytes()) for part in result.parts])


def base_in_parts(result: JobResult) -> Base:
    """What the next job is given where a job was committed."""
    return Base(run_id=result.run_id, parts=tuple(part.snapshot.key for part in result.parts))


def base_in_one(snapshot: Snapshot, folder: Path, *, run_id: str) -> Base:
    """What the next job is given where one function made the state."""
    Folder(folder).write(f"{run_id}.index", b"".join(map(bytes, index_pieces(snapshot))))
    return Base(run_id=run_id, index=f"{run_id}.index")


def counts(result: JobResult) -> dict[str, Any]:
    return {name: sum(getattr(part, name) for part in result.parts) for name in ("added", "changed", "removed")}
