"""Feeds that did not come are fetched again, until the deadline: the watch has the fetcher try, by an event.

An outage of a minute at the scheduled time must not cost the day. The event may be lost or come twice: the next watch
sends another, and the fetcher fetches only what has not arrived.
"""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.dataset import Dataset
from shared.errors import UpstreamUnavailable
from shared.events import FEED_WANTED, SOURCE
from shared.runs import Delivery, Run, State, parse_time, run_id_at
from shared.tracing import current_header

_FETCH_TAKES = dt.timedelta(minutes=15)
"""A fetch of which nothing is known after so long has died: its function is killed after five minutes."""


@dataclass(frozen=True, kw_only=True)
class WantFeeds:
    """Feeds of a run are to be fetched again."""

    run_id: str
    feeds: tuple[str, ...]
    """Names of what is missing and may be requested again, in order."""
    time: str
    """When that was decided, as a run id."""


type FetchAgain = Callable[[WantFeeds], None]


def feeds_wanted(run: Run, now: dt.datetime, *, dataset: Dataset) -> WantFeeds | None:
    """What is missing of a run that is collecting, and may be requested now; None where there is nothing."""
    if run.state is not State.COLLECTING:
        return None
    began = parse_time(run.known_from or run.run_id)
    missing = sorted(dataset.feed_names - run.arrived)
    feeds = tuple(feed for feed in missing if _is_due(run.deliveries.get(feed), now, began=began))
    return WantFeeds(run_id=run.run_id, feeds=feeds, time=run_id_at(now)) if feeds else None


def _is_due(delivery: Delivery | None, now: dt.datetime, *, began: dt.datetime) -> bool:
    if delivery is None or delivery.status != "failed":
        return now - began >= _FETCH_TAKES
    if delivery.last_requested and now <= parse_time(delivery.last_requested):
        return False
    return not delivery.retry_after or now >= parse_time(delivery.retry_after)


def how_often(delivery: Delivery) -> str:
    """` (requested 3 times, first at ..., last at ...)`; empty where that is not known."""
    if not delivery.requests:
        return ""
    if delivery.requests == 1:
        return f" (requested once, at {delivery.first_requested})"
    times = f"{delivery.requests:,} times, first at {delivery.first_requested}, last at {delivery.last_requested}"
    return f" (requested {times})"


def send_event(events: Any, *, stage: str, dataset: str) -> FetchAgain:
    """By EventBridge's default bus. Raises UpstreamUnavailable where it does not take the event."""

    def send(wanted: WantFeeds) -> None:
        detail = {
            "stage": stage,
            "dataset": dataset,
            "run_id": wanted.run_id,
            "feeds": list(wanted.feeds),
            "time": wanted.time,
            "trace": current_header(),
        }
        entry = {"Source": SOURCE, "DetailType": FEED_WANTED, "Detail": json.dumps(detail)}
        reply = events.put_events(Entries=[entry])
        if reply["FailedEntryCount"]:
            why = reply["Entries"][0].get("ErrorCode", "no reason")
            raise UpstreamUnavailable(f"EventBridge refuses the event that wants feeds of run {wanted.run_id}: {why}")

    return send
