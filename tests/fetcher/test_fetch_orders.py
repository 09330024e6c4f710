"""What starts a fetch."""

import datetime as dt
from typing import Any

import pytest

from chalicelib.fetch_orders import FetchOrder, fetch_order
from shared.errors import EventMalformed
from tests.shared.in_memory import event

RUN = "2020-10-25T17:00:00Z"


def test_the_schedules_time_is_the_run() -> None:
    order = FetchOrder(run_id=RUN, time=dt.datetime(2020, 10, 25, 17, tzinfo=dt.UTC))
    assert (fetch_order(event("scheduled")), fetch_order({"time": RUN})) == (order, order)


def test_feeds_that_are_wanted_again_are_of_the_run_that_is_named_not_of_the_events_own_time() -> None:
    time = dt.datetime(2020, 10, 25, 18, tzinfo=dt.UTC)
    assert fetch_order(event("feed_wanted")) == FetchOrder(run_id=RUN, time=time, again=True)


@pytest.mark.parametrize(
    "detail", [None, {}, {"run_id": RUN}, {"run_id": "x", "time": RUN}, {"run_id": [RUN], "time": RUN}, {"time": RUN}]
)
def test_an_event_that_names_no_run_is_malformed(detail: Any) -> None:
    with pytest.raises(EventMalformed):
        fetch_order(event("feed_wanted") | {"detail": detail})
