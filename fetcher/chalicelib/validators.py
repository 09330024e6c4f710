"""What a server says of a version of a file, and how far that is believed.

A conditional request trusts the server to notice every change. An ETag is believed until it once stood still while the
bytes changed. A date is believed only once it was seen to move with the bytes, since one that stands still hides every
change from whoever asks by it; and never where it lies in the future or before 2000. After a week of "not modified" the
file is fetched in full all the same, so that whatever is wrong with a server comes out.
"""

import datetime as dt
import email.utils
from dataclasses import dataclass

from shared.ledger.items import FeedState
from shared.runs import parse_time

MOVES, STANDS = "moves", "stands"
"""How a validator was seen to behave when the bytes changed."""

_FIRST_YEAR = 2000
_AHEAD = dt.timedelta(days=1)
"""How far a server's clock may be ahead of the run's time."""
_RECHECK = dt.timedelta(days=7)
_MOST_KEPT = 256
"""Characters of a validator; a longer one is not kept: object metadata hold 2 KB in all."""


@dataclass(frozen=True, kw_only=True)
class Validators:
    """What a server said of a copy, to ask whether it is still the current one; empty where it said nothing."""

    etag: str = ""
    last_modified: str = ""

    def as_headers(self) -> dict[str, str]:
        """The ETag alone where there is one: two versions within a second have the same date."""
        if self.etag:
            return {"If-None-Match": self.etag}
        return {"If-Modified-Since": self.last_modified} if self.last_modified else {}


def validators_of(etag: str | None, last_modified: str | None, *, sent: str | None, now: dt.datetime) -> Validators:
    """From a response's headers; what cannot be one is as if it had not been sent.

    `sent` is the header `Date`, and `now` the time for which the request was meant.
    """
    changed, date = http_date(last_modified), http_date(sent)
    believable = changed is not None and changed.year >= _FIRST_YEAR and changed <= now + _AHEAD
    if changed is not None and date is not None and changed > date:
        believable = False
    return Validators(etag=_kept(etag), last_modified=_kept(last_modified) if believable else "")


def http_date(text: str | None) -> dt.datetime | None:
    """The time that an HTTP header says; None for what is none."""
    try:
        time = email.utils.parsedate_to_datetime((text or "")[:64])
        return time.replace(tzinfo=dt.UTC) if time.tzinfo is None else time.astimezone(dt.UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def to_ask_by(last: FeedState | None, *, source_url: str, run_id: str) -> Validators:
    """What to ask by, so that "not modified" can be believed; empty where the file is to be fetched in full."""
    if last is None or last.source_url != source_url:
        return Validators()
    since = parse_time(run_id) - parse_time(last.received_run_id or last.last_run_id)
    if since >= _RECHECK or since < dt.timedelta(0):
        return Validators()
    return Validators(
        etag=last.etag if last.etag_trust != STANDS else "",
        last_modified=last.last_modified if last.last_modified_trust == MOVES else "",
    )


def trust(was: str, *, old: str, new: str) -> str:
    """How far a validator is trusted once the bytes have changed: it was `old` with the last ones and is `new` now."""
    if not old or not new:
        return was
    if old == new:
        return STANDS
    return was or MOVES


def _kept(text: str | None) -> str:
    """The header, where it can go into object metadata as it is."""
    value = (text or "").strip()
    return value if value.isascii() and value.isprintable() and len(value) <= _MOST_KEPT else ""
