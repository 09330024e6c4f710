"""What starts a fetch: the schedule, for a new run, or a run that lacks feeds, for those that are missing."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from shared.events import FEED_WANTED, member, scheduled_time
from shared.runs import parse_time, run_id_at


@dataclass(frozen=True, kw_only=True)
class FetchOrder:
    """Feeds of a run are to be fetched: all, or those that have not arrived."""

    run_id: str
    time: dt.datetime
    """When that was decided: the time of the schedule or of the watch."""
    again: bool = False
    trace: str = ""
    """Trace header of the invocation that wants them again."""


def fetch_order(event: object) -> FetchOrder:
    """From a scheduled event (`{"time": ...}` is enough), or from the event of feeds that are wanted again.

    Raises EventMalformed, naming what is wrong.
    """
    if not isinstance(event, Mapping) or event.get("detail-type") != FEED_WANTED:
        time = scheduled_time(event)
        return FetchOrder(run_id=run_id_at(time), time=time)
    run_id, time = member(event, "detail", "run_id"), parse_time(member(event, "detail", "time"))
    parse_time(run_id)
    trace = member(event, "detail").get("trace", "")
    return FetchOrder(run_id=run_id, time=time, again=True, trace=trace if isinstance(trace, str) else "")
