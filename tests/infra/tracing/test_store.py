"""The two places where traces are kept, asked the same."""

import datetime as dt
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from infra.local import trace_collector
from infra.local.trace_collector import TraceCollector
from infra.tracing.store import FileStore, Trace, Window, XRayStore
from infra.waiting import wait_for

SUNDAY, MONDAY = "2020-10-25T17:00:00Z", "2020-10-26T17:00:00Z"
HEADER = b'{"format":"json","version":1}\n'


def document(trace: int, *, run_id: str = SUNDAY, **more: Any) -> dict[str, Any]:
    annotations = {"annotations": {"run_id": run_id}} if run_id else {}
    return {"id": f"{trace:016x}", "trace_id": f"1-5f95b290-{trace:024x}", "name": "fetch", **annotations, **more}


def trace_id(trace: int) -> str:
    return str(document(trace)["trace_id"])


# --- the collector ---------------------------------------------------------------------------------------------------


def send(collector: TraceCollector, *datagrams: bytes) -> None:
    host, port = collector.address.split(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        for datagram in datagrams:
            out.sendto(datagram, (host, int(port)))


def test_what_comes_before_there_is_a_file_is_kept_as_well(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    with TraceCollector() as collector:
        send(collector, HEADER + json.dumps(document(1)).encode())
        wait_for(lambda: collector._early, seconds=5, what="the first document")
        collector.keep_in(path)
        send(collector, HEADER + json.dumps(document(2)).encode())
    assert [json.loads(line) for line in path.read_text().splitlines()] == [document(1), document(2)]


def test_what_is_no_document_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    with TraceCollector() as collector:
        collector.keep_in(path)
        send(collector, b"noise", HEADER, HEADER + b"[1]", HEADER + b'{"no": "trace"}', b"\xff\xfe\n\xff")
        send(collector, HEADER + json.dumps(document(1)).encode())
        wait_for(lambda: path.read_text(), seconds=5, what="the document")
    assert [json.loads(line) for line in path.read_text().splitlines()] == [document(1)]


def test_two_collectors_have_addresses_of_their_own() -> None:
    with TraceCollector() as one, TraceCollector() as other:
        assert one.address != other.address


@pytest.mark.parametrize("before", [True, False])
def test_what_the_sdk_leaves_on_the_machine_is_removed_unless_it_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, before: bool
) -> None:
    marker = tmp_path / ".aws-xray"
    monkeypatch.setattr(trace_collector, "_SDK_MARKER", marker)
    if before:
        marker.mkdir()
    with TraceCollector():
        marker.mkdir(exist_ok=True)
        (marker / "initialized").touch()
    assert marker.exists() == before


# --- the file --------------------------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    nested = document(4, run_id="", subsegments=[document(5)])
    documents = [document(1), document(2, run_id=MONDAY), document(3, run_id=f"{SUNDAY} {MONDAY}"), nested]
    path = tmp_path / "traces.jsonl"
    path.write_text("".join(f"{json.dumps(each)}\n" for each in documents) + '{"half a li')
    return path


def test_a_run_is_found_by_its_id_in_batches_and_in_inner_steps_too(path: Path) -> None:
    assert FileStore(path).find(SUNDAY) == [trace_id(1), trace_id(3), trace_id(4)]
    assert FileStore(path).find(MONDAY) == [trace_id(2), trace_id(3)]
    assert FileStore(path).find("2020-10-2") == []


def test_traces_are_given_by_id_and_absent_ones_left_out(path: Path) -> None:
    assert FileStore(path).get([trace_id(2), trace_id(9), trace_id(2)]) == [
        Trace(trace_id=trace_id(2), documents=[document(2, run_id=MONDAY)])
    ]


def test_without_a_file_nothing_is_found(tmp_path: Path) -> None:
    assert FileStore(tmp_path / "none").find(SUNDAY) == []


# --- X-Ray -----------------------------------------------------------------------------------------------------------


class FakeXRay:
    """Answers like X-Ray, a trace a page; `requests` is what it got."""

    def __init__(self, *documents: dict[str, Any]) -> None:
        self._documents = documents
        self.requests: list[tuple[str, dict[str, Any]]] = []

    def get_paginator(self, name: str) -> "FakePaginator":
        return FakePaginator(self, name)

    def answer(self, name: str, arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
        self.requests.append((name, arguments))
        for each in self._documents:
            if name == "get_trace_summaries":
                yield {"TraceSummaries": [{"Id": each["trace_id"]}]}
            elif each["trace_id"] in arguments["TraceIds"]:
                segment = {"Id": each["id"], "Document": json.dumps(each)}
                yield {"Traces": [{"Id": each["trace_id"], "Segments": [segment]}]}


class FakePaginator:
    def __init__(self, xray: FakeXRay, name: str) -> None:
        self._xray, self._name = xray, name

    def paginate(self, **arguments: Any) -> Iterator[dict[str, Any]]:
        return self._xray.answer(self._name, arguments)


def at(hour: int) -> dt.datetime:
    return dt.datetime(2020, 10, 25, tzinfo=dt.UTC) + dt.timedelta(hours=hour)


def test_xray_is_searched_by_annotation_in_slices_of_six_hours() -> None:
    xray = FakeXRay(document(2), document(1))
    windows = [Window(since=at(17), until=at(25)), Window(since=at(40), until=at(41))]
    assert XRayStore(xray).find(SUNDAY, windows) == [trace_id(1), trace_id(2)]
    search = {"Sampling": False, "FilterExpression": f'annotation.run_id = "{SUNDAY}"'}
    assert xray.requests == [
        ("get_trace_summaries", {"StartTime": at(17), "EndTime": at(23)} | search),
        ("get_trace_summaries", {"StartTime": at(23), "EndTime": at(25)} | search),
        ("get_trace_summaries", {"StartTime": at(40), "EndTime": at(41)} | search),
    ]


def test_xray_gives_five_traces_at_once() -> None:
    documents = [document(n) for n in range(1, 8)]
    xray = FakeXRay(*documents)
    found = XRayStore(xray).get([trace_id(n) for n in range(1, 9)])
    assert found == [Trace(trace_id=trace_id(n), documents=[document(n)]) for n in range(1, 8)]
    assert [len(arguments["TraceIds"]) for _, arguments in xray.requests] == [5, 3]


def test_the_questions_are_such_as_the_real_client_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    client = boto3.client("xray", region_name="us-east-1")
    window = Window(since=at(17), until=at(18))
    with Stubber(client) as stubber:
        stubber.add_response(
            "get_trace_summaries", {"TraceSummaries": [{"Id": trace_id(1)}], "TracesProcessedCount": 1}
        )
        assert XRayStore(client).find(SUNDAY, [window]) == [trace_id(1)]
    with mock_aws():
        client.put_trace_segments(TraceSegmentDocuments=[json.dumps(document(1, start_time=1.5, end_time=2.5))])
        assert XRayStore(client).get([trace_id(1)]) == [
            Trace(trace_id=trace_id(1), documents=[document(1, start_time=1.5, end_time=2.5)])
        ]
