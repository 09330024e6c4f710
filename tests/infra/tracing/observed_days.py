"""Days of all kinds through the whole system in one process, traced: what each invocation printed and sent."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.tracing.journey import Journey
from infra.tracing.store import FileStore, TraceDocument
from infra.tracing.trace import trace
from infra.waiting import wait_for
from shared.observation import Line
from shared.tracing import parse_header
from tests.proof.small_feeds import jhu, nyt, pair
from tests.shared.lambda_process import Process, lambda_process
from tests.world import BUCKET, World, world


def at(day: int, hour: str = "17:00:00") -> str:
    """A time in March 2020; the run of a day is that of 17:00."""
    return f"2020-03-{day:02d}T{hour}Z"


COMMITTED, REDRIVEN, UNCHANGED, APPROVED, BROKEN, DRIVEN_ON, INCOMPLETE = map(at, range(1, 8))
RUNS = (COMMITTED, REDRIVEN, UNCHANGED, APPROVED, BROKEN, DRIVEN_ON, INCOMPLETE)


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """One invocation, and all that it printed."""

    handler: str
    trace_id: str
    lines: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class ObservedDays:
    """What there is to look at afterwards."""

    invocations: list[Invocation]
    journeys: dict[str, Journey]
    """Run id -> all that was traced of it."""
    documents: list[TraceDocument]
    headers: dict[str, dict[str, str]]
    """Run id -> where a trace header was left (`raw/...` or the ledger's name of a service) -> the header."""

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [line for invocation in self.invocations for line in invocation.lines]


@contextlib.contextmanager
def observed(folder: Path) -> Iterator[ObservedDays]:
    with lambda_process(folder) as process, world() as here:
        heard = _Hearing(here, process)
        with heard.listening():
            _happen(here, heard)
        store = FileStore(folder / "traces.jsonl")
        sent = {invocation.trace_id for invocation in heard.invocations}
        wait_for(lambda: _whole(store, sent), seconds=20, what="every invocation's own subsegment")
        yield ObservedDays(
            invocations=heard.invocations,
            journeys={run_id: trace(here.run(run_id), store=store) for run_id in RUNS},
            documents=[document for each in store.get(sent) for document in each.documents],
            headers={run_id: _headers(here, run_id) for run_id in RUNS},
        )


def _headers(here: World, run_id: str) -> dict[str, str]:
    keys = [key for key in here.files() if key.startswith(f"raw/us-covid/{run_id}/")]
    metadata = {key: here.s3.head_object(Bucket=BUCKET, Key=key)["Metadata"] for key in keys}
    return {key: entry["trace"] for key, entry in metadata.items()} | dict(here.run(run_id).traces)


class _Hearing:
    """Stands between the world and its handlers, and where lines are rendered: the world keeps what is printed."""

    def __init__(self, here: World, process: Process) -> None:
        self.invocations: list[Invocation] = []
        self._process, self._invoke, self._get = process, here.invoke, here.get
        self._rendered: list[str] = []
        here.invoke = self.invoke  # type: ignore[method-assign]

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        render = Line.render

        def heard(line: Line, *, epoch_ms: int) -> str:
            self._rendered.append(render(line, epoch_ms=epoch_ms))
            return self._rendered[-1]

        Line.render = heard  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            Line.render = render  # type: ignore[method-assign]

    def invoke(self, handler: str, event: Any, *, request_id: str) -> Any:
        return self._hear(handler, lambda: self._invoke(handler, event, request_id=request_id))

    def get(self, path: str) -> Any:
        return self._hear("serve", lambda: self._get(path))

    def _hear(self, handler: str, work: Any) -> Any:
        trace_id = parse_header(self._process.invocation())["Root"]
        self._rendered = []
        try:
            return work()
        finally:
            lines = [json.loads(line) for line in self._rendered]
            self.invocations.append(Invocation(handler=handler, trace_id=trace_id, lines=lines))


def _happen(here: World, heard: _Hearing) -> None:
    day(here, 1, pair(30))
    day(here, 2, {"nyt": nyt(31)})
    here.publish(pair(31), at=at(2, "20:00:00"))
    here.operate("redrive", REDRIVEN, time=at(2, "21:00:00"))
    here.settle()
    day(here, 3, pair(31))
    day(here, 4, {"nyt": nyt(32, without=range(4, 20)), "jhu": jhu(32)})
    here.operate("approve", APPROVED, time=at(4, "21:00:00"))
    here.settle()
    day(here, 5, {"nyt": nyt(33, tail="\n2017-04-01,-5,1"), "jhu": jhu(33)})
    _events_get_lost(here)
    day(here, 7, {"jhu": jhu(33)})
    for path in ("/data", "/daily?from=2020-02-01", "/data?from=yesterday", "/nowhere", "/health", "/runs"):
        heard.get(path)


def day(here: World, number: int, files: dict[str, bytes]) -> None:
    """A run at 17:00 and a watch before midnight."""
    here.publish(files, at=at(number, "12:00:00"))
    here.schedule("fetch", at(number))
    here.settle()
    here.schedule("watch", at(number, "23:59:00"))
    here.settle()


def _events_get_lost(here: World) -> None:
    """The files are there and nobody hears of it: the watch merges."""
    here.publish(pair(34), at=at(6, "12:00:00"))
    here.schedule("fetch", DRIVEN_ON)
    here.deliver_next()
    here.platform.inbox.clear()
    here.schedule("watch", at(6, "18:30:00"))
    here.settle()


def _whole(store: FileStore, trace_ids: set[str]) -> bool:
    """An invocation's own subsegment is sent last."""
    there = {
        trace.trace_id
        for trace in store.get(trace_ids)
        if any("handler" in document.get("annotations", {}) for document in trace.documents)
    }
    return there == trace_ids
