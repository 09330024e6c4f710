"""Where traces are kept: X-Ray, or the file of the local cloud's collector. Both are read in the same two steps."""

import datetime as dt
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

_PER_CALL = 5
"""Traces that X-Ray gives at once."""
_SLICE = dt.timedelta(hours=6)
"""X-Ray refuses searches over long times; so long is taken everywhere."""

type TraceDocument = Mapping[str, Any]
"""A segment or subsegment as X-Ray has it: https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html"""


@dataclass(frozen=True, kw_only=True)
class Trace:
    """One trace: what one invocation did, and its retries."""

    trace_id: str
    documents: Sequence[TraceDocument]
    """Segments, and subsegments that were sent by themselves; each may hold others in `subsegments`."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """A time in which to search."""

    since: dt.datetime
    until: dt.datetime

    def slices(self, length: dt.timedelta) -> "Iterator[Window]":
        since = self.since
        while since < self.until:
            yield Window(since=since, until=min(since + length, self.until))
            since += length


class TraceStore(Protocol):
    """What `make trace` asks of either."""

    def find(self, run_id: str, windows: Iterable[Window]) -> list[str]:
        """Ids of the traces with the annotation `run_id`, oldest first."""

    def get(self, trace_ids: Iterable[str]) -> list[Trace]:
        """The traces of these ids; those that are not there are left out."""


class XRayStore:
    """X-Ray of an account and region, by a boto3 client. It has traces of the last 30 days, with a delay of seconds."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def find(self, run_id: str, windows: Iterable[Window]) -> list[str]:
        pages = self._client.get_paginator("get_trace_summaries")
        found = dict[str, None]()
        for window in itertools.chain.from_iterable(each.slices(_SLICE) for each in windows):
            for page in pages.paginate(
                StartTime=window.since,
                EndTime=window.until,
                Sampling=False,
                FilterExpression=f'annotation.run_id = "{run_id}"',
            ):
                found |= dict.fromkeys(summary["Id"] for summary in page["TraceSummaries"])
        return sorted(found)  # an id begins with the time

    def get(self, trace_ids: Iterable[str]) -> list[Trace]:
        traces = []
        for some in itertools.batched(sorted(set(trace_ids)), _PER_CALL):
            for page in self._client.get_paginator("batch_get_traces").paginate(TraceIds=list(some)):
                traces += [
                    Trace(trace_id=trace["Id"], documents=[json.loads(each["Document"]) for each in trace["Segments"]])
                    for trace in page["Traces"]
                ]
        return traces


class FileStore:
    """What a local cloud's collector has kept. Windows are ignored: its traces are all recent."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, run_id: str, windows: Iterable[Window] = ()) -> list[str]:  # noqa: ARG002  # as X-Ray has it
        return sorted({document["trace_id"] for document in self._documents() if names_run(document, run_id)})

    def get(self, trace_ids: Iterable[str]) -> list[Trace]:
        documents: dict[str, list[TraceDocument]] = {trace_id: [] for trace_id in sorted(set(trace_ids))}
        for document in self._documents():
            if document["trace_id"] in documents:
                documents[document["trace_id"]].append(document)
        return [Trace(trace_id=trace_id, documents=found) for trace_id, found in documents.items() if found]

    def _documents(self) -> Iterator[TraceDocument]:
        try:
            with self._path.open(encoding="utf-8") as lines:
                for line in lines:
                    if line.endswith("\n"):  # else it is being written
                        yield json.loads(line)
        except FileNotFoundError:
            return


def names_run(document: TraceDocument, run_id: str) -> bool:
    """Whether it, or anything in it, is annotated with this run; a batch names several, with blanks between."""
    run_ids = str(document.get("annotations", {}).get("run_id", "")).split()
    return run_id in run_ids or any(names_run(each, run_id) for each in document.get("subsegments", []))
