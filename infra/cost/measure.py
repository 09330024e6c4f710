"""Count what a stage does in a day: calls, request units, bytes, milliseconds. The cost page is computed from it.

Day folders go through a local cloud of its own, every AWS call of every function is counted by its trace, and every
object by its size. `python -m infra measure --feeds DIR` writes `infra/measured.json`.
"""

import argparse
import datetime as dt
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.deploying.deployed import Stage
from infra.local.chain import Carried, carry_all
from infra.local.day_display import DayDisplay
from infra.local.day_folders import Day, read_days
from infra.local.demo_feeds import demo_days
from infra.local.local_system import local_system
from infra.operating.smoke import getter
from infra.services import ROOT
from infra.tracing.hops import Hop, Step, find_hops
from infra.tracing.store import FileStore
from shared.datasets import DEFAULT, find_dataset
from shared.runs import State

MEASURED = ROOT / "infra" / "measured.json"

VISIT = ("/", "/data", "/daily", "/weekly", "/monthly")
"""What a visit asks for at most: the page, which brings its own numbers, and every table once."""

_WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem"})
_READS = frozenset({"GetItem", "Query"})
_S3_READS = frozenset({"GetObject", "HeadObject"})


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What some hops of a run did."""

    s3_writes: int = 0
    """PUT and LIST requests."""
    s3_reads: int = 0
    write_units: int = 0
    """DynamoDB write request units, rows of the store apart. The item is taken to be as large as the call's JSON: the
    larger of what was sent and what was received, as an update sends only what changes and returns the whole item."""
    read_units: int = 0
    """DynamoDB read request units, of consistent reads; what was received stands for the items' size."""


def count(steps: Iterable[Step]) -> Counted:
    """AWS calls among steps, by what they are charged as."""
    units: Counter[str] = Counter()
    for step in steps:
        service, _, operation = step.name.partition(" ")
        if service == "S3":
            units["s3_reads" if operation in _S3_READS else "s3_writes"] += 1
        elif service == "DynamoDB" and operation in _WRITES:
            units["write_units"] += max(1, math.ceil(max(step.call.sent, step.call.received) / 1024))
        elif service == "DynamoDB" and operation == "TransactWriteItems":
            units["write_units"] += 2 * max(2, math.ceil(step.call.sent / 1024))
        elif service == "DynamoDB" and operation in _READS:
            units["read_units"] += max(1, math.ceil(step.call.received / 4096))
    return Counted(**units)


def measure(days: Sequence[Day], *, terminal: DayDisplay, source: str) -> dict[str, Any]:
    """Carry the days; means over all committed runs but the first, which is given apart."""
    with local_system(terminal=terminal, stage="measured") as system:
        carried = carry_all(system.chain, [[day] for day in days], report=terminal.day)
        system.chain.await_views()
        later = [done for done in carried if done.run.state is State.COMMITTED][1:]
        hops = {done.run.run_id: _hops(system.traces, done.run.run_id) for done in later}
        return {
            "taken": str(dt.datetime.now(dt.UTC).date()),
            "source": source,
            "days": len(carried),
            "rows": system.stage.ledger.head().rows,
            "first_load_rows": carried[0].run.added,
            "changed_rows": round(_mean(done.run.added + done.run.changed + done.run.removed for done in later)),
            "run": _of_a_run(hops),
            "functions": _functions(hops),
            "bytes": _sizes(system.stage, later),
            "log_bytes": _log_bytes(system.stage, days=len(carried)),
            "visit": _visit(system.stage),
            "watch": _watch(system.stage),
            "request_milliseconds": round(_mean(_durations(system.stage, "serve"))),
        }


def _hops(traces: Path, run_id: str) -> list[Hop]:
    store = FileStore(traces)
    return find_hops(store.get(store.find(run_id)), run_id)


def _of_a_run(hops: Mapping[str, Sequence[Hop]]) -> dict[str, int]:
    counted = [count(step for hop in run for outer in hop.steps for step in outer.walk()) for run in hops.values()]
    return {name: math.ceil(_mean(getattr(each, name) for each in counted)) for name in vars(Counted())}


def _functions(hops: Mapping[str, Sequence[Hop]]) -> dict[str, dict[str, float]]:
    """`service.handler` -> invocations a run, and milliseconds of each."""
    took: dict[str, list[float]] = {}
    for run in hops.values():
        for hop in run:
            took.setdefault(hop.name, []).append(hop.took / 1000)
    return {
        name: {"invocations": round(len(times) / len(hops), 2), "milliseconds": round(_mean(times))}
        for name, times in sorted(took.items())
    }


def _sizes(stage: Stage, later: Sequence[Carried]) -> dict[str, int]:
    """First part of the key -> bytes that a run keeps there."""
    sizes: Counter[str] = Counter()
    runs = {done.run.run_id for done in later}
    for page in stage.client("s3").get_paginator("list_objects_v2").paginate(Bucket=stage.place.bucket):
        for item in page.get("Contents", ()):
            kind, _, rest = item["Key"].partition("/")
            if any(run in rest for run in runs):
                sizes[kind] += item["Size"]
    return {kind: math.ceil(size / len(runs)) for kind, size in sorted(sizes.items())}


def _log_bytes(stage: Stage, *, days: int) -> int:
    """Bytes that all functions print in a day."""
    return math.ceil(sum(len(line.text) + 26 for line in stage.log_lines(since_ms=0)) / days)


def _visit(stage: Stage) -> dict[str, int]:
    """A visit: requests, and bytes that go out, compressed where a browser would have them so."""
    get = getter(stage.api_url, loopback=True, headers={"Accept-Encoding": "gzip"})
    replies = [get(path) for path in VISIT]
    return {"requests": len(replies), "bytes": sum(len(reply.body) for reply in replies)}


def _watch(stage: Stage) -> dict[str, int]:
    """One look of the watch: it reads the ledger's runs of thirty days, the feeds, the notices and the head."""
    items = stage.client("dynamodb").scan(TableName=stage.place.runs_table)["Items"]
    run = _mean(len(json.dumps(item)) for item in items if "deliveries" in item)
    units = math.ceil(30 * run / 4096) + 3
    return {"milliseconds": round(_mean(_durations(stage, "watch"))), "read_units": units}


def _durations(stage: Stage, handler: str) -> list[float]:
    """Milliseconds of a handler's invocations, from its lines."""
    lines = [json.loads(line.text) for line in stage.log_lines(since_ms=0) if line.text.startswith("{")]
    return [line["duration"] for line in lines if line.get("handler") == handler]


def _mean(values: Iterable[float]) -> float:
    taken = list(values)
    return sum(taken) / len(taken)


def main(arguments: list[str]) -> int:
    """Count what a stage does in a day, into infra/measured.json."""
    parser = argparse.ArgumentParser(prog="python -m infra measure", description=main.__doc__)
    parser.add_argument("--feeds", type=Path, help="day folders; the demo days without")
    args = parser.parse_args(arguments)
    days = read_days(args.feeds, find_dataset(DEFAULT)) if args.feeds else demo_days()
    first, last = days[0].date, days[-1].date
    kind = "real dated copies of the feeds" if args.feeds else "the demo days, which are generated"
    source = f"{len(days)} days, {first} to {last}: {kind}"
    found = measure(days, terminal=DayDisplay(), source=source)
    MEASURED.write_text(json.dumps(found, indent=2) + "\n")
    return 0
