"""Where a feed is fetched from: addresses taken apart, shown without secrets, and where they may redirect to."""

import base64
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote, urljoin, urlsplit

from chalicelib.same_site import is_same_site
from shared.errors import FeedRefused
from shared.scrubbing import scrub

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, kw_only=True)
class Address:
    """An http(s) address in the parts that a request needs."""

    scheme: str
    host: str
    """In lower case and ASCII, without brackets; a name or a number."""
    port: int
    target: str
    """Path and query, quoted."""
    authorization: str = ""
    """The header's value, where the address has credentials."""

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def url(self) -> str:
        """Without credentials."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.target}"

    @property
    def number(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        """Where the host is a number rather than a name."""
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None

    @property
    def on_loopback(self) -> bool:
        """Whether the address itself says so; a name that resolves to loopback does not."""
        return self.number.is_loopback if self.number else self.host == "localhost"


@dataclass(frozen=True, kw_only=True)
class FeedAddress:
    """The address of a feed."""

    url: str
    """As it is used: it may hold secrets."""
    shown: str
    """What may be shown and kept of it."""
    by_operator: bool = False
    """Set for the stage rather than declared: it may lead into a private network by name."""
    redirect_hosts: frozenset[str] = frozenset()
    """Hosts of other sites that it may redirect to."""


def parse_address(url: str) -> Address:
    """The address in its parts. Raises ValueError, which quotes nothing of it, for what is no http(s) address."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS:
        raise ValueError("its scheme is neither http nor https")
    if any(letter <= " " or letter == "\x7f" for letter in parts.netloc):
        raise ValueError("its host holds blanks or control characters")
    try:
        host = (parts.hostname or "").encode("idna").decode().lower().rstrip(".")
        port = parts.port if parts.port is not None else _PORTS[parts.scheme]
    except ValueError:
        raise ValueError("its host or port is malformed") from None
    if not host or not port or not all(letter.isalnum() or letter in "-._:" for letter in host):
        raise ValueError("it names no host")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    query = f"?{quote(parts.query, safe='/%:@!$&()*+,;=~?')}" if parts.query else ""
    return Address(
        scheme=parts.scheme,
        host=host,
        port=port,
        target=(path if path.startswith("/") else f"/{path}") + query,
        authorization=_basic(parts.username, parts.password),
    )


def _basic(name: str | None, password: str | None) -> str:
    """RFC 7617; the credentials of an address are percent-encoded (RFC 3986, 3.2.1)."""
    if name is None and password is None:
        return ""
    pair = f"{unquote(name or '')}:{unquote(password or '')}"
    return f"Basic {base64.b64encode(pair.encode(errors='replace')).decode()}"


def redirect_target(feed: FeedAddress, current: Address, locations: Sequence[str], *, status: int) -> Address:
    """Where a redirect leads. Raises FeedRefused where that is nowhere, or not allowed.

    Allowed are the feed's own site and the hosts that are declared for it; never from https to http, and never with
    credentials of the server's choosing.
    """
    redirect = f"HTTP {status} from {feed.shown} redirects"
    if len(locations) != 1 or not locations[0]:
        raise FeedRefused(f"{redirect} to {'nowhere' if not any(locations) else 'several addresses'}")
    try:
        target = parse_address(urljoin(current.url, locations[0]))
    except ValueError as error:
        raise FeedRefused(f"{redirect} to what is no http(s) address: {error}") from error
    shown = scrub(target.url)
    if current.scheme == "https" != target.scheme:
        raise FeedRefused(f"{redirect} from https to {shown}")
    if target.authorization:
        raise FeedRefused(f"{redirect} to {shown}, with credentials in the address")
    if target.host not in feed.redirect_hosts and not _is_own_site(feed, target):
        raise FeedRefused(f"{redirect} to {shown}, which is another site: REDIRECT_HOSTS can allow its host")
    return target


def _is_own_site(feed: FeedAddress, target: Address) -> bool:
    own = parse_address(feed.url)
    if own.on_loopback or target.on_loopback:
        return own.on_loopback and target.on_loopback
    if own.number or target.number:
        return own.host == target.host
    return is_same_site(own.host, target.host)
