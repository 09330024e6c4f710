"""Reading events."""

import datetime as dt

import pytest

from shared.errors import EventMalformed
from shared.events import Event, member, scheduled_time
from tests.shared.in_memory import event


def test_a_member_is_found_by_its_path() -> None:
    assert member(event("s3_object_created"), "detail", "object", "key") == "raw/us-covid/2020-10-25T17:00:00Z/nyt.csv"


@pytest.mark.parametrize("lacking", [None, [], "text", {}, {"detail": None}, {"detail": {"object": []}}])
def test_a_member_that_is_missing_is_named_by_its_path(lacking: object) -> None:
    with pytest.raises(EventMalformed, match=r"^the event has no detail\.object\.key; seen is "):
        member(lacking, "detail", "object", "key")


def test_a_scheduled_event_says_its_time() -> None:
    time = dt.datetime(2020, 10, 25, 17, tzinfo=dt.UTC)
    assert (scheduled_time(event("scheduled")), scheduled_time({"time": "2020-10-25T17:00:00Z"})) == (time, time)


@pytest.mark.parametrize("malformed", [None, {}, {"time": 5}, {"time": "17:00"}])
def test_without_a_time_a_scheduled_event_is_malformed(malformed: object) -> None:
    with pytest.raises(EventMalformed):
        scheduled_time(malformed)


@pytest.mark.parametrize("anything", [None, 3, {"Records": []}])
def test_an_event_is_handed_on_as_it_came(anything: object) -> None:
    assert Event(anything, "context").to_dict() is anything
