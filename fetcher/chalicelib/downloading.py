"""One GET of one feed, streamed into a file, within limits of size and time.

http.client is used bare: botocore loads it anyway, it looks at no proxy variables, and it lets the socket be
shut down when the time is up, which ends a body that trickles, and headers that never do. A read timeout does neither.

Nothing that a server sends is quoted in an error but for numbers and single headers, made printable and cut: the first
characters of what should have been an answer are nobody's reason.
"""

import contextlib
import datetime as dt
import http.client
import math
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from chalicelib.body_receiving import check_framing, receive
from chalicelib.connecting import allowed_numbers, connect
from chalicelib.feed_addresses import Address, FeedAddress, parse_address, redirect_target
from chalicelib.validators import Validators, http_date, validators_of
from shared.errors import FeedRefused, UpstreamUnavailable
from shared.printing import printable
from shared.scrubbing import scrub

_HEADERS = {"User-Agent": "covid-stats", "Accept": "text/csv, */*;q=0.5", "Accept-Encoding": "identity"}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LATER = frozenset({408, 425, 429})
"""The 4xx answers that say "later" rather than "no"."""
_LONGEST_WAIT = 7 * 24 * 3600.0
"""Seconds of a Retry-After; more is taken for this."""


@dataclass(frozen=True, kw_only=True)
class DownloadLimits:
    """How much of a server's time and bytes a feed may take."""

    max_bytes: int
    """Of the body, as it is sent and as it is unpacked."""
    total_seconds: float
    """For the whole feed: all attempts, redirects and pauses together."""
    attempts: int
    connect_seconds: float = 5
    silence_seconds: float = 20
    """Between two packets."""
    backoff_seconds: float = 1
    """Before the second attempt; doubled before each further one."""
    redirects: int = 5


@dataclass(frozen=True, kw_only=True)
class ReceivedBody:
    """A body that was received whole."""

    sha256: str
    bytes: int
    validators: Validators


def download(
    feed: FeedAddress, *, into: IO[bytes], known: Validators, limits: DownloadLimits, seconds: float, now: dt.datetime
) -> ReceivedBody | None:
    """GET the feed into a file that is emptied first; None for 304 Not Modified. `seconds` is what may be spent.

    `now` is the time for which it is fetched. Raises UpstreamUnavailable for silence, a break, a body shorter than
    announced, 5xx, 408, 425 and 429; FeedRefused for any other answer but 200, a redirect that is not allowed, a body
    that is too large or of a contradictory length, and an address that is not http(s).
    """
    into.seek(0)
    into.truncate()
    try:
        declared = parse_address(feed.url)
    except ValueError as error:
        raise FeedRefused(f"{feed.shown} is no http(s) address: {error}") from error
    address = declared
    with _time_limit(seconds, feed.shown) as limit:
        for _ in range(limits.redirects + 1):
            shown = feed.shown if address == declared else scrub(address.url)
            headers = _HEADERS | known.as_headers() | _credentials(declared, address)
            with _get(feed, declared, address, shown=shown, headers=headers, limits=limits, limit=limit) as response:
                if response.status in _REDIRECTS:
                    locations = response.headers.get_all("Location", [])
                    address = redirect_target(feed, address, locations, status=response.status)
                    continue
                if response.status == 304 and known.as_headers():
                    return None
                _check_status(response, shown=shown)
                check_framing(response, shown=shown, max_bytes=limits.max_bytes)
                received = receive(response, into=into, shown=shown, max_bytes=limits.max_bytes)
                return ReceivedBody(
                    sha256=received.sha256, bytes=received.bytes, validators=_validators(response, now=now)
                )
    raise FeedRefused(f"{feed.shown} redirects more than {limits.redirects} times")


def _credentials(declared: Address, address: Address) -> dict[str, str]:
    """The address's credentials are for the server that it names, and for no other."""
    if declared.authorization and declared.origin == address.origin:
        return {"Authorization": declared.authorization}
    return {}


class _Limit:
    """Shuts the socket it watches once the time is up."""

    def __init__(self) -> None:
        self.reached = False
        self._sock: socket.socket | None = None

    def watch(self, sock: socket.socket) -> None:
        self._sock = sock
        if self.reached:
            self.reach()
            raise TimeoutError("the time is up")

    def reach(self) -> None:
        self.reached = True
        if self._sock is not None:
            with contextlib.suppress(OSError):  # closed already, or not connected yet
                # Not SSLSocket's own method: it drops the TLS state from under the thread that is reading.
                socket.socket.shutdown(self._sock, socket.SHUT_RDWR)


@contextlib.contextmanager
def _time_limit(seconds: float, shown: str) -> Iterator[_Limit]:
    """Whatever the block ends with, once the time is up it ends with UpstreamUnavailable."""
    limit = _Limit()
    timer = threading.Timer(seconds, limit.reach)
    timer.daemon = True
    timer.start()
    late = UpstreamUnavailable(f"{shown} took longer than {seconds:g} s")
    try:
        yield limit
    except UpstreamUnavailable as error:
        raise (late if limit.reached else error) from error.__cause__
    finally:
        timer.cancel()
    if limit.reached:  # a shut socket looks like the end of a body of unannounced length
        raise late


@contextlib.contextmanager
def _get(
    feed: FeedAddress,
    declared: Address,
    address: Address,
    *,
    shown: str,
    headers: dict[str, str],
    limits: DownloadLimits,
    limit: _Limit,
) -> Iterator[http.client.HTTPResponse]:
    """The response, its body unread; network errors until the end of the block become UpstreamUnavailable."""
    connection: http.client.HTTPConnection | None = None
    try:
        allows = allowed_numbers(feed, declared, address)
        connection = connect(address, shown=shown, allows=allows, seconds=limits.connect_seconds, watch=limit.watch)
        connection.sock.settimeout(limits.silence_seconds)
        connection.request("GET", address.target, headers=headers)
        yield connection.getresponse()
    except TimeoutError as error:
        raise UpstreamUnavailable(f"{shown} was silent for too long") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise UpstreamUnavailable(f"{shown} cannot be read: {_why(error)}") from error
    finally:
        if connection is not None:
            connection.close()


_WHY = {
    http.client.RemoteDisconnected: "it closed the connection without an answer",
    http.client.BadStatusLine: "its answer is not HTTP",
    http.client.UnknownProtocol: "its answer is of an unknown version of HTTP",
    http.client.IncompleteRead: "it broke off before the last chunk",
    http.client.LineTooLong: "a line of its answer's head is too long",
    ssl.SSLEOFError: "it broke off without TLS's end",
}
"""In our words: http.client quotes what the server sent."""


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {printable(error.verify_message, most=120)}"
    known = next((why for kind, why in _WHY.items() if isinstance(error, kind)), "")
    if known:
        return known
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.strerror:
        return printable(error.strerror, most=120)
    return "its answer's head is malformed" if isinstance(error, ValueError) else type(error).__name__


def _check_status(response: http.client.HTTPResponse, *, shown: str) -> None:
    """Raises for an answer that is none."""
    status = response.status
    if status >= 500 or status in _LATER:
        raise UpstreamUnavailable(f"HTTP {status} from {shown}", wait_seconds=_wait_seconds(response))
    if status != 200:
        raise FeedRefused(f"HTTP {status} from {shown}")


def _wait_seconds(response: http.client.HTTPResponse) -> float:
    """What `Retry-After` says, in seconds or as a date (compared with the header `Date`); 0 where it says nothing."""
    text = (response.headers.get("Retry-After") or "").strip()[:64]
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST_WAIT)
    until, sent = http_date(text), http_date(response.headers.get("Date"))
    if until is None or sent is None:
        return 0
    return min(max(math.ceil((until - sent).total_seconds()), 0), _LONGEST_WAIT)


def _validators(response: http.client.HTTPResponse, *, now: dt.datetime) -> Validators:
    headers = response.headers
    return validators_of(headers.get("ETag"), headers.get("Last-Modified"), sent=headers.get("Date"), now=now)
