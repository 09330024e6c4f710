"""Days of all kinds, and what the system tells of them: every line as declared, every hop of every run in its tree."""

from collections.abc import Iterator
from typing import Any

import pytest

from infra.tracing.hops import Hop
from infra.tracing.log_fields import HANDLERS, METRICS, fields_always, fields_at_all
from shared.tracing import reference
from tests.infra.tracing import observed_days as days
from tests.infra.tracing.observed_days import ObservedDays
from tests.proof.small_feeds import pair
from tests.shared.declared import US_COVID
from tests.world import ANN, ENVIRONMENT


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObservedDays]:
    with days.observed(tmp_path_factory.mktemp("told")) as found:
        yield found


def name_of(line: dict[str, Any]) -> str:
    return f"{line['service']}.{line['handler']}"


def tree(observed: ObservedDays, run_id: str) -> list[tuple[int, str, object]]:
    """(depth, hop, state that it tells)"""
    return [(each.depth, each.hop.name, each.hop.metadata.get("state")) for each in observed.journeys[run_id].branches]


# --- lines -----------------------------------------------------------------------------------------------------------


def test_every_invocation_writes_exactly_one_line(observed: ObservedDays) -> None:
    assert [invocation.handler for invocation in observed.invocations if len(invocation.lines) != 1] == []


def test_every_handler_wrote_a_line(observed: ObservedDays) -> None:
    assert {name_of(line) for line in observed.lines} == set(HANDLERS)


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_line_holds_what_is_declared_of_its_handler_and_nothing_else(observed: ObservedDays, handler: str) -> None:
    always, at_all = fields_always(handler, US_COVID), fields_at_all(handler, US_COVID)
    for line in (line for line in observed.lines if name_of(line) == handler):
        names = line.keys() - {"_aws"}
        assert names <= at_all, line
        assert names >= always, line


@pytest.mark.parametrize("handler", HANDLERS)
def test_the_metrics_of_a_line_are_those_declared_with_their_units(observed: ObservedDays, handler: str) -> None:
    declared = {name: metric.unit for name, metric in METRICS.items()}
    for line in (line for line in observed.lines if name_of(line) == handler):
        [directive] = line["_aws"]["CloudWatchMetrics"]
        units = {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}
        assert units == {name: declared[name] for name in line.keys() & declared.keys()}
        assert all(isinstance(line[name], int | float) for name in units)
        assert directive["Dimensions"] == [["stage", "service", "handler"]]


def test_every_declared_metric_was_written(observed: ObservedDays) -> None:
    written = {name for line in observed.lines for name in line}
    assert METRICS.keys() - written == {"items_passed_over"}, "no item of these days is malformed"


def test_lines_name_no_person_and_hold_no_secret(observed: ObservedDays) -> None:
    secrets = [
        ANN,
        ANN.rpartition("/")[2] + '"',
        "user/",
        ENVIRONMENT["AWS_SECRET_ACCESS_KEY"] + '"',
        "X-Amz",
        "Credential",
    ]
    shown = [str(line).replace("'stage': 'test'", "") for line in observed.lines]
    assert [(secret, line) for secret in secrets for line in shown if secret in line] == []


def test_a_failed_fetch_a_rejection_and_what_the_gate_kept_out_are_counted(observed: ObservedDays) -> None:
    def of(handler: str, run_id: str) -> list[dict[str, Any]]:
        return [line for line in observed.lines if line["handler"] == handler and line.get("run_id") == run_id]

    first, again = of("fetch", days.REDRIVEN)
    assert (first["feeds_failed"], first["bytes_jhu"], first["age_jhu"]) == (1, 0, 86_400)
    assert (again["feeds_failed"], again["age_jhu"]) == (0, 0)
    [_, rejected] = of("on_feed_arrived", days.APPROVED)
    assert (rejected["state"], rejected["runs_rejected"], rejected["rows_rejected"]) == ("REJECTED", 1, 17)
    [approved] = of("operate", days.APPROVED)
    assert (approved["state"], approved["rows_added"], approved["rows_removed"]) == ("COMMITTED", 1, 16)


# --- traces ----------------------------------------------------------------------------------------------------------


def test_every_invocation_that_worked_on_a_run_is_in_its_tree(observed: ObservedDays) -> None:
    for run_id in days.RUNS:
        worked = {
            invocation.trace_id
            for invocation in observed.invocations
            for line in invocation.lines
            if run_id in line.get("run_id", "").split() or run_id in line.get("ended", "")
        }
        assert {hop.trace_id for hop in observed.journeys[run_id].hops} == worked


@pytest.mark.parametrize("run_id", days.RUNS)
def test_work_and_gaps_add_up_to_the_whole(observed: ObservedDays, run_id: str) -> None:
    found = observed.journeys[run_id]
    assert found.work + sum(gap.took for gap in found.gaps) == found.took == found.ended - found.began
    assert all(gap.took > 0 for gap in found.gaps)


@pytest.mark.parametrize("run_id", days.RUNS)
def test_every_hop_names_an_upstream_of_its_run_or_who_started_it(observed: ObservedDays, run_id: str) -> None:
    hops = observed.journeys[run_id].hops
    known = {hop.reference: hop.service for hop in hops}
    for hop in hops:
        if hop.upstream_trace:
            assert known[hop.upstream_trace] == hop.upstream
        else:
            assert hop.upstream in ("schedule", "operator")


def test_every_hops_segment_is_annotated(observed: ObservedDays) -> None:
    for document in observed.documents:
        annotations = document.get("annotations", {})
        if annotations.get("handler") not in (None, "serve", "watch"):
            assert {"run_id", "stage", "service", "state", "outcome", "cold_start"} - annotations.keys() == set(), (
                document
            )


def test_every_invocation_names_its_upstream(observed: ObservedDays) -> None:
    naming = {
        document["trace_id"] for document in observed.documents if document.get("annotations", {}).get("upstream")
    }
    assert {invocation.trace_id for invocation in observed.invocations} - naming == set()


def test_a_committed_run_goes_through_all_services(observed: ObservedDays) -> None:
    assert tree(observed, days.COMMITTED) == [
        (0, "fetcher.fetch", "COLLECTING"),
        (1, "merger.on_feed_arrived", "COLLECTING"),
        (1, "merger.on_feed_arrived", "COMMITTED"),
        (2, "notifier.on_run_ended", "COMMITTED"),
        (2, "api.refresh_views", "COMMITTED"),
    ]


def test_a_redriven_run_shows_both_attempts(observed: ObservedDays) -> None:
    assert tree(observed, days.REDRIVEN) == [
        (0, "fetcher.fetch", "COLLECTING"),
        (1, "merger.on_feed_arrived", "COLLECTING"),
        (0, "merger.watch", None),
        (1, "notifier.on_run_ended", "INCOMPLETE"),
        (0, "merger.operate", "COLLECTING"),
        (1, "fetcher.fetch", "COLLECTING"),
        (2, "merger.on_feed_arrived", "COMMITTED"),
        (3, "notifier.on_run_ended", "COMMITTED"),
        (3, "api.refresh_views", "COMMITTED"),
    ]


def test_an_approved_run_is_merged_by_the_command(observed: ObservedDays) -> None:
    assert tree(observed, days.APPROVED) == [
        (0, "fetcher.fetch", "COLLECTING"),
        (1, "merger.on_feed_arrived", "COLLECTING"),
        (1, "merger.on_feed_arrived", "REJECTED"),
        (2, "notifier.on_run_ended", "REJECTED"),
        (0, "merger.operate", "COMMITTED"),
        (1, "notifier.on_run_ended", "COMMITTED"),
        (1, "api.refresh_views", "COMMITTED"),
    ]


def test_a_run_whose_events_got_lost_is_driven_on_by_the_watch(observed: ObservedDays) -> None:
    assert tree(observed, days.DRIVEN_ON) == [
        (0, "fetcher.fetch", "COLLECTING"),
        (0, "merger.watch", None),
        (1, "notifier.on_run_ended", "COMMITTED"),
        (1, "api.refresh_views", "COMMITTED"),
    ]


def faults(hops: list[Hop]) -> list[str]:
    return [f"{hop.name}: {fault.cause}" for hop in hops for fault in hop.faults]


def test_what_failed_is_a_fault_with_its_cause(observed: ObservedDays) -> None:
    [fault] = faults(observed.journeys[days.INCOMPLETE].hops)
    assert fault.startswith("fetcher.fetch: FeedRefused: HTTP 404 from http://127.0.0.1")
    [gate] = faults(observed.journeys[days.APPROVED].hops)
    assert gate.startswith("merger.on_feed_arrived: GateClosed: 16 of 31 rows")
    [contract] = faults(observed.journeys[days.BROKEN].hops)
    assert contract.startswith("merger.on_feed_arrived: ContractBroken: feed nyt, line 36, column cases: '-5'")
    assert faults(observed.journeys[days.COMMITTED].hops) == []


def test_steps_say_how_many_bytes_and_rows_they_handled(observed: ObservedDays) -> None:
    steps = [step for hop in observed.journeys[days.COMMITTED].hops for outer in hop.steps for step in outer.walk()]
    metadata = {step.name: step.metadata for step in steps}
    raw = len(pair(30)["nyt"]), len(pair(30)["jhu"])
    assert sorted(
        step.metadata["sent"] for step in steps if step.about.startswith("raw/") and "sent" in step.metadata
    ) == sorted(raw)
    assert (metadata["merge"]["rows"], metadata["merge"]["bytes"], metadata["write_rows"]["rows"]) == (30, sum(raw), 30)
    assert sum("BatchWriteItem" in step.name for step in steps) == 2
    assert metadata["mail"]["kind"] == "digest"
    assert metadata["render"]["bytes"] > 0


def test_the_trace_header_is_in_the_raw_objects_metadata_and_the_ledger(observed: ObservedDays) -> None:
    fetch, _, merged, mailed, rendered = observed.journeys[days.COMMITTED].hops
    left = {where: reference(header) for where, header in observed.headers[days.COMMITTED].items()}
    assert left == {
        f"raw/us-covid/{days.COMMITTED}/nyt.csv": fetch.reference,
        f"raw/us-covid/{days.COMMITTED}/jhu.csv": fetch.reference,
        "fetcher": fetch.reference,
        "merger": merged.reference,
        "notifier": mailed.reference,
        "api": rendered.reference,
    }


def test_of_a_redriven_run_each_file_names_the_fetch_that_brought_it(observed: ObservedDays) -> None:
    fetches = [hop.reference for hop in observed.journeys[days.REDRIVEN].hops if hop.name == "fetcher.fetch"]
    left = {where: reference(header) for where, header in observed.headers[days.REDRIVEN].items()}
    assert [left[f"raw/us-covid/{days.REDRIVEN}/{feed}.csv"] for feed in ("nyt", "jhu")] == fetches


def test_every_metric_has_a_unit_of_cloudwatch() -> None:
    assert {metric.unit for metric in METRICS.values()} <= {"Count", "Bytes", "Milliseconds", "Seconds"}
