"""Events about runs that ended: what they say, that they keep to the schema, and that they come at least once."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from chalicelib.event_bus import EventBus
from chalicelib.letterhead import Letterhead
from chalicelib.run_events import MOST_BYTES, kind_of, run_event
from shared.attributes import from_item
from shared.errors import UpstreamUnavailable
from shared.runs import Delivery, Run, State
from shared.sizes import FEED_REASON, REASON, SUMMARY, size
from shared.summary import Summary
from tests.notifier.schema_changes import breaks
from tests.shared.declared import US_COVID
from tests.shared.in_memory import event
from tests.shared.regions import REGIONS

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "infra" / "docs" / "event.schema.json").read_text())
PUBLISHED = ROOT / "tests" / "notifier" / "published_events"
LETTERHEAD = Letterhead(stage="prod", dataset=US_COVID, dashboard_url="https://stats.example")
ENDED = [state for state in State if state.ended]


def committed() -> Run:
    return Run.from_values(from_item(event("stream_committed")["Records"][0]["dynamodb"]["NewImage"]))


def ended(state: State, **values: Any) -> Run:
    return Run(run_id="2020-10-26T17:00:00Z", state=state, **values)


def detail_of(run: Run, letterhead: Letterhead = LETTERHEAD) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run_event(run, letterhead=letterhead).detail)
    jsonschema.validate(found, SCHEMA)
    return found


def largest_run() -> Run:
    """As much as the ledger takes of one: every sentence at its limit, in letters of four bytes and in quotes."""
    letters, quotes = "\U0001f600" * (FEED_REASON // 4), '"' * FEED_REASON
    summary = Summary.from_map(committed().summary).as_map()
    while size(summary) < SUMMARY:
        summary["warnings"] = [*summary["warnings"], letters, quotes]
    deliveries = {f"feed{n}": Delivery(status="failed", reason=letters) for n in range(70)}
    return replace(committed(), summary=summary, reason='"' * REASON, deliveries=deliveries)


def test_a_committed_run_says_what_its_digest_says() -> None:
    detail = detail_of(committed())
    latest = detail.pop("latest")
    assert detail == {
        "version": 1,
        "id": "prod/us-covid/2020-10-25T17:00:00Z/COMMITTED/1",
        "stage": "prod",
        "dataset": "us-covid",
        "title": US_COVID.title,
        "run_id": "2020-10-25T17:00:00Z",
        "state": "COMMITTED",
        "known_from": "2020-10-25T17:00:00Z",
        "base_run_id": committed().base_run_id,
        "reason": "",
        "text": "Cases +78,702, deaths +910, recoveries +31,229 on 24 Oct; 2 past days revised",
        "added": committed().added,
        "changed": committed().changed,
        "removed": 0,
        "warnings": detail["warnings"],
        "links": {
            "dashboard": "https://stats.example/",
            "run": "https://stats.example/runs/2020-10-25T17:00:00Z",
            "changes": "https://stats.example/runs/2020-10-25T17:00:00Z/changes",
        },
        "rows": committed().summary["rows"],
        "new_dates": 0,
        "revised_dates": 0,
        "largest_revision_percent": 0,
    }
    assert (latest["date"], set(latest["values"])) == ("2020-10-24", set(US_COVID.measure_names))


@pytest.mark.parametrize("state", ENDED)
def test_a_run_that_ended_in_any_way_keeps_to_the_schema(state: State) -> None:
    detail = detail_of(ended(state, reason="feed nyt, line 3: \x1b[2J 'x'" if state is State.REJECTED else ""))
    assert (detail["state"], kind_of(state)) == (state.value, f"Run {state.value.capitalize()}")
    if state is State.REJECTED:
        assert detail["text"] == "Run 2020-10-26T17:00:00Z ended REJECTED: feed nyt, line 3: ?[2J 'x'"


def test_a_run_that_ends_once_more_is_another_end() -> None:
    first = ended(State.INCOMPLETE)
    again = replace(first, redriven_at="2020-10-26T23:30:00Z")
    assert detail_of(first)["id"] != detail_of(again)["id"]


def test_several_series_are_named() -> None:
    latest = {"date": "2020-03-03", "series": "2 series", "beds": 9, "tests": None}
    summary = {
        "latest": latest, "latest_increments": {"beds": 1}, "rows": 4, "first_load": False, "added": [],
        "changed": [], "removed": [], "warnings": [], "recovered": [],
    }  # fmt: skip
    run = ended(State.COMMITTED, summary=summary)
    detail = detail_of(run, Letterhead(stage="dev", dataset=REGIONS))
    assert detail["latest"] == {
        "date": "2020-03-03",
        "series": "2 series",
        "values": {"beds": 9, "tests": None},
        "increments": {"beds": 1, "tests": None},
    }


def test_the_largest_run_that_the_ledger_takes_is_an_event_that_eventbridge_takes() -> None:
    """An entry has 256 KB for its source, its type and its detail, in UTF-8."""
    found = run_event(largest_run(), letterhead=LETTERHEAD)
    detail = json.loads(found.detail)
    jsonschema.validate(detail, SCHEMA)
    assert len(f"covid-stats{found.kind}{found.detail}".encode()) <= MOST_BYTES + 100 < 256 * 1024
    assert detail["warnings"][-1].startswith("... and ")


def test_a_bus_that_refuses_is_a_declared_error() -> None:
    class Refusing:
        def put_events(self, **_: Any) -> dict[str, Any]:
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]}

    with pytest.raises(UpstreamUnavailable, match=r"Run Committed of prod/.*: ThrottlingException"):
        EventBus(Refusing()).put(run_event(committed(), letterhead=LETTERHEAD))


# --- the schema ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(PUBLISHED.glob("*.json")), ids=lambda path: path.stem)
def test_the_schema_has_only_grown_since_it_was_published(path: Path) -> None:
    """A change that breaks a reader takes another version: then the schema as it was goes into the folder too."""
    published = json.loads(path.read_text())
    if published["properties"]["version"] == SCHEMA["properties"]["version"]:
        assert list(breaks(published, SCHEMA)) == []


def test_the_version_of_the_schema_is_published() -> None:
    assert (PUBLISHED / f"{SCHEMA['properties']['version']['const']}.json").exists()


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ({"required": []}, "need not be there any more"),
        ({"properties": {}}, "is gone"),
        ({"properties": SCHEMA["properties"] | {"added": {"type": ["integer", "string"]}}}, "may be string"),
        ({"properties": SCHEMA["properties"] | {"state": {"enum": ["COMMITTED", "LOST"]}}}, "may be LOST"),
        ({"properties": SCHEMA["properties"] | {"state": {"type": "string"}}}, "may be anything"),
        ({"properties": SCHEMA["properties"] | {"links": {"type": "object"}}}, "links.run is gone"),
        ({"properties": SCHEMA["properties"] | {"warnings": {"type": "array", "items": {}}}}, "items may be"),
    ],
)
def test_a_change_that_breaks_a_reader_is_seen(change: Mapping[str, Any], broken: str) -> None:
    assert any(broken in found for found in breaks(SCHEMA, {**SCHEMA, **change}))


def test_a_member_that_is_added_breaks_nobody() -> None:
    grown = {**SCHEMA, "properties": SCHEMA["properties"] | {"sources": {"type": "array"}}}
    assert list(breaks(SCHEMA, grown)) == []
