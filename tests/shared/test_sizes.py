"""What the ledger carries is bounded in bytes, also beyond ASCII: nothing from outside can outgrow an item."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.attributes import Value
from shared.errors import HeadMoved
from shared.ledger.items import Head
from shared.runs import State
from shared.sizes import SUMMARY, cut, size, whole
from shared.summary import Summary
from tests.proof.oversized import RUN, scenarios, wide_summary
from tests.shared.in_memory import Cloud
from tests.shared.refusing import transactions_are_cancelled


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


def test_a_summary_leaves_out_its_oldest_rows_where_it_would_be_too_large() -> None:
    carried = wide_summary().as_map()
    assert SUMMARY - 7_000 < size(carried) <= SUMMARY
    assert [len(carried[name]) for name in ("added", "changed", "removed")] == [4, 5, 5]
    assert {carried[name][-1]["date"] for name in ("added", "changed", "removed")} == {"2020-10-25"}
    assert {len(sentence.encode()) for sentence in carried["warnings"]} == {999}
    assert Summary.from_map(carried).as_map() == carried


@pytest.mark.parametrize(("name", "scenario"), list(scenarios()))
def test_nothing_outgrows_its_item(name: str, scenario: Callable[[Cloud], None], cloud: Cloud) -> None:
    scenario(cloud)


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
