"""One GET of one feed, streamed into a file: every byte as it came, within limits of size and time.

http.client is used bare: botocore loads it anyway, it looks at no proxy variables, and it lets the socket be
shut down when the time is up, which ends a body that trickles, and headers that never do. A read timeout does neither.
"""

import contextlib
import hashlib
import http.client
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO
from urllib.parse import quote, urljoin, urlsplit

from shared.errors import FeedRefused, UpstreamUnavailable

_CHUNK = 256 * 1024
_HEADERS = {"User-Agent": "covid-stats", "Accept": "text/csv, */*;q=0.5", "Accept-Encoding": "identity"}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LATER = frozenset({408, 425, 429})
"""The 4xx answers that say "later" rather than "no"."""
_MOST_KEPT = 256
"""Characters of a validator; a longer one is not kept: object metadata hold 2 KB in all."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much of a server's time and bytes a feed may take."""

    max_bytes: int
    """Of the body."""
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
class Validators:
    """What a server said of a copy, to ask whether it is still the current one; empty where it said nothing."""

    etag: str = ""
    last_modified: str = ""

    def as_headers(self) -> dict[str, str]:
        """The ETag alone where there is one: two versions within a second have the same date."""
        if self.etag:
            return {"If-None-Match": self.etag}
        return {"If-Modified-Since": self.last_modified} if self.last_modified else {}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A body that was received whole."""

    sha256: str
    bytes: int
    validators: Validators


def download(url: str, *, into: IO[bytes], known: Validators, limits: Limits, seconds: float) -> Answer | None:
    """GET `url` into a file that is emptied first; None for 304 Not Modified. `seconds` is what may be spent.

    Raises UpstreamUnavailable for silence, a break, a body shorter than announced, 5xx, 408, 425 and 429;
    FeedRefused for any other answer but 200, a body that is too large or encoded, an address that is not http(s).
    """
    into.seek(0)
    into.truncate()
    address = url
    with _time_limit(seconds, url) as limit:
        for _ in range(limits.redirects + 1):
            with _get(address, headers=_HEADERS | known.as_headers(), limits=limits, limit=limit) as response:
                if response.status in _REDIRECTS:
                    address = _target(address, response)
                    continue
                if response.status == 304 and known.as_headers():
                    return None
                _check_head(address, response, max_bytes=limits.max_bytes)
                return _receive(address, response, into=into, max_bytes=limits.max_bytes)
    raise FeedRefused(f"{url} redirects more than {limits.redirects} times")


class _Limit:
    """Shuts the socket it watches once the time is up."""

    def __init__(self) -> None:
        self.reached = False
        self._sock: socket.socket | None = None

    def watch(self, sock: socket.socket) -> None:
        self._sock = sock
        if self.reached:
            self.reach()

    def reach(self) -> None:
        self.reached = True
        if self._sock is not None:
            with contextlib.suppress(OSError):  # closed already
                # Not SSLSocket's own method: it drops the TLS state from under the thread that is reading.
                socket.socket.shutdown(self._sock, socket.SHUT_RDWR)


@contextlib.contextmanager
def _time_limit(seconds: float, url: str) -> Iterator[_Limit]:
    """Whatever the block ends with, once the time is up it ends with UpstreamUnavailable."""
    limit = _Limit()
    timer = threading.Timer(seconds, limit.reach)
    timer.daemon = True
    timer.start()
    late = UpstreamUnavailable(f"{url} took longer than {seconds:g} s")
    try:
        yield limit
    except UpstreamUnavailable as error:
        raise (late if limit.reached else error) from error.__cause__
    finally:
        timer.cancel()
    if limit.reached:  # a shut socket looks like the end of a body of unannounced length
        raise late


@contextlib.contextmanager
def _get(url: str, *, headers: dict[str, str], limits: Limits, limit: _Limit) -> Iterator[http.client.HTTPResponse]:
    """The response, its body unread; network errors until the end of the block become UpstreamUnavailable."""
    connection, target = _connection(url, timeout=limits.connect_seconds)
    try:
        connection.connect()
        connection.sock.settimeout(limits.silence_seconds)
        limit.watch(connection.sock)
        connection.request("GET", target, headers=headers)
        yield connection.getresponse()
    except TimeoutError as error:
        raise UpstreamUnavailable(f"{url} was silent for too long ({error})") from error
    except (OSError, http.client.HTTPException) as error:
        raise UpstreamUnavailable(f"{url} cannot be read: {error or type(error).__name__}") from error
    finally:
        connection.close()


def _connection(url: str, *, timeout: float) -> tuple[http.client.HTTPConnection, str]:
    """A connection to the address's host, and the request target. Raises FeedRefused for an impossible address."""
    try:
        parts = urlsplit(url)
        kind = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}[parts.scheme]
        host = (parts.hostname or "").encode("idna").decode()
        if not host:
            raise ValueError("it names no host")
        connection = kind(host, parts.port, timeout=timeout)
    except (KeyError, ValueError, http.client.InvalidURL) as error:
        raise FeedRefused(f"{url[:200]!r} is no http(s) address") from error
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    return connection, path + (f"?{quote(parts.query, safe='/%:@!$&()*+,;=~?')}" if parts.query else "")


def _target(url: str, response: http.client.HTTPResponse) -> str:
    """Where the redirect leads. Raises FeedRefused where that is nowhere, or from https to anything else."""
    location = response.headers.get("Location", "")
    try:
        target = urljoin(url, location)
    except ValueError:
        target = ""
    if not location or not target or (url.startswith("https:") and not target.startswith("https:")):
        raise FeedRefused(f"HTTP {response.status} from {url} redirects to {location[:200]!r}")
    return target


def _check_head(url: str, response: http.client.HTTPResponse, *, max_bytes: int) -> None:
    """Raises for an answer whose body is not to be read."""
    status, encoding = response.status, response.headers.get("Content-Encoding", "identity")
    if status >= 500 or status in _LATER:
        raise UpstreamUnavailable(f"HTTP {status} from {url}")
    if status != 200:
        raise FeedRefused(f"HTTP {status} from {url}")
    if encoding.strip().lower() not in ("", "identity"):
        raise FeedRefused(f"{url} sends Content-Encoding {encoding[:40]!r}; asked was for identity")
    if (response.length or 0) > max_bytes:
        raise FeedRefused(f"{url} announces {response.length:,} bytes; at most {max_bytes:,} are taken")


def _receive(url: str, response: http.client.HTTPResponse, *, into: IO[bytes], max_bytes: int) -> Answer:
    announced, received, digest = response.length, 0, hashlib.sha256()
    while chunk := response.read(_CHUNK):
        received += len(chunk)
        if received > max_bytes:
            raise FeedRefused(f"{url} sends more than {max_bytes:,} bytes")
        digest.update(chunk)
        into.write(chunk)
    if announced is not None and received < announced:
        raise UpstreamUnavailable(f"{url} broke off after {received:,} of {announced:,} bytes")
    validators = Validators(etag=_kept(response, "ETag"), last_modified=_kept(response, "Last-Modified"))
    return Answer(sha256=digest.hexdigest(), bytes=received, validators=validators)


def _kept(response: http.client.HTTPResponse, header: str) -> str:
    """The header, where it can go into object metadata as it is; else as if it had not been sent."""
    value = (response.headers.get(header) or "").strip()
    return value if value.isascii() and value.isprintable() and len(value) <= _MOST_KEPT else ""
