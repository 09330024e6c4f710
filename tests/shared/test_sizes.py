"""What the ledger carries is bounded in bytes, also beyond ASCII: nothing from outside can outgrow an item."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.attributes import Value, to_item
from shared.errors import HeadMoved
from shared.ledger.items import FeedState, Head, Notice
from shared.runs import Delivery, State
from shared.sizes import ITEM, REASON, SUMMARY, cut, size, whole
from shared.summary import LISTED, Summary
from tests.shared.in_memory import Cloud
from tests.shared.refusing import transactions_are_cancelled

RUN = "2020-10-25T17:00:00Z"
FEEDS = [f"feed-{n}" for n in range(70)]
LONG = "\N{SNOWMAN}" * 50_000
"""150 KB."""


@given(st.text(), st.integers(3, 40))
def test_a_text_is_cut_to_its_bytes_and_otherwise_as_it_is(text: str, most: int) -> None:
    shown = cut(text, most)
    assert len(shown.encode()) <= most
    assert (shown == text) is (len(text.encode()) <= most)


def test_no_half_of_a_character_is_left() -> None:
    assert [cut("ab\N{SNOWMAN}\N{SNOWMAN}", most) for most in (8, 7, 6, 5)] == [
        "ab\N{SNOWMAN}\N{SNOWMAN}",
        "ab...",
        "ab...",
        "ab...",
    ]
    assert (whole("\N{SNOWMAN}", 3), whole("\N{SNOWMAN}", 2)) == ("\N{SNOWMAN}", "")


def test_sizes_are_those_of_dynamodb() -> None:
    """As its guide counts them; a number is never taken for less."""
    values: list[Value] = ["\N{SNOWMAN}a", True, None, [], {}, ["a", "b"], {"ab": "c"}, frozenset({"ab"})]
    assert [size(value) for value in values] == [4, 1, 1, 3, 3, 7, 7, 6]
    assert size(12345678) == 10
    with pytest.raises(TypeError, match="float has no size"):
        size(1.5)  # type: ignore[arg-type]


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


def test_a_summary_leaves_out_its_oldest_rows_where_it_would_be_too_large() -> None:
    carried = wide_summary().as_map()
    assert SUMMARY - 7_000 < size(carried) <= SUMMARY
    assert [len(carried[name]) for name in ("added", "changed", "removed")] == [4, 5, 5]
    assert {carried[name][-1]["date"] for name in ("added", "changed", "removed")} == {"2020-10-25"}
    assert {len(sentence.encode()) for sentence in carried["warnings"]} == {999}
    assert Summary.from_map(carried).as_map() == carried


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


def test_a_run_with_everything_at_its_limit_fits_its_item_and_commits(cloud: Cloud) -> None:
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


def test_a_run_whose_every_feed_failed_at_length_ends(cloud: Cloud) -> None:
    fill(cloud)
    run = cloud.ledger().get(RUN)
    reason = "; ".join(delivery.reason for delivery in run.deliveries.values())
    assert cloud.ledger().end(run, {"state": State.INCOMPLETE, "reason": reason})
    assert cloud.ledger().get(RUN).state is State.INCOMPLETE


def test_a_notice_and_a_feed_state_are_bounded_and_a_validator_is_whole_or_not_there(cloud: Cloud) -> None:
    details: dict[str, Value] = {"feed": "jhu", "since": RUN, "days": 3, "sha256": "a", "source_url": LONG}
    cloud.ledger().notify(Notice(kind="stale", about="jhu#1", text=LONG, time=RUN, details=details))
    cloud.ledger().save_feed_state(
        FeedState(feed="jhu", sha256="a", source_url=LONG, etag=LONG, last_run_id=RUN, changed_run_id=RUN)
    )
    assert all(size(item) < 4_000 for item in cloud.items().values())
    assert cloud.ledger().feed_states()["jhu"].etag == ""


def test_a_transaction_that_is_cancelled_for_another_reason_is_no_head_that_moved(cloud: Cloud) -> None:
    """An item beyond the limit: it stays so, however often it is tried."""
    ledger = cloud.ledger()
    ledger.begin(RUN)
    run = ledger.claim(RUN, owner="me", now=0, until=100)
    assert run is not None
    ledger.begin_writing(run, base="", now=0, until=100)
    for reason, error in (("ConditionalCheckFailed", HeadMoved), ("ItemCollectionSizeLimitExceeded", None)):
        with (
            transactions_are_cancelled(cloud.dynamodb, reason),
            pytest.raises(error or cloud.dynamodb.exceptions.TransactionCanceledException),
        ):
            ledger.commit(run, head=Head(head=RUN), base="", ended={"state": State.COMMITTED})
