"""From documents to a tree: small traces, in whole seconds, as X-Ray gives them and as the local collector does."""

from collections.abc import Mapping
from typing import Any

from infra.tracing.hops import find_hops
from infra.tracing.journey import Branch, Gap, Journey, as_map, journey
from infra.tracing.store import Trace

SUNDAY, MONDAY = "2020-10-25T17:00:00Z", "2020-10-26T17:00:00Z"
SECOND = 1_000_000


def subsegment(key: str, parent: str, name: str, began: float, ended: float, **more: Any) -> dict[str, Any]:
    return {"id": key, "parent_id": parent, "name": name, "start_time": began, "end_time": ended, **more}


def handler(
    key: str, service: str, name: str, began: float, ended: float, *, run_id: str = SUNDAY, **more: Any
) -> dict[str, Any]:
    annotations = {"service": service, "handler": name, "stage": "test", "run_id": run_id}
    return subsegment(key, f"F{key}", name, began, ended, annotations=annotations | more.pop("says", {}), **more)


def call(
    ident: str, parent: str, service: str, operation: str, began: float, ended: float, **aws: str
) -> dict[str, Any]:
    call = {"operation": operation, **aws}
    return subsegment(ident, parent, service, began, ended, namespace="aws", aws=call)


def trace(key: str, *documents: Mapping[str, Any]) -> Trace:
    return Trace(trace_id=key, documents=documents)


FETCH = trace(
    "T1",
    handler("a", "fetcher", "fetch", 0, 4, says={"upstream": "schedule", "cold_start": True}),
    call("a1", "a", "S3", "PutObject", 1, 2, bucket_name="data", key=f"raw/us-covid/{SUNDAY}/nyt.csv"),
    call("a2", "a", "S3", "PutObject", 1, 3, bucket_name="data", key=f"raw/us-covid/{SUNDAY}/jhu.csv"),
)
ARRIVED = trace(
    "T2",
    handler(
        "b", "merger", "on_feed_arrived", 5, 9, says={"upstream": "fetcher", "upstream_trace": "T1/Fa", "feed": "jhu"}
    ),
    subsegment("b1", "b", "merge", 6, 7, metadata={"default": {"rows": 285}}),
    call("b2", "b", "DynamoDB", "TransactWriteItems", 7, 8, table_name="covid-stats-test-runs"),
)
MAILED = trace(
    "T3",
    handler("c", "notifier", "on_run_ended", 12, 13),
    subsegment(
        "c1",
        "c",
        "mail",
        12,
        13,
        annotations={"run_id": SUNDAY, "upstream": "merger", "upstream_trace": "T2/Fb", "state": "COMMITTED"},
    ),
)
WHOLE = [FETCH, ARRIVED, MAILED]


def tree(found: Journey) -> list[tuple[int, str]]:
    return [(branch.depth, branch.hop.name) for branch in found.branches]


def look(*traces: Trace) -> Journey:
    return journey(SUNDAY, find_hops(traces, SUNDAY))


def test_each_hop_hangs_below_the_one_that_it_continues() -> None:
    assert tree(look(*WHOLE)) == [(0, "fetcher.fetch"), (1, "merger.on_feed_arrived"), (2, "notifier.on_run_ended")]


def test_the_order_in_which_traces_come_is_of_no_matter() -> None:
    assert look(*reversed(WHOLE)) == look(*WHOLE)


def test_queueing_begins_at_the_call_that_passed_the_run_on() -> None:
    assert [(branch.waited, branch.after) for branch in look(*WHOLE).branches] == [
        (None, "schedule"),
        (2 * SECOND, f"S3 PutObject raw/us-covid/{SUNDAY}/jhu.csv"),
        (4 * SECOND, "DynamoDB TransactWriteItems runs"),
    ]


def test_work_and_gaps_add_up_to_the_whole() -> None:
    found = look(*WHOLE)
    assert found.gaps == [
        Gap(began=4 * SECOND, ended=5 * SECOND, waiting_for="queue", before="merger.on_feed_arrived"),
        Gap(began=9 * SECOND, ended=12 * SECOND, waiting_for="queue", before="notifier.on_run_ended"),
    ]
    assert (found.took, found.work, found.waits) == (13 * SECOND, 9 * SECOND, {"queue": 4 * SECOND})


def test_hops_at_the_same_time_count_once() -> None:
    other = trace(
        "T4", handler("d", "api", "refresh_views", 8, 11, says={"upstream": "merger", "upstream_trace": "T2/Fb"})
    )
    found = look(*WHOLE, other)
    assert (found.took, found.work, found.waits) == (13 * SECOND, 11 * SECOND, {"queue": 2 * SECOND})
    assert tree(found)[2:] == [(2, "api.refresh_views"), (2, "notifier.on_run_ended")]


def test_an_event_that_overtakes_the_answer_to_its_cause_has_not_waited() -> None:
    early = trace(
        "T2", handler("b", "merger", "on_feed_arrived", 2.5, 9, says={"upstream_trace": "T1/Fa", "feed": "jhu"})
    )
    [_, branch] = look(FETCH, early).branches
    assert (branch.waited, branch.after) == (0, f"S3 PutObject raw/us-covid/{SUNDAY}/jhu.csv")


def test_the_time_until_an_operator_is_no_queueing() -> None:
    operated = trace("T5", handler("e", "merger", "operate", 3600, 3602, says={"upstream": "operator"}))
    watched = trace("T6", handler("f", "merger", "watch", 1800, 1801, says={"upstream": "schedule"}))
    found = look(FETCH, operated, watched)
    assert found.waits == {"schedule": 1796 * SECOND, "operator": 1799 * SECOND}
    assert tree(found) == [(0, "fetcher.fetch"), (0, "merger.watch"), (0, "merger.operate")]


def test_of_a_batch_only_what_concerns_the_run_is_shown() -> None:
    batch = trace(
        "T7",
        handler("g", "notifier", "on_run_ended", 20, 24, run_id=f"{SUNDAY} {MONDAY}"),
        subsegment(
            "g1", "g", "mail", 20, 21, annotations={"run_id": MONDAY, "upstream": "merger", "upstream_trace": "T0/F0"}
        ),
        subsegment(
            "g2", "g", "mail", 22, 23, annotations={"run_id": SUNDAY, "upstream": "merger", "upstream_trace": "T2/Fb"}
        ),
    )
    found = look(*WHOLE[:2], batch)
    [branch] = [branch for branch in found.branches if branch.hop.service == "notifier"]
    assert [step.began for step in branch.hop.steps] == [22 * SECOND]
    assert (branch.depth, branch.hop.upstream_trace) == (2, "T2/Fb")


def test_what_another_run_did_is_not_there() -> None:
    other = trace("T8", handler("h", "fetcher", "fetch", 0, 1, run_id=MONDAY))
    assert tree(look(other)) == []


def test_an_invocation_whose_upstream_is_not_traced_hangs_at_the_root() -> None:
    assert tree(look(MAILED)) == [(0, "notifier.on_run_ended")]


def test_two_that_name_each_other_are_shown_once_each() -> None:
    one = trace("T1", handler("a", "merger", "operate", 0, 1, says={"upstream_trace": "T2/Fb"}))
    other = trace("T2", handler("b", "fetcher", "fetch", 2, 3, says={"upstream_trace": "T1/Fa"}))
    assert tree(look(one, other)) == [(0, "merger.operate"), (1, "fetcher.fetch")]


def test_a_retry_is_a_hop_of_its_own() -> None:
    retried = trace("T1", *FETCH.documents, handler("z", "fetcher", "fetch", 60, 61))
    assert [hop.segment_id for hop in look(retried).hops] == ["Fa", "Fz"]


def test_a_fault_has_its_cause_where_it_happened_and_is_a_fault_where_it_passed() -> None:
    cause = {"exceptions": [{"id": "x1", "type": "GateClosed", "message": "3 of 280 rows would be removed"}]}
    failed = trace(
        "T2",
        handler("b", "merger", "on_feed_arrived", 5, 9, fault=True, cause="x1"),
        subsegment("b1", "b", "gate", 6, 7, fault=True, cause=cause),
    )
    [hop] = look(failed).hops
    assert (hop.failure, hop.cause, [step.cause for step in hop.faults]) == (
        "fault",
        "",
        ["GateClosed: 3 of 280 rows would be removed"],
    )


def test_what_lambda_itself_records_is_taken_in() -> None:
    """On AWS the function has a segment of its own, with its initialisation, and the service one around it."""
    service = {
        "id": "S1",
        "name": "covid-stats-fetcher-prod-fetch",
        "origin": "AWS::Lambda",
        "start_time": -3,
        "end_time": 5,
    }
    function = subsegment("Fa", "S1", "covid-stats-fetcher-prod-fetch", -2, 5, origin="AWS::Lambda::Function")
    inner = [
        subsegment("I1", "Fa", "Initialization", -2, -1),
        subsegment("I2", "Fa", "Invocation", -0.5, 4.5),
        subsegment("I3", "Fa", "Overhead", 4.5, 5),
    ]
    inferred = {**call("a9", "a1", "S3", "", 1, 2), "inferred": True, "origin": "AWS::S3::Bucket"}
    [hop] = look(trace("T1", service, {**function, "subsegments": inner}, *FETCH.documents, inferred)).hops
    assert (hop.segment_id, hop.began, hop.ended) == ("Fa", -2 * SECOND, 4 * SECOND)
    assert [step.name for step in hop.steps] == ["Initialization", "S3 PutObject", "S3 PutObject"]
    assert hop.cold_start


def test_our_subsegments_nested_in_the_functions_document_are_found() -> None:
    nested = {"id": "Fa", "name": "f", "origin": "AWS::Lambda::Function", "start_time": 0, "end_time": 5}
    sub = {name: value for name, value in FETCH.documents[0].items() if name != "parent_id"}
    invocation = {"id": "I2", "name": "Invocation", "start_time": 0, "end_time": 5, "subsegments": [sub]}
    [hop] = look(trace("T1", {**nested, "subsegments": [invocation]})).hops
    assert (hop.name, hop.segment_id) == ("fetcher.fetch", "Fa")


def test_a_step_that_did_not_end_is_a_fault() -> None:
    unfinished = {name: value for name, value in subsegment("a5", "a", "merge", 2, 3).items() if name != "end_time"}
    [hop] = look(trace("T1", FETCH.documents[0], unfinished)).hops
    assert [(step.failure, step.cause) for step in hop.steps] == [("fault", "it did not end")]


def test_nothing_is_a_journey_too() -> None:
    found = look()
    assert (found.branches, found.took, found.work, found.waits) == ([], 0, 0, {})
    assert as_map(found)["hops"] == []


def test_the_tree_for_machines() -> None:
    shown = as_map(look(*WHOLE))
    assert {name: shown[name] for name in ("total_ms", "work_ms", "waiting_ms")} == {
        "total_ms": 13_000.0,
        "work_ms": 9_000.0,
        "waiting_ms": {"queue": 4_000.0},
    }
    assert sum(gap["ms"] for gap in shown["gaps"]) + shown["work_ms"] == shown["total_ms"]
    assert shown["hops"][1] == {
        "name": "merger.on_feed_arrived",
        "depth": 1,
        "at_ms": 5_000.0,
        "ms": 4_000.0,
        "waited_ms": 2_000.0,
        "after": f"S3 PutObject raw/us-covid/{SUNDAY}/jhu.csv",
        "upstream": "fetcher",
        "upstream_trace": "T1/Fa",
        "trace_id": "T2",
        "segment_id": "Fb",
        "cold_start": False,
        "failure": "",
        "cause": "",
        "metadata": {"feed": "jhu"},
        "steps": [
            {"name": "merge", "at_ms": 6_000.0, "ms": 1_000.0, "metadata": {"rows": 285}},
            {"name": "DynamoDB TransactWriteItems", "at_ms": 7_000.0, "ms": 1_000.0, "about": "runs"},
        ],
    }


def test_a_branch_is_what_it_says() -> None:
    branch: Branch = look(*WHOLE).branches[0]
    assert (branch.hop.cold_start, branch.hop.upstream, branch.waited) == (True, "schedule", None)
