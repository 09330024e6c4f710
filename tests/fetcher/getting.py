"""Getting one feed from a server on loopback, with small limits."""

import datetime as dt
import hashlib
import io

from chalicelib.downloading import DownloadLimits, ReceivedBody, download
from chalicelib.feed_addresses import FeedAddress
from chalicelib.validators import Validators

LIMITS = DownloadLimits(max_bytes=1000, total_seconds=5, attempts=1, connect_seconds=1, silence_seconds=1)


NOW = dt.datetime(2020, 10, 25, 17, tzinfo=dt.UTC)


def get(
    url: str | FeedAddress, *, known: Validators | None = None, limits: DownloadLimits = LIMITS, seconds: float = 5
) -> tuple[ReceivedBody | None, bytes]:
    into = io.BytesIO(b"of an attempt before, and longer than what comes")
    feed = FeedAddress(url=url, shown=url) if isinstance(url, str) else url
    answer = download(feed, into=into, known=known or Validators(), limits=limits, seconds=seconds, now=NOW)
    return answer, into.getvalue()


def answer(content: bytes, **validators: str) -> ReceivedBody:
    return ReceivedBody(
        sha256=hashlib.sha256(content).hexdigest(), bytes=len(content), validators=Validators(**validators)
    )
