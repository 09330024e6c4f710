"""Where a feed's address leads, and with which credentials: nowhere that its declaration does not want it to."""

import base64
import dataclasses
import ipaddress
import socket
from typing import Any

import pytest

from chalicelib.connecting import allowed_numbers, is_public, resolve
from chalicelib.feed_addresses import FeedAddress, parse_address
from shared.errors import FeedRefused
from tests.fetcher import scripted_server as scripted
from tests.fetcher.getting import get
from tests.fetcher.scripted_server import ScriptedServer


@pytest.mark.parametrize(
    "host", ["example.com", "10.0.0.1", "169.254.169.254", "[::ffff:10.0.0.1]", "0.0.0.0", "evil.test"]
)
def test_a_redirect_to_another_site_is_refused_and_followed_nowhere(server: ScriptedServer, host: str) -> None:
    url = server.reply("/us.csv", scripted.status(302, Location=f"http://{host}/s3cret/x.csv?token=s3cret"))
    with pytest.raises(FeedRefused, match=rf"^HTTP 302 from {url} redirects to http://.*, which is another site") as it:
        get(url)
    assert "s3cret" not in str(it.value)


@pytest.mark.parametrize("number", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "[::1]", "[fd00::1]", "100.64.0.1"])
def test_a_declared_host_that_leads_into_a_private_network_is_refused(server: ScriptedServer, number: str) -> None:
    """The declaration names it, and the redirect is followed that far; it is not connected to."""
    feed = FeedAddress(url="http://192.0.2.1/us.csv", shown="it", redirect_hosts=frozenset({number.strip("[]")}))
    declared, target = parse_address(feed.url), parse_address(f"http://{number}:1/")
    with pytest.raises(FeedRefused, match=r"^it leads into a private network, to loopback or to no address of the Int"):
        resolve(target, shown="it", allows=allowed_numbers(feed, declared, target))


def test_a_redirect_from_loopback_to_loopback_is_followed(server: ScriptedServer) -> None:
    there = server.reply("/new.csv", scripted.body(b"date\n")).replace("127.0.0.1", "localhost")
    assert get(server.reply("/us.csv", scripted.status(307, Location=there)))[1] == b"date\n"


def test_a_name_that_resolves_to_loopback_is_not_connected_to_unless_an_operator_set_it(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(server.url.rpartition(":")[2])
    server.reply("/us.csv", scripted.body(b"date\n"))
    real = socket.getaddrinfo

    def rebound(host: str, *arguments: Any, **named: Any) -> Any:
        return real("127.0.0.1" if host == "feeds.example.org" else host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    feed = FeedAddress(url=f"http://feeds.example.org:{port}/us.csv", shown="it")
    with pytest.raises(FeedRefused, match=r"^it leads into a private network"):
        get(feed)
    assert server.requests == []
    assert get(dataclasses.replace(feed, by_operator=True))[1] == b"date\n"


@pytest.mark.parametrize(
    ("number", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("64:ff9b::5db8:d822", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),
        ("::", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00:ec2::254", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("ff02::1", False),
    ],
)
def test_only_addresses_of_the_open_internet_are_public(number: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(number)) is public


def test_credentials_in_an_address_are_used_as_such(server: ScriptedServer) -> None:
    server.reply("/us.csv", scripted.body(b"date\n"))
    url = server.url.replace("//", "//ann:p%40ss%C3%A9@") + "/us.csv"
    assert get(FeedAddress(url=url, shown="it"))[1] == b"date\n"
    [(_, headers)] = server.requests
    assert base64.b64decode(headers["authorization"].removeprefix("Basic ")).decode() == "ann:p@ss\u00e9"
    assert "@" not in headers["host"]


def test_credentials_go_to_no_other_server(server: ScriptedServer) -> None:
    with scripted.serving() as other:
        other.reply("/us.csv", scripted.body(b"date\n"))
        server.reply("/us.csv", scripted.status(302, Location="/moved.csv"))
        server.reply("/moved.csv", scripted.status(302, Location=f"{other.url}/us.csv"))
        url = server.url.replace("//", "//ann:s3cret@") + "/us.csv"
        assert get(FeedAddress(url=url, shown="it"))[1] == b"date\n"
    assert ["authorization" in headers for _, headers in (*server.requests, *other.requests)] == [True, True, False]


def test_a_redirect_that_brings_credentials_is_refused(server: ScriptedServer) -> None:
    there = server.url.replace("//", "//ann:s3cret@") + "/new.csv"
    with pytest.raises(FeedRefused, match=r"with credentials in the address$") as refused:
        get(server.reply("/us.csv", scripted.status(302, Location=there)))
    assert "s3cret" not in str(refused.value)
