"""Opening a connection to a checked address: names are resolved first, and the connection goes to what was checked.

A feed's server can choose where its redirects lead, and who runs a name can choose what it resolves to. Neither may
reach what only this function can reach: its own runtime on loopback, a link-local service, a private network.
"""

import functools
import http.client
import ipaddress
import socket
import ssl
from collections.abc import Callable, Sequence

from chalicelib.feed_addresses import Address, FeedAddress
from shared.errors import FeedRefused, UpstreamUnavailable

type _Number = ipaddress.IPv4Address | ipaddress.IPv6Address
type Allows = Callable[[_Number], bool]
"""Whether a connection may go to this address."""

_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""NAT64 (RFC 6052): the last 32 bits are an IPv4 address."""


def allowed_numbers(feed: FeedAddress, declared: Address, target: Address) -> Allows:
    """Where a request of this feed may connect to.

    The declared address itself: to what it says, in a number or as localhost, and what an operator has set goes
    anywhere. Any other name, and any redirect: to public addresses, or to loopback from an address on loopback.
    """
    if target == declared and (feed.by_operator or declared.number is not None or declared.on_loopback):
        return lambda number: True  # noqa: ARG005
    if target.on_loopback and declared.on_loopback:
        return lambda number: number.is_loopback
    return is_public


def is_public(number: _Number) -> bool:
    """Whether it is an address of the open Internet; one that carries another inside counts as both."""
    inner = _carried(number)
    plain = number.is_global and not number.is_multicast and not number.is_reserved
    return is_public(inner) if inner is not None else plain


def _carried(number: _Number) -> ipaddress.IPv4Address | None:
    if not isinstance(number, ipaddress.IPv6Address):
        return None
    if number in _TRANSLATED:
        return ipaddress.IPv4Address(int(number) & 0xFFFFFFFF)
    return number.ipv4_mapped or number.sixtofour or (number.teredo[1] if number.teredo else None)


def resolve(address: Address, *, shown: str, allows: Allows) -> Sequence[tuple[int, _Number]]:
    """(family, number) of everything that the host stands for, in the resolver's order.

    Raises FeedRefused where any of them is not allowed, UpstreamUnavailable where the name cannot be resolved.
    """
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UpstreamUnavailable(f"{shown} cannot be read: its name cannot be resolved") from error
    numbers = [(family, ipaddress.ip_address(place[0])) for family, _, _, _, place in found]
    if not numbers or not all(allows(number) for _, number in numbers):
        raise FeedRefused(f"{shown} leads into a private network, to loopback or to no address of the Internet")
    return numbers


def connect(
    address: Address, *, shown: str, allows: Allows, seconds: float, watch: Callable[[socket.socket], None]
) -> http.client.HTTPConnection:
    """A connection that stands, to the first of the host's addresses that answers.

    `seconds` for each of them, and for TLS; `watch` is given each socket, to shut it when the time is up. Raises
    OSError beside what `resolve` raises.
    """
    last: OSError = ConnectionError("there is no address")
    for family, number in resolve(address, shown=shown, allows=allows):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            watch(sock)
            sock.settimeout(seconds)
            sock.connect((str(number), address.port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return _speaking_http(address, sock, watch=watch)
        except OSError as error:
            sock.close()
            last = error
    raise last


def _speaking_http(
    address: Address, sock: socket.socket, *, watch: Callable[[socket.socket], None]
) -> http.client.HTTPConnection:
    connection: http.client.HTTPConnection
    if address.scheme == "http":
        connection = http.client.HTTPConnection(address.host, address.port)
    else:
        connection = http.client.HTTPSConnection(address.host, address.port, context=tls())
        # An end without TLS's own goodbye may be an attacker's: a body that ends with the connection is then cut short.
        sock = tls().wrap_socket(
            sock, server_hostname=address.host, do_handshake_on_connect=False, suppress_ragged_eofs=False
        )
        watch(sock)
        try:
            sock.do_handshake()
        except OSError:
            sock.close()
            raise
    connection.sock = sock
    return connection


@functools.cache
def tls() -> ssl.SSLContext:
    """Certificates and names are checked; HTTP/1.1 is what is spoken."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
