"""What is written down of a feed that did not come: why, since when it was requested, and when it may be again."""

import datetime as dt
import math

from shared.errors import FeedRefused, UpstreamUnavailable
from shared.printing import printable
from shared.runs import Delivery, run_id_at


def failed_delivery(
    error: UpstreamUnavailable | FeedRefused,
    *,
    before: Delivery | None,
    time: dt.datetime,
    took: dt.timedelta,
    source_url: str,
) -> Delivery:
    """`before` is what was written of the feed in this run already; the same request twice is counted once.

    A request is known by the time for which it was made, so that a repeated event changes nothing. `took` is how long
    it was tried.
    """
    at, requests, first = run_id_at(time), 1, run_id_at(time)
    if before is not None and before.status == "failed" and before.requests:
        repeated = before.last_requested >= at
        requests = before.requests + (0 if repeated else 1)
        first, at = before.first_requested, max(at, before.last_requested)
    return Delivery(
        status="failed",
        reason=printable(str(error)),
        source_url=source_url,
        requests=requests,
        first_requested=first,
        last_requested=at,
        retry_after=_retry_after(error, time + took),
    )


def _retry_after(error: UpstreamUnavailable | FeedRefused, now: dt.datetime) -> str:
    wait = error.wait_seconds if isinstance(error, UpstreamUnavailable) else 0
    try:
        return run_id_at(now + dt.timedelta(seconds=math.ceil(wait) + 1)) if wait else ""
    except OverflowError:
        return ""
