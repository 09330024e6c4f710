"""A run's id, and a run as the ledger has it."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import EventMalformed
from shared.runs import Delivery, Run, State, parse_time, run_id_at


@given(st.datetimes(timezones=st.timezones()))
def test_an_id_says_its_time_in_utc_to_the_second(time: dt.datetime) -> None:
    try:
        utc = time.astimezone(dt.UTC)
    except OverflowError:
        return
    assert parse_time(run_id_at(time)) == utc.replace(microsecond=0)


@given(st.datetimes(timezones=st.just(dt.UTC)), st.datetimes(timezones=st.just(dt.UTC)))
def test_ids_are_in_the_order_of_their_times(one: dt.datetime, other: dt.datetime) -> None:
    one, other = one.replace(microsecond=0), other.replace(microsecond=0)
    assert (run_id_at(one) < run_id_at(other)) == (one < other)


@pytest.mark.parametrize(
    "text",
    [
        None,
        3,
        "",
        "2020-10-25",
        "2020-10-25T17:00:00",
        "2020-13-25T17:00:00Z",
        "2020-10-25T17:00:00z",
        "2020-10-25 17:00:00Z",
    ],
)
def test_any_other_time_is_malformed(text: object) -> None:
    with pytest.raises(EventMalformed, match="is not a time like 2020-10-25T17:00:00Z"):
        parse_time(text)


def test_the_ends_of_a_run_are_all_states_but_the_two_it_goes_through() -> None:
    assert {state for state in State if not state.ended} == {State.COLLECTING, State.MERGING}


def test_a_run_is_read_from_an_item_that_knows_more_than_it() -> None:
    values = {
        "dataset": "us-covid",
        "run_id": "2020-10-25T17:00:00Z",
        "state": "COLLECTING",
        "deliveries": {"nyt": {"status": "new", "bytes": 3, "of_a_later_version": 1}},
        "of_a_later_version": True,
    }
    assert Run.from_values(values) == Run(
        run_id="2020-10-25T17:00:00Z",
        state=State.COLLECTING,
        deliveries={"nyt": Delivery(status="new", bytes=3)},
    )


def test_a_delivery_as_a_map_leaves_out_what_is_empty() -> None:
    assert Delivery(status="failed", reason="HTTP 404").as_map() == {"status": "failed", "reason": "HTTP 404"}
