"""Tracing, behind one door: nothing else imports aws-xray-sdk, so that another SDK can take its place.

Outside Lambda (tests, commands), and where the invocation is not sampled, every call does nothing and the SDK is not
imported. Inside, the function's own segment comes from the Lambda runtime; this adds subsegments to it.

A trace ends where S3, EventBridge or DynamoDB Streams pass a run on. What continues it says so: `follow` names the
upstream, whose header has travelled in the raw object's metadata and in the ledger (`Run.traces`).
"""

import contextlib
import functools
import json
import os
import random
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.call_metadata import CallMetadata
from shared.scrubbing import scrub

SEARCHED = frozenset(
    {"run_id", "stage", "service", "handler", "state", "outcome", "feed", "cold_start", "upstream", "upstream_trace"}
)
"""What is indexed for search, as annotations: X-Ray takes 50 in a trace. All else is kept beside, as metadata."""


_LONGEST_WAIT = 1.0
"""Seconds that a call's subsegment waits at most, so that an invocation killed at its timeout shows how far it came."""


def current_header() -> str:
    """The trace header of this invocation (`Root=...;Parent=...;Sampled=1`), empty where there is none."""
    return os.environ.get("_X_AMZN_TRACE_ID", "")


def trace_id() -> str:
    """The trace that this invocation belongs to (`1-5759e988-bd862e3fe1be46a994272793`), empty where there is none."""
    return parse_header(current_header()).get("Root", "")


def own_trace(service: str) -> dict[str, str]:
    """`{service: header}`, as the ledger keeps it of whoever works on a run; empty where there is no trace."""
    header = current_header()
    return {service: header} if header else {}


def parse_header(header: str) -> dict[str, str]:
    """The members of a trace header: `Root`, `Parent`, `Sampled`; those there are."""
    return dict(part.split("=", 1) for part in header.split(";") if "=" in part)


def is_tracing() -> bool:
    """Whether this is a sampled invocation in Lambda."""
    return "LAMBDA_TASK_ROOT" in os.environ and "Sampled=1" in current_header()


@contextlib.contextmanager
def subsegment(name: str, **values: str | int | float | bool | None) -> Iterator["Span"]:
    """Time a step; an exception that passes through is recorded on it as a fault with its cause.

    Yields a `Span` for what is known only later: `span.annotate(rows=285)`.
    """
    if not is_tracing():
        yield Span(None)
        return
    recorder = _recorder()
    span = Span(recorder.begin_subsegment(name))
    span.annotate(**values)
    try:
        yield span
    except BaseException as error:
        span.fail(error)
        raise
    finally:
        recorder.end_subsegment()


@contextlib.contextmanager
def first_subsegment(name: str, **values: str | int | float | bool | None) -> Iterator["Span"]:
    """The subsegment that holds all others of an invocation; what an earlier one left behind is dropped.

    The SDK goes by the trace's id alone: a retry in the same trace would be taken for the attempt before it.
    """
    if is_tracing():
        _recorder().clear_trace_entities()
        _waiting.clear()
    try:
        with subsegment(name, **values) as span:
            yield span
    finally:
        _send_waiting()


def follow(upstream: str, header: str = "", **values: str) -> None:
    """Say on the current subsegment what this one continues: a service, with its trace header, or a starter.

    Starters are `schedule`, `operator` and `viewer`: nothing of ours comes before them.
    """
    if is_tracing():
        current = Span(_recorder().current_subsegment())
        current.annotate(upstream=upstream, upstream_trace=reference(header), **values)


def reference(header: str) -> str:
    """`{trace id}/{segment id}` of a trace header; empty where it has none."""
    members = parse_header(header)
    return f"{members['Root']}/{members['Parent']}" if "Root" in members and "Parent" in members else ""


def carried[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """The function, for another thread: what it traces there belongs to the subsegment that is current here."""
    if not is_tracing():
        return function
    recorder = _recorder()
    current = recorder.get_trace_entity()

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        recorder.set_trace_entity(current)
        try:
            return function(*args, **kwargs)
        finally:
            recorder.clear_trace_entities()

    return run


class Span:
    """A subsegment in progress, or nothing where tracing is off."""

    def __init__(self, segment: Any) -> None:
        self._segment = segment

    def annotate(self, **values: str | int | float | bool | None) -> None:
        """What is SEARCHED is indexed, the rest is kept beside; empty values are left out."""
        if self._segment is None:
            return
        for name, value in values.items():
            if value is None or value == "":
                continue
            if name in SEARCHED:
                self._segment.annotations[name] = value
            else:
                self._segment.metadata.setdefault("default", {})[name] = value

    def fail(self, error: BaseException) -> None:
        """Record it as a fault with its cause, also where the error goes no further."""
        if self._segment is None or self._has_recorded(error):
            return
        self._segment.add_exception(error, traceback.extract_tb(error.__traceback__, limit=10))
        if isinstance(self._segment.cause, dict):  # else: the id of a cause that an inner subsegment has recorded
            self._segment.cause["exceptions"][-1].message = scrub(str(error))[:1000]

    def _has_recorded(self, error: BaseException) -> bool:
        cause = self._segment.cause
        recorded = cause.get("exceptions", []) if isinstance(cause, dict) else []
        return getattr(error, "_cause_id", "") in {each.id for each in recorded}


@functools.cache
def _recorder() -> Any:
    from aws_xray_sdk.core.recorder import AWSXRayRecorder  # deferred: outside Lambda its start makes X-Ray clients

    return AWSXRayRecorder()


def record_call(
    service: str, began: float, *, aws: Mapping[str, Any], status: int, failure: str, metadata: CallMetadata
) -> None:
    """A subsegment for an AWS call that is over. `began` is in seconds since 1970; `aws` is as X-Ray wants it.

    `status` is HTTP's, 0 where there was no answer; `failure` is `fault`, `error`, `throttle`, or empty. It is written
    without the SDK's entities, and waits with others to be sent: a run makes sixty calls, and this is half of what
    they would cost else.
    """
    current = _recorder().get_trace_entity()
    document = {
        "id": f"{random.getrandbits(64):016x}",
        "trace_id": current.trace_id,
        "parent_id": current.id,
        "type": "subsegment",
        "namespace": "aws",
        "name": service,
        "start_time": began,
        "end_time": time.time(),
        "in_progress": False,
        "aws": aws,
    }
    if status:
        document["http"] = {"response": {"status": status}}
    if failure:
        document[failure] = True
    if values := metadata.as_mapping():
        document["metadata"] = {"default": values}
    with _threads_take_turns:
        _waiting.append(_Document(document))
        is_time = document["end_time"] - _waiting[0].document["end_time"] > _LONGEST_WAIT
    if is_time:
        _send_waiting()


def _send_waiting() -> None:
    with _threads_take_turns:
        documents = _waiting.copy()
        _waiting.clear()
    for document in documents:
        _recorder().emitter.send_entity(document)


@dataclass(frozen=True, slots=True)
class _Document:
    """A subsegment as the SDK's emitter takes it."""

    document: Mapping[str, Any]

    def serialize(self) -> str:
        return json.dumps(self.document)


_waiting: list[_Document] = []
"""Calls that have ended and are yet to be sent."""
_threads_take_turns = threading.Lock()
"""With what is waiting."""
