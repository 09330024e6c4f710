"""Texts that are far too long, beyond ASCII, at every place of the ledger that takes one: nothing outgrows an item."""

from collections.abc import Callable, Iterator

from shared.attributes import Value, to_item
from shared.ledger.items import FeedState, Head, Notice
from shared.runs import Delivery, State
from shared.sizes import ITEM, REASON, size
from shared.summary import LISTED, Summary
from tests.shared.in_memory import Cloud

RUN = "2020-10-25T17:00:00Z"
FEEDS = [f"feed-{n}" for n in range(70)]
LONG = "\N{SNOWMAN}" * 50_000
"""150 KB."""


def wide_summary() -> Summary:
    """As much as there can be of everything, in rows that are far too wide."""
    row = {"date": "2020-10-24", "series": LONG[:2000], "cases": 10**37, "increments": {"cases": 10**37}}
    rows = [row | {"date": f"2020-10-{day:02d}"} for day in range(1, LISTED + 1)]
    return Summary(
        latest=row,
        latest_increments={"cases": 10**37},
        rows=10**9,
        first_load=False,
        added=rows,
        changed=rows,
        removed=rows,
        warnings=[LONG] * (LISTED + 1),
        recovered=[LONG] * (LISTED + 1),
    )


def fill(cloud: Cloud) -> None:
    """A run with as much of everything as its item is asked to take, as the ledger writes each part of it."""
    delivery = Delivery(
        status="failed",
        reason=LONG,
        sha256="a" * 64,
        bytes=10**12,
        source_url=LONG,
        etag="\N{SNOWMAN}" * 100,
        last_modified="x" * 300,
    )
    ledger = cloud.ledger()
    ledger.begin(RUN)
    ledger.record_delivery(RUN, FEEDS[0], delivery)
    ledger.arrive(RUN, FEEDS[0])
    item = cloud.items()["us-covid", RUN]
    written = item["deliveries"][FEEDS[0]]
    deliveries: Value = dict.fromkeys(FEEDS, written)
    cloud.put(**to_item(item | {"deliveries": deliveries, "arrived": frozenset(FEEDS)}))


def a_full_run_commits(cloud: Cloud) -> None:
    fill(cloud)
    ledger = cloud.ledger()
    run = ledger.claim(RUN, owner="me", now=0, until=100)
    assert run is not None
    ledger.begin_writing(run, base="", now=0, until=100)
    ended: dict[str, Value] = {"state": State.COMMITTED, "summary": wide_summary().as_map(), "reason": LONG}
    ledger.commit(run, head=Head(head=RUN, latest=RUN), base="", ended=ended)
    kept = cloud.items()["us-covid", RUN]
    assert 330_000 < size(kept) < ITEM
    assert len(kept["reason"].encode()) <= REASON
    assert ledger.get(RUN).state is State.COMMITTED


def a_run_whose_every_feed_failed_at_length_ends(cloud: Cloud) -> None:
    fill(cloud)
    run = cloud.ledger().get(RUN)
    reason = "; ".join(delivery.reason for delivery in run.deliveries.values())
    assert cloud.ledger().end(run, {"state": State.INCOMPLETE, "reason": reason})
    assert cloud.ledger().get(RUN).state is State.INCOMPLETE


def a_notice_and_a_feed_state_are_bounded(cloud: Cloud) -> None:
    """A validator is whole or not there: a part of one would be another."""
    details: dict[str, Value] = {"feed": "jhu", "since": RUN, "days": 3, "sha256": "a", "source_url": LONG}
    cloud.ledger().notify(Notice(kind="stale", about="jhu#1", text=LONG, time=RUN, details=details))
    cloud.ledger().save_feed_state(
        FeedState(feed="jhu", sha256="a", source_url=LONG, etag=LONG, last_run_id=RUN, changed_run_id=RUN)
    )
    assert all(size(item) < 4_000 for item in cloud.items().values())
    assert cloud.ledger().feed_states()["jhu"].etag == ""


def scenarios() -> Iterator[tuple[str, Callable[[Cloud], None]]]:
    """(what happens, how to make it happen), each in an empty cloud."""
    yield "a run with everything at its limit commits", a_full_run_commits
    yield "a run whose every feed failed at length ends", a_run_whose_every_feed_failed_at_length_ends
    yield "a notice and a feed's state", a_notice_and_a_feed_state_are_bounded
