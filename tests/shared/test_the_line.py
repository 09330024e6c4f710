"""The canonical line of an invocation, and the trace that says the same."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from shared.errors import EventMalformed
from shared.observation import Line, invocation
from shared.tracing import Span
from shared.version import VERSION
from tests.shared.lambda_process import Process

CONTEXT = SimpleNamespace(aws_request_id="request-1")


def printed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_an_invocation_writes_one_line_with_its_fields_and_its_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    with invocation(service="merger", handler="watch", stage="test", context=CONTEXT) as line:
        line.bind(run_id="2020-10-25T17:00:00Z")
        line.measure("Count", rows_added=1)
        line.measure("Bytes", bytes_read=562_225)
    [fields] = printed(capsys)
    directive = fields.pop("_aws")
    assert (fields.pop("duration") >= 0, fields.pop("cold_start") in (True, False)) == (True, True)
    assert fields == {
        "event": "invocation",
        "version": VERSION,
        "service": "merger",
        "handler": "watch",
        "stage": "test",
        "trace_id": "",
        "request_id": "request-1",
        "run_id": "2020-10-25T17:00:00Z",
        "rows_added": 1,
        "bytes_read": 562_225,
        "outcome": "ok",
        "errors": 0,
        "invocations": 1,
    }
    assert directive["CloudWatchMetrics"] == [
        {
            "Namespace": "covid-stats",
            "Dimensions": [["stage", "service", "handler"]],
            "Metrics": [
                {"Name": "rows_added", "Unit": "Count"},
                {"Name": "bytes_read", "Unit": "Bytes"},
                {"Name": "duration", "Unit": "Milliseconds"},
                {"Name": "errors", "Unit": "Count"},
                {"Name": "invocations", "Unit": "Count"},
            ],
        }
    ]


def test_an_error_is_raised_on_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    def handler() -> None:
        with invocation(service="merger", handler="operate", stage="test", context=CONTEXT) as line:
            line.bind(outcome="merged")
            raise EventMalformed("seen is {'by': 'arn:aws:iam::123456789012:user/ann'}")

    with pytest.raises(EventMalformed):
        handler()
    [fields] = printed(capsys)
    assert (fields["outcome"], fields["errors"]) == ("EventMalformed", 1)
    assert fields["error"] == "seen is {'by': 'arn:aws:iam::123456789012:...'}"


def test_an_error_that_goes_no_further_is_told_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    with invocation(service="api", handler="serve", stage="test", context=CONTEXT) as line:
        line.fail(ZeroDivisionError("division by zero"))
    [fields] = printed(capsys)
    assert (fields["outcome"], fields["error"], fields["errors"]) == ("ZeroDivisionError", "division by zero", 1)


def test_only_the_first_invocation_of_a_process_is_cold(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        with invocation(service="api", handler="serve", stage="test", context=CONTEXT):
            pass
    assert [line["cold_start"] for line in printed(capsys)][1:] == [False, False]


def test_a_field_is_cut_and_scrubbed() -> None:
    line = Line(Span(None), reason="x" * 5000, source="https://host/us.csv?token=s3cret")
    fields = json.loads(line.render(epoch_ms=0))
    assert (len(fields["reason"]), fields["source"]) == (2000, "https://host/...?...")


def test_a_text_with_line_breaks_stays_one_line() -> None:
    assert "\n" not in Line(Span(None), reason="one\ntwo").render(epoch_ms=0)


def test_the_line_names_its_trace_and_the_trace_says_what_the_line_says(
    process: Process, capsys: pytest.CaptureFixture[str]
) -> None:
    process.invocation()
    with invocation(service="merger", handler="watch", stage="test", context=CONTEXT) as line:
        line.bind(run_id="2020-10-25T17:00:00Z", state="COMMITTED", ended="")
        line.measure("Count", rows_added=1)
    [fields] = printed(capsys)
    [document] = process.documents(at_least=1)
    assert fields["trace_id"] == document["trace_id"]
    cold = {"cold_start": True} if fields["cold_start"] else {"cold_start": False}
    assert document["annotations"] == {
        "service": "merger",
        "handler": "watch",
        "stage": "test",
        "run_id": "2020-10-25T17:00:00Z",
        "state": "COMMITTED",
        "outcome": "ok",
        **cold,
    }
    assert document["metadata"]["default"] | {"duration": 0} == {
        "request_id": "request-1",
        "rows_added": 1,
        "duration": 0,
        "errors": 0,
        "invocations": 1,
    }
