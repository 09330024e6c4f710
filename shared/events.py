"""Reading the events that start a handler: what is missing or of another shape is named.

Chalice's own event for schedules and rules takes an event apart before the handler is called, and fails with a
KeyError on one that lacks a field nobody reads. Handlers take this `Event` in its place
(`handler.event_class = Event`), so that every event reaches code which answers with a declared error.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from shared.errors import EventMalformed
from shared.runs import parse_time, run_id_at

_AHEAD = dt.timedelta(days=1)
"""Of the clock, at most: clocks differ, and a run may be started for tomorrow."""

SOURCE = "covid-stats"
"""What our own events on the default bus name as their source."""
FEED_WANTED = "Feed Wanted"
"""The kind of event by which the watch has feeds of a run fetched again that did not come."""


class Event:
    """An event as Lambda handed it over, not looked at yet."""

    def __init__(self, event: Any, context: Any) -> None:
        self._event, self.context = event, context

    def to_dict(self) -> Any:
        return self._event


def member(event: object, *path: str) -> Any:
    """What stands at this path of nested objects. Raises EventMalformed, naming the path."""
    found: Any = event
    for name in path:
        if not isinstance(found, Mapping) or name not in found:
            raise EventMalformed(f"the event has no {'.'.join(path)}; seen is {str(event)[:200]}")
        found = found[name]
    return found


def stream_records(event: object) -> list[object]:
    """The records of a DynamoDB stream's event. Raises EventMalformed."""
    records = member(event, "Records")
    if not isinstance(records, list):
        raise EventMalformed(f"Records is a {type(records).__name__}; a list is needed")
    return records


def ledger_dataset(record: object) -> str:
    """The dataset whose ledger a stream record is of; empty where it shows none."""
    try:
        partition = member(record, "dynamodb", "NewImage", "dataset", "S")
    except EventMalformed:
        return ""
    return partition.partition("#")[0] if isinstance(partition, str) else ""


def sequence_number(record: object) -> str:
    """What a partial batch response names a stream record by. Raises EventMalformed."""
    number = member(record, "dynamodb", "SequenceNumber")
    if not isinstance(number, str) or not number:
        raise EventMalformed(f"SequenceNumber is {str(number)[:80]!r}; text is needed")
    return number


def scheduled_time(event: object) -> dt.datetime:
    """The time for which a scheduled event was meant; `{"time": ...}` is enough. Raises EventMalformed."""
    return parse_time(member(event, "time"))


def not_ahead(time: dt.datetime, *, clock_ms: int) -> dt.datetime:
    """This time, where it is not more than a day ahead of the clock (milliseconds since 1970). Raises EventMalformed.

    A run of the future would be newer than all runs until then: none of them could commit.
    """
    latest = dt.datetime.fromtimestamp(clock_ms / 1000, tz=dt.UTC) + _AHEAD
    if time > latest:
        allowed = f"at most {run_id_at(latest)} is allowed"
        raise EventMalformed(f"the time {run_id_at(time)} is more than a day ahead; {allowed}")
    return time


def dataset_of(event: object) -> str:
    """The dataset that an event names, by itself or in its `detail`; empty where it names none."""
    if not isinstance(event, Mapping):
        return ""
    detail = event.get("detail")
    name = event.get("dataset") or (detail.get("dataset") if isinstance(detail, Mapping) else "")
    return name if isinstance(name, str) else ""
