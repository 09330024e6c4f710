"""A run's events twice, at once, or in the other order: one merge, one commit, one mail."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from infra.local.chain import Chain, scheduled_event
from infra.local.day_folders import Day
from shared import keys
from shared.runs import State, parse_time
from tests.cloud.stage_days import Days
from tests.shared.declared import US_COVID
from tests.shared.in_memory import event

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("cloud")]


def arrived(chain: Chain, day: Day, feed: str) -> dict[str, Any]:
    """EventBridge's event for a raw file."""
    created: dict[str, Any] = event("s3_object_created")
    created["detail"]["bucket"]["name"] = chain.stage.place.bucket
    created["detail"]["object"]["key"] = keys.raw_key("us-covid", day.fetch_at, feed)
    return created


def send(chain: Chain, calls: Sequence[tuple[str, str, dict[str, Any]]]) -> None:
    """Invoke functions, all at once; none may raise."""
    with ThreadPoolExecutor(len(calls)) as pool:
        list(pool.map(lambda call: chain.stage.invoke(*call), calls))


def test_the_same_events_again_change_nothing(steady: Chain, days: Days) -> None:
    day = days.next()
    done = steady.carry(day)
    before = steady.stage.ledger.get(day.fetch_at)
    repeated = [("merger", "on_feed_arrived", arrived(steady, day, feed)) for feed in ("nyt", "jhu", "nyt", "jhu")]
    send(steady, [*repeated, ("fetcher", "fetch", scheduled_event(day.fetch_at))])
    after = steady.stage.ledger.get(day.fetch_at)
    assert (done.run.state, before.attempts, after.attempts) == (State.COMMITTED, 1, 1)
    assert after.state is State.COMMITTED
    assert steady.stage.change_set(day.fetch_at) == done.change_set
    assert [mail.kind for mail in done.mails] == ["digest"]
    assert [mail.kind for mail in steady.carry(days.next()).mails] == ["digest"], "the next day's, and none before it"


def test_the_scheduled_event_twice_at_once_is_one_run(steady: Chain, days: Days) -> None:
    day = days.next()
    steady.feeds.publish(day.read(), at=parse_time(day.fetch_at))
    send(steady, [("fetcher", "fetch", scheduled_event(day.fetch_at))] * 2)
    run = steady.await_end(day.fetch_at)
    assert (run.state, run.attempts, run.added) == (State.COMMITTED, 1, 1)
    assert [mail.kind for mail in steady.await_mails(day.fetch_at)] == ["digest"]
    assert [mail.kind for mail in steady.carry(days.next()).mails] == ["digest"]


@pytest.mark.parametrize("order", [("nyt", "jhu"), ("jhu", "nyt")], ids=" then ".join)
def test_feeds_may_arrive_in_any_order_and_late(steady: Chain, days: Days, order: tuple[str, str]) -> None:
    day, s3 = days.next(), steady.stage.client("s3")
    for feed in order:
        assert steady.stage.ledger.head().head < day.fetch_at, "nothing happens before the last feed is there"
        body = day.read()[US_COVID.feed(feed).file_name]
        s3.put_object(Bucket=steady.stage.place.bucket, Key=keys.raw_key("us-covid", day.fetch_at, feed), Body=body)
        send(steady, [("merger", "on_feed_arrived", arrived(steady, day, feed))] * 2)
    run = steady.await_end(day.fetch_at)
    assert (run.state, run.attempts, run.added) == (State.COMMITTED, 1, 1)
    assert [mail.kind for mail in steady.await_mails(day.fetch_at)] == ["digest"]


def test_an_older_run_that_comes_late_never_overwrites_a_newer_one(steady: Chain, days: Days) -> None:
    older, newer = days.next(), days.next()
    first = steady.carry(newer)
    head = steady.stage.ledger.head()
    late = steady.carry(older)
    assert (first.run.state, late.run.state) == (State.COMMITTED, State.SUPERSEDED)
    assert late.mails == []
    assert steady.stage.ledger.head() == head
    assert steady.await_views() == newer.fetch_at
