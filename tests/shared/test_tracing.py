"""What tracing sends, as the daemon gets it."""

import concurrent.futures
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shared.errors import GateClosed
from shared.tracing import Span, carried, first_subsegment, follow, own_trace, reference, subsegment, trace_id
from tests.shared.lambda_process import Process

ROOT = Path(__file__).parents[2]
HEADER = "Root=1-5f95b290-0123456789abcdef01234567;Parent=89abcdef01234567;Sampled=1"


def by_name(documents: list[Any]) -> dict[str, Any]:
    return {document["name"]: document for document in documents}


def test_a_step_is_sent_with_its_time_its_parent_and_what_it_says(process: Process) -> None:
    header = process.invocation()
    with first_subsegment("fetch", service="fetcher", handler="fetch") as span:
        with subsegment("collect", feed="nyt", bytes=6739):
            pass
        span.annotate(run_id="2020-10-25T17:00:00Z", rows=285, reason="", way=None)
    sent = by_name(process.documents(at_least=2))
    assert sent["fetch"]["annotations"] == {
        "service": "fetcher",
        "handler": "fetch",
        "run_id": "2020-10-25T17:00:00Z",
    }
    assert sent["fetch"]["metadata"] == {"default": {"rows": 285}}
    assert reference(header) == f"{sent['fetch']['trace_id']}/{sent['fetch']['parent_id']}"
    assert sent["collect"]["parent_id"] == sent["fetch"]["id"]
    assert sent["collect"]["annotations"] == {"feed": "nyt"}
    assert sent["collect"]["metadata"] == {"default": {"bytes": 6739}}
    assert sent["fetch"]["start_time"] <= sent["collect"]["start_time"] <= sent["collect"]["end_time"]


def test_a_step_is_sent_when_it_ends_and_not_when_the_invocation_does(process: Process) -> None:
    """Of an invocation that is killed, what it did until then is there."""
    process.invocation()
    with first_subsegment("merge_run"):
        with subsegment("merge"):
            pass
        assert [document["name"] for document in process.documents(at_least=1)] == ["merge"]


def test_an_exception_makes_a_fault_with_its_cause_told_once(process: Process) -> None:
    process.invocation()
    with pytest.raises(GateClosed), first_subsegment("on_feed_arrived"), subsegment("gate"):
        raise GateClosed("3 of 280 rows would be removed", rows=3)
    sent = by_name(process.documents(at_least=2))
    [exception] = sent["gate"]["cause"]["exceptions"]
    assert (sent["gate"]["fault"], exception["type"], exception["message"]) == (
        True,
        "GateClosed",
        "3 of 280 rows would be removed",
    )
    assert (sent["on_feed_arrived"]["fault"], sent["on_feed_arrived"]["cause"]) == (True, exception["id"])


def test_an_error_that_goes_no_further_is_a_fault_where_it_was_caught(process: Process) -> None:
    process.invocation()
    with first_subsegment("fetch"), subsegment("collect") as span:
        span.fail(ValueError("404 for https://host/feed.csv?token=secret"))
    sent = by_name(process.documents(at_least=2))
    assert sent["collect"]["cause"]["exceptions"][0]["message"] == "404 for https://host/...?..."
    assert "fault" not in sent["fetch"]


def test_who_is_followed_is_said_on_the_current_step(process: Process) -> None:
    process.invocation()
    with first_subsegment("on_feed_arrived"):
        follow("fetcher", HEADER, state="COLLECTING")
    with first_subsegment("watch"):
        follow("schedule")
    sent = by_name(process.documents(at_least=2))
    assert sent["on_feed_arrived"]["annotations"] == {
        "upstream": "fetcher",
        "upstream_trace": "1-5f95b290-0123456789abcdef01234567/89abcdef01234567",
        "state": "COLLECTING",
    }
    assert sent["watch"]["annotations"] == {"upstream": "schedule"}


def test_a_retry_in_the_same_trace_hangs_below_its_own_attempt(process: Process) -> None:
    first = process.invocation()
    with first_subsegment("first"):
        pass
    process.invocation(like=first)
    with first_subsegment("second"):
        pass
    sent = by_name(process.documents(at_least=2))
    assert sent["first"]["trace_id"] == sent["second"]["trace_id"]
    assert (sent["first"]["parent_id"], sent["second"]["parent_id"]) == (f"{1:016x}", f"{2:016x}")


def test_what_threads_do_belongs_to_the_step_that_started_them(process: Process) -> None:
    process.invocation()

    def work(name: str) -> None:
        with subsegment(name):
            pass

    with first_subsegment("fetch"), concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(carried(work), ["nyt", "jhu"]))
    sent = by_name(process.documents(at_least=3))
    assert {sent["nyt"]["parent_id"], sent["jhu"]["parent_id"]} == {sent["fetch"]["id"]}


def test_nothing_is_sent_where_the_invocation_is_not_sampled(process: Process) -> None:
    process.invocation(sampled=False)
    with first_subsegment("serve") as span:
        span.annotate(status=200)
        follow("viewer")
    process.invocation()
    with first_subsegment("marker"):
        pass
    assert [document["name"] for document in process.documents(at_least=1)] == ["marker"]


def test_outside_lambda_nothing_happens_and_the_sdk_is_not_imported() -> None:
    code = (
        "import sys; from shared.tracing import *; from shared import aws, tracing\n"
        "with tracing.first_subsegment('x') as span: span.annotate(a=1); span.fail(ValueError()); tracing.follow('y')\n"
        "assert tracing.carried(len) is len\n"
        "print([name for name in sys.modules if name.startswith('aws_xray_sdk')])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "_X_AMZN_TRACE_ID": HEADER},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == "[]\n"


def test_the_sdk_is_imported_by_one_module_alone() -> None:
    importing = [
        str(path.relative_to(ROOT))
        for folder in ("shared", "fetcher", "merger", "notifier", "api", "infra")
        for path in (ROOT / folder).rglob("*.py")
        if "vendor" not in path.parts
        and any(line.split()[:1] in (["from"], ["import"]) and "aws_xray_sdk" in line for line in path.open())
    ]
    assert importing == ["shared/tracing.py"]


def test_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", f"{HEADER};Lineage=1:6fc1a9:0")
    assert trace_id() == "1-5f95b290-0123456789abcdef01234567"
    assert own_trace("merger") == {"merger": f"{HEADER};Lineage=1:6fc1a9:0"}
    assert reference("") == reference("Root=1-2-3") == reference("nonsense") == ""
    monkeypatch.delenv("_X_AMZN_TRACE_ID")
    assert (trace_id(), own_trace("merger")) == ("", {})


def test_a_span_that_is_not_there_takes_everything() -> None:
    Span(None).annotate(rows=1)
    Span(None).fail(ValueError("nothing"))
