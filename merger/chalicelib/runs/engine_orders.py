"""A run's merge by the distributed engine: order it, wait for it, take its result.

    claim ─▶ request.json ─▶ ordered, in the ledger ─▶ StartJobRun ─▶ awaited: a lease that outlasts the job
                                                                           │
    result.json ─▶ claim from the engine ─▶ the parts, as one merge ◀──────┘

Every step can be repeated. A job that was started and not written down writes below keys of an attempt that nobody
waits for; a result is taken only where it is of the attempt that the run waits for, and of what lies before the merger
now: the same files, the same base, the same rules.
"""

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from chalicelib.engine.job_request import Base, JobRequest, RawObject
from chalicelib.engine.job_result import JobResult, WrittenObject
from shared.errors import ObjectMissing
from shared.keys import index_key, job_folder, raw_key, snapshot_part_key

if TYPE_CHECKING:
    from chalicelib.comparing.full_merge import Merged
    from chalicelib.runs.merge_tools import Comparison, Tools
    from shared.runs import Run


def order(compared: "Comparison", tools: "Tools", *, latest_day: int) -> None:
    """Have the engine merge a claimed run, and leave the run to it."""
    assert tools.engine is not None
    run, head, name = compared.run, compared.head, tools.dataset.name
    request = JobRequest(
        dataset=name,
        run_id=run.run_id,
        attempt=run.attempts,
        rules=tools.rules,
        latest_day=latest_day,
        files={
            feed: RawObject(key=raw_key(name, run.run_id, feed), sha256=sha256, bytes=compared.sizes[feed])
            for feed, sha256 in compared.shas.items()
        },
        base=Base(
            run_id=head.head,
            index=index_key(name, head.head) if head.head else "",
            parts=tuple(snapshot_part_key(name, head.head, number) for number in range(head.parts)),
        ),
    )
    key = f"{request.folder}request.json"
    tools.files.write(key, [request.to_json()], content_type="application/json")
    tools.ledger.order(run)
    job = tools.engine.start(key)
    lease = int(tools.policy.engine_lease_seconds * 1000)
    tools.ledger.await_engine(run, job=job, until=tools.clock() + lease)


def result_for(compared: "Comparison", tools: "Tools") -> JobResult | None:
    """What the engine found for the attempt that the run waits for; None where that is not what is wanted now."""
    found = _written_result(compared.run, tools) if compared.run.engine_attempt else None
    if found is None:
        return None
    result = JobResult.from_json(found)
    wanted = (compared.head.head, tools.rules, dict(compared.shas))
    return result if (result.base, result.rules, dict(result.files)) == wanted else None


def has_result(run: "Run", tools: "Tools") -> bool:
    """Whether the result is there that a run waits for."""
    return _written_result(run, tools) is not None


def _written_result(run: "Run", tools: "Tools") -> bytes | None:
    try:
        return tools.files.read(f"{job_folder(tools.dataset.name, run.run_id, run.engine_attempt)}result.json")
    except ObjectMissing:
        return None


def adopted(result: JobResult, compared: "Comparison", tools: "Tools") -> "Merged":
    """The parts of a result as one merge. Raises ContractBroken where a feed is at fault, or all is too large."""
    from chalicelib.comparing.full_merge import Merged  # deferred: brings numpy
    from chalicelib.engine.parts_reading import joined_changes, joined_snapshot, unpack_changes
    from chalicelib.storing.snapshots import read_index

    result.raise_fault()
    size = sum(part.index.bytes + part.changes.bytes for part in result.parts)
    tools.check_fits(size, most=tools.policy.most_result_bytes, what="a result of ")
    indexes = [read_index(_read(part.index, tools), tools.dataset) for part in result.parts]
    changes = joined_changes([unpack_changes(_read(part.changes, tools)) for part in result.parts])
    old = tools.snapshot_of(compared.head.head)
    snapshot = replace(joined_snapshot(indexes), plain=frozenset(result.plain))
    moved = frozenset(feed for part in result.parts for feed in part.moved)
    return Merged(snapshot=snapshot, old=old, changes=changes, moved=moved)


def _read(written: WrittenObject, tools: "Tools") -> bytes:
    """The object, as it was written. Raises ObjectMissing where it is another."""
    data = tools.files.read(written.key)
    if hashlib.sha256(data).hexdigest() != written.sha256:
        raise ObjectMissing(f"{written.key} is not what the engine's result says of it")
    return data
