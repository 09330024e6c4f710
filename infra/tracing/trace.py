"""`make trace RUN=id [STAGE=x]`: one run through all services, from X-Ray or from the local cloud's collector."""

import argparse
import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.errors import CommandFailed
from infra.local.running_clouds import all_running
from infra.operating.commands import find_stage
from infra.tracing.hops import Hop, find_hops
from infra.tracing.journey import Journey, as_map, journey
from infra.tracing.store import FileStore, TraceStore, Window, XRayStore
from infra.tracing.svg import picture
from infra.tracing.text import show
from shared.errors import UnknownRun
from shared.runs import Run, parse_time
from shared.tracing import parse_header

if TYPE_CHECKING:
    from infra.deploying.deployed import Stage

_BEFORE, _AFTER = dt.timedelta(minutes=5), dt.timedelta(minutes=30)
_DEADLINE = dt.timedelta(hours=8)
"""Within which a run ends by itself: the deadline for feeds, and the watch after it."""


def main(arguments: list[str]) -> int:
    """Show one run through all services: who continued whom, what took how long, what was waited for, what failed."""
    parser = argparse.ArgumentParser(prog="python -m infra trace", description=main.__doc__)
    parser.add_argument("--run", required=True, help="the run's id, such as 2020-10-25T17:00:00Z")
    parser.add_argument("--stage", default="", help="a stage on AWS; empty for the local cloud that runs here")
    parser.add_argument("--dataset", default="", help="one of the stage's datasets; empty for the first")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--brief", action="store_true", help="hops and faults alone")
    parser.add_argument("--svg", default="", metavar="FILE", help="also draw it, to attach to an incident")
    args = parser.parse_args(arguments)
    stage = find_stage(args.stage).of(args.dataset)
    try:
        run = stage.ledger.get(args.run)
    except UnknownRun as error:
        raise CommandFailed(f"{error} in stage {stage.name}") from error
    found = trace(run, store=find_store(stage), dataset=stage.dataset.name)
    if args.svg:
        Path(args.svg).write_text(picture(found, run=run, stage=stage.name), encoding="utf-8")
    if args.json:
        print(json.dumps(_as_map(found, run, stage), indent=1))
    else:
        from infra.terminal import PrintableConsole

        console = PrintableConsole(highlight=False)
        show(console, found, run=run, stage=stage.name, untraced=untraced(run, found), brief=args.brief)
    return 0 if found.branches else 1


def find_store(stage: "Stage") -> TraceStore:
    """X-Ray, or the file of the local cloud that runs here. Raises CommandFailed where it keeps no traces."""
    if not stage.endpoint:
        return XRayStore(stage.client("xray"))
    running = next((it for it in all_running() if it.endpoint == stage.endpoint), None)
    if running is None or not running.traces:
        raise CommandFailed(f"the local cloud at {stage.endpoint} keeps no traces")
    return FileStore(Path(running.traces))


def trace(run: Run, *, store: TraceStore, dataset: str = "") -> Journey:
    """All that was traced of the run: what is found by its id, and what the ledger has trace headers of.

    Runs of several datasets may have the same id: what names another dataset than this one is left out.
    """
    traced = {parse_header(header).get("Root", "") for header in run.traces.values()} - {""}
    ids = {*store.find(run.run_id, windows(run)), *traced}
    hops = [hop for hop in find_hops(store.get(ids), run.run_id) if _is_of(hop, dataset)]
    return journey(run.run_id, hops)


def _is_of(hop: Hop, dataset: str) -> bool:
    """Whether it worked on this dataset among others, or does not say; the watch looks at all."""
    named = str(hop.metadata.get("dataset", "")).split()
    return not named or not dataset or dataset in named


def windows(run: Run) -> list[Window]:
    """When a run may have been worked on: from its time to its deadline, and around every trace in the ledger."""
    began = parse_time(run.run_id)
    spans = [Window(since=began - _BEFORE, until=began + _DEADLINE)]
    spans += [Window(since=at - _BEFORE, until=at + _AFTER) for at in sorted(_times(run))]
    merged = list[Window]()
    for span in sorted(spans, key=lambda window: window.since):
        if merged and span.since <= merged[-1].until:
            merged[-1] = Window(since=merged[-1].since, until=max(merged[-1].until, span.until))
        else:
            merged.append(span)
    return merged


def _times(run: Run) -> Iterator[dt.datetime]:
    for header in run.traces.values():
        root = parse_header(header).get("Root", "").split("-")
        if len(root) == 3:
            yield dt.datetime.fromtimestamp(int(root[1], 16), dt.UTC)
    yield from (parse_time(at) for at in (run.approved_at, run.redriven_at) if at)


def untraced(run: Run, found: Journey) -> list[str]:
    """What should be in the tree and is not, a sentence each."""
    there = {hop.trace_id for hop in found.hops}
    missing = []
    for service, header in sorted(run.traces.items()):
        members = parse_header(header)
        if members.get("Root") not in there:
            why = (
                "was not sampled"
                if members.get("Sampled") == "0"
                else "is not found: X-Ray has it after some seconds, and for 30 days"
            )
            missing.append(f"{service} worked on it, but trace {members.get('Root', header)} {why}")
    return missing if found.branches or missing else ["nothing is traced of this run"]


def _as_map(found: Journey, run: Run, stage: "Stage") -> dict[str, Any]:
    head = {"stage": stage.name, "state": run.state.value, "reason": run.reason}
    return head | as_map(found) | {"untraced": untraced(run, found)}
