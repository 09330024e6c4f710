"""From X-Ray's documents to hops: the invocations that worked on one run, each with the steps that it took."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.tracing.store import Trace, TraceDocument, names_run
from shared.call_metadata import CallMetadata

_INITIALISATION = ("Initialization", "Init")
"""What Lambda calls the start of a process; `Invocation` and `Overhead` are the rest, which our own steps show."""
_OF_THE_HOP = frozenset({"run_id", "stage", "service", "handler", "upstream", "upstream_trace", "cold_start"})
"""Annotations that the hop itself has."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """Something that was done within an invocation, and took time."""

    name: str
    """`merge`; for an AWS call its service and operation: `S3 PutObject`."""
    began: int
    """Microseconds since 1970."""
    ended: int
    metadata: Mapping[str, Any]
    """What was recorded of it: `bytes`, `rows`, `status` and the like; of an AWS call also see `call`."""
    about: str = ""
    """For an AWS call the table, topic or key."""
    failure: str = ""
    """X-Ray's word: `fault`, `throttle`, `error` (a condition did not hold, a thing was not there), or empty."""
    cause: str = ""
    """Of a fault: `GateClosed: 3 of 280 rows would be removed`; empty where an inner step has it."""
    steps: "Sequence[Step]" = ()

    @property
    def took(self) -> int:
        """Microseconds."""
        return self.ended - self.began

    @property
    def call(self) -> CallMetadata:
        """What an AWS call sent and received; all empty for a step that is none."""
        return CallMetadata.from_mapping(self.metadata)

    def walk(self) -> "Iterator[Step]":
        """This and all within, in order of time."""
        yield self
        for step in self.steps:
            yield from step.walk()


@dataclass(frozen=True, kw_only=True)
class Hop:
    """One invocation of one function that worked on the run."""

    service: str
    handler: str
    trace_id: str
    segment_id: str
    """Of the function's own segment."""
    began: int
    """Microseconds since 1970; with the initialisation of its process, where that is traced."""
    ended: int
    metadata: Mapping[str, Any]
    """`outcome`, `state`, counts: what its log line has as well."""
    cold_start: bool
    upstream: str
    """The service that it continues, or `schedule`, `operator`, `viewer`; empty where it does not say."""
    upstream_trace: str
    """`{trace id}/{segment id}` of that, where it is one of ours."""
    failure: str
    cause: str
    steps: Sequence[Step]

    @property
    def name(self) -> str:
        return f"{self.service}.{self.handler}"

    @property
    def reference(self) -> str:
        """What others name as their upstream."""
        return f"{self.trace_id}/{self.segment_id}"

    @property
    def took(self) -> int:
        """Microseconds."""
        return self.ended - self.began

    @property
    def faults(self) -> "list[Step]":
        """Steps that failed and have the cause."""
        return [inner for step in self.steps for inner in step.walk() if inner.failure == "fault" and inner.cause]


def find_hops(traces: Iterable[Trace], run_id: str) -> list[Hop]:
    """The invocations that worked on this run, in order of time. Of a batch, what concerns other runs is left out."""
    hops = [hop for trace in traces for hop in _hops(trace, run_id)]
    return sorted(hops, key=lambda hop: (hop.began, hop.ended, hop.name))


def _hops(trace: Trace, run_id: str) -> Iterator[Hop]:
    known = {each["id"]: each for document in trace.documents for each in _flat(document)}
    children: dict[str, list[TraceDocument]] = {}
    for each in known.values():
        children.setdefault(each.get("parent_id", ""), []).append(each)
    for document in known.values():
        metadata = _metadata(document)
        if (
            "handler" in metadata
            and "service" in metadata
            and "end_time" in document
            and _is_about(document, run_id, children)
        ):
            yield _hop(trace.trace_id, document, known, children, run_id)


def _hop(
    trace_id: str,
    document: TraceDocument,
    known: Mapping[str, TraceDocument],
    children: Mapping[str, Sequence[TraceDocument]],
    run_id: str,
) -> Hop:
    metadata, causes = _metadata(document), _causes(known.values())
    steps = _steps(document, children, causes, run_id)
    function = _function_of(document, known)
    inits = [each for each in children.get(function, []) if each.get("name") in _INITIALISATION]
    steps = [*(_step(each, {}, causes, run_id) for each in inits), *steps]
    upstreams = [
        metadata
        for metadata in map(_metadata, _below(document, children))
        if metadata.keys() & {"upstream", "upstream_trace"}
    ]
    upstream = next((each for each in upstreams if run_id in str(each.get("run_id", run_id)).split()), {})
    return Hop(
        service=str(metadata["service"]),
        handler=str(metadata["handler"]),
        trace_id=trace_id,
        segment_id=function,
        began=min([_micro(document["start_time"]), *(step.began for step in steps)]),
        ended=_micro(document["end_time"]),
        metadata={name: value for name, value in metadata.items() if name not in _OF_THE_HOP},
        cold_start=bool(metadata.get("cold_start")),
        upstream=str(upstream.get("upstream", "")),
        upstream_trace=str(upstream.get("upstream_trace", "")),
        failure=_failure(document),
        cause=_cause(document, causes),
        steps=steps,
    )


def _function_of(document: TraceDocument, known: Mapping[str, TraceDocument]) -> str:
    """Id of the function's own segment; in a local cloud it is known from its subsegments alone."""
    parent = str(document.get("parent_id", ""))
    while parent in known and known[parent].get("origin") != "AWS::Lambda::Function" and "parent_id" in known[parent]:
        parent = str(known[parent]["parent_id"])
    return parent


def _is_about(document: TraceDocument, run_id: str, children: Mapping[str, Sequence[TraceDocument]]) -> bool:
    return any(names_run(each, run_id) for each in _below(document, children))


def _steps(
    document: TraceDocument, children: Mapping[str, Sequence[TraceDocument]], causes: Mapping[str, str], run_id: str
) -> list[Step]:
    inner = [each for each in children.get(document["id"], []) if not each.get("inferred")]
    mine = [each for each in inner if run_id in str(_metadata(each).get("run_id", run_id)).split()]
    return sorted((_step(each, children, causes, run_id) for each in mine), key=lambda step: (step.began, step.ended))


def _step(
    document: TraceDocument, children: Mapping[str, Sequence[TraceDocument]], causes: Mapping[str, str], run_id: str
) -> Step:
    aws, metadata = document.get("aws", {}), _metadata(document)
    name = document["name"] + (f" {aws['operation']}" if "operation" in aws else "")
    status = document.get("http", {}).get("response", {}).get("status")
    began = _micro(document["start_time"])
    return Step(
        name=name,
        began=began,
        ended=_micro(document["end_time"]) if "end_time" in document else began,
        metadata={name: value for name, value in metadata.items() if name not in _OF_THE_HOP}
        | ({"status": status} if status else {})
        | {name: aws[name] for name in ("retries",) if name in aws},
        about=_about(aws),
        failure=_failure(document) or ("" if "end_time" in document else "fault"),
        cause=_cause(document, causes) if "end_time" in document else "it did not end",
        steps=_steps(document, children, causes, run_id),
    )


def _about(aws: Mapping[str, Any]) -> str:
    """The table without the stage's name before it, the key, the topic."""
    if "table_name" in aws:
        return str(aws["table_name"]).rsplit("-", 1)[-1]
    return str(aws.get("key") or str(aws.get("topic_arn", "")).rsplit(":", 1)[-1])


def _failure(document: TraceDocument) -> str:
    return next((failure for failure in ("fault", "throttle", "error") if document.get(failure)), "")


def _causes(documents: Iterable[TraceDocument]) -> dict[str, str]:
    """Id of an exception -> its class and words."""
    exceptions = (
        each
        for document in documents
        if isinstance(document.get("cause"), Mapping)
        for each in document["cause"].get("exceptions", [])
    )
    return {
        each["id"]: f"{each.get('type', 'error')}: {each.get('message', '')}" for each in exceptions if "id" in each
    }


def _cause(document: TraceDocument, causes: Mapping[str, str]) -> str:
    """Why it failed. A cause that is an id only points at the step within that has it."""
    cause = document.get("cause")
    if isinstance(cause, Mapping):
        return "; ".join(causes.get(each.get("id", ""), "") for each in cause.get("exceptions", []))
    return str(_metadata(document).get("reason", "")) if document.get("fault") and cause is None else ""


def _metadata(document: TraceDocument) -> dict[str, Any]:
    return {**document.get("annotations", {}), **document.get("metadata", {}).get("default", {})}


def _below(document: TraceDocument, children: Mapping[str, Sequence[TraceDocument]]) -> Iterator[TraceDocument]:
    yield document
    for each in children.get(document["id"], []):
        yield from _below(each, children)


def _flat(document: TraceDocument) -> Iterator[TraceDocument]:
    """A document and those nested in it, which then name their parent like those that were sent by themselves."""
    yield {name: value for name, value in document.items() if name != "subsegments"}
    for each in document.get("subsegments", []):
        yield from _flat({"parent_id": document["id"], **each})


def _micro(seconds: float) -> int:
    return round(seconds * 1_000_000)
