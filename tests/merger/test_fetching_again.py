"""Feeds that did not come are fetched again until the deadline: at the next watch, or when the server wants it."""

from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.runs.fetching_again import WantFeeds, feeds_wanted, how_often, send_event
from shared.errors import UpstreamUnavailable
from shared.runs import Delivery, Run, State, parse_time
from tests.proof.small_feeds import jhu, nyt, pair
from tests.proof.stories import a_day, at, carry, command, fetch, publish, watch
from tests.shared.declared import US_COVID
from tests.world import World, world

ROWS = 12
MORE = {"nyt": nyt(ROWS + 1), "jhu": jhu(ROWS + 1)}


@pytest.fixture(scope="module")
def deployment() -> Iterator[Any]:
    with world({"DEADLINE_HOURS": "6"}) as made:
        carry(made, a_day(1, pair(ROWS)))
        yield made, made.save()


def test_an_outage_at_the_scheduled_time_does_not_cost_the_day(system: World) -> None:
    carry(system, [publish(2, {}), fetch(2), publish(2, MORE), watch(2, "18:00:00")])
    assert system.run(at(2)).state is State.COMMITTED
    assert [mail.kind for mail in system.platform.mails[1:]] == ["digest"]


def test_only_what_is_missing_is_fetched_again(system: World) -> None:
    carry(system, [publish(2, {"nyt": nyt(ROWS + 1)}), fetch(2)])
    before = len(system.feeds.requests)
    carry(system, [publish(2, MORE), watch(2, "18:00:00")])
    names = [request.name for request in system.feeds.requests[before:]]
    assert names == ["us-covid/time-series-19-covid-combined.csv"]
    assert system.run(at(2)).state is State.COMMITTED


def test_the_reason_says_how_often_and_when_a_feed_was_requested(system: World) -> None:
    hours = [watch(2, f"{hour}:00:00") for hour in (18, 19, 23)]
    carry(system, [publish(2, {"nyt": nyt(ROWS + 1)}), fetch(2), *hours])
    run = system.run(at(2))
    assert run.state is State.INCOMPLETE
    assert run.reason.endswith(" (requested 3 times, first at 2020-03-02T17:00:00Z, last at 2020-03-02T19:00:00Z)")


def test_a_watch_beyond_the_deadline_ends_the_run_and_wants_nothing(system: World) -> None:
    carry(system, [publish(2, {"nyt": nyt(ROWS + 1)}), fetch(2), publish(2, MORE), watch(2)])
    run = system.run(at(2))
    assert run.state is State.INCOMPLETE
    assert run.reason.endswith(f" (requested once, at {at(2)})")


def test_a_fetcher_that_died_is_made_up_for(system: World) -> None:
    """The run has begun, and nothing more is known of it."""
    carry(system, [publish(2, MORE)])
    system.apps["fetcher"].collector().ledger.begin(at(2))
    carry(system, [watch(2, "17:10:00")])
    assert system.run(at(2)).deliveries == {}
    carry(system, [watch(2, "17:20:00")])
    assert system.run(at(2)).state is State.COMMITTED


def test_a_redriven_run_that_lacks_a_feed_is_looked_after_as_well(system: World) -> None:
    carry(system, [*a_day(2, {"nyt": nyt(ROWS + 1)}), command("redrive", 2, 3)])
    delivery = system.run(at(2)).deliveries["jhu"]
    assert (delivery.requests, delivery.last_requested) == (3, at(3, "20:00:00"))
    carry(system, [publish(3, MORE), watch(3, "21:00:00")])
    assert system.run(at(2)).state is State.COMMITTED


NOW = parse_time("2020-03-02T18:00:00Z")


def waiting(**deliveries: Delivery) -> Run:
    return Run(
        run_id=at(2), state=State.COLLECTING, known_from=at(2), arrived=frozenset({"nyt"}), deliveries=deliveries
    )


@pytest.mark.parametrize(
    ("run", "wanted"),
    [
        (waiting(), ("jhu",)),
        (waiting(jhu=Delivery(status="new")), ("jhu",)),
        (waiting(jhu=Delivery(status="failed", last_requested=at(2))), ("jhu",)),
        (waiting(jhu=Delivery(status="failed", last_requested=at(2, "18:00:00"))), None),
        (waiting(jhu=Delivery(status="failed", retry_after=at(2, "18:00:01"))), None),
        (waiting(jhu=Delivery(status="failed", retry_after=at(2, "18:00:00"))), ("jhu",)),
        (Run(run_id=at(2), state=State.COLLECTING), ("jhu", "nyt")),
        (Run(run_id=at(2), state=State.MERGING), None),
        (Run(run_id=at(2), state=State.INCOMPLETE), None),
    ],
)
def test_what_is_missing_is_wanted_unless_its_server_wants_to_be_left_alone(
    run: Run, wanted: tuple[str, ...] | None
) -> None:
    expected = WantFeeds(run_id=at(2), feeds=wanted, time=at(2, "18:00:00")) if wanted else None
    assert feeds_wanted(run, NOW, dataset=US_COVID) == expected


def test_what_is_known_of_no_request_is_not_said() -> None:
    assert how_often(Delivery(status="failed", reason="HTTP 404")) == ""


def test_an_event_that_the_bus_does_not_take_is_no_silence() -> None:
    class Full:
        def put_events(self, **_: Any) -> dict[str, Any]:
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]}

    send = send_event(Full(), stage="test", dataset="us-covid")
    with pytest.raises(UpstreamUnavailable, match=r"refuses the event .* of run .*: ThrottlingException$"):
        send(WantFeeds(run_id=at(2), feeds=("jhu",), time=at(2)))
