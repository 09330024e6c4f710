"""The one line of an invocation: a log record that is its metrics too."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from shared.errors import UpstreamUnavailable
from shared.observation import Line, invocation
from shared.tracing import Span


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    [line] = capsys.readouterr().out.splitlines()
    fields: dict[str, Any] = json.loads(line)
    return fields


def test_fields_and_metrics_stand_side_by_side_and_the_metrics_are_declared() -> None:
    line = Line(Span(None), service="fetcher", stage="test")
    line.bind(run_id="2020-10-25T17:00:00Z", absent=None)
    line.measure("Bytes", bytes_nyt=4954)
    line.measure("Count", feeds_failed=0)
    assert json.loads(line.render(epoch_ms=1_603_645_200_000)) == {
        "_aws": {
            "Timestamp": 1_603_645_200_000,
            "CloudWatchMetrics": [
                {
                    "Namespace": "covid-stats",
                    "Dimensions": [["stage", "service", "handler"]],
                    "Metrics": [
                        {"Name": "bytes_nyt", "Unit": "Bytes"},
                        {"Name": "feeds_failed", "Unit": "Count"},
                    ],
                }
            ],
        },
        "service": "fetcher",
        "stage": "test",
        "run_id": "2020-10-25T17:00:00Z",
        "absent": None,
        "bytes_nyt": 4954,
        "feeds_failed": 0,
    }


def test_an_invocation_prints_one_line_when_all_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    context = SimpleNamespace(aws_request_id="7f1c")
    with invocation(service="fetcher", handler="fetch", stage="test", context=context) as line:
        line.bind(run_id="2020-10-25T17:00:00Z")
    fields = printed(capsys)
    named = {name: fields[name] for name in ("service", "handler", "stage", "request_id", "run_id", "outcome")}
    assert named == {
        "service": "fetcher",
        "handler": "fetch",
        "stage": "test",
        "request_id": "7f1c",
        "run_id": "2020-10-25T17:00:00Z",
        "outcome": "ok",
    }
    assert (fields["errors"], fields["invocations"]) == (0, 1)
    assert {"Name": "duration", "Unit": "Milliseconds"} in fields["_aws"]["CloudWatchMetrics"][0]["Metrics"]


def test_an_outcome_that_the_handler_says_stays(capsys: pytest.CaptureFixture[str]) -> None:
    with invocation(service="merger", handler="watch", stage="test") as line:
        line.bind(outcome="waiting")
    assert printed(capsys)["outcome"] == "waiting"


def test_an_error_is_on_the_line_and_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with invocation(service="fetcher", handler="fetch", stage="test"):
            raise UpstreamUnavailable("HTTP 503 " + "x" * 3000)

    with pytest.raises(UpstreamUnavailable):
        fail()
    fields = printed(capsys)
    assert (fields["outcome"], fields["errors"], fields["error"][:9], len(fields["error"])) == (
        "UpstreamUnavailable",
        1,
        "HTTP 503 ",
        2000,
    )


def test_only_the_first_invocation_of_a_process_is_a_cold_start(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        with invocation(service="fetcher", handler="fetch", stage="test"):
            pass
    assert json.loads(capsys.readouterr().out.splitlines()[1])["cold_start"] is False
