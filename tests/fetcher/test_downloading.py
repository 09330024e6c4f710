"""One GET of one feed, against a real server on loopback."""

import dataclasses
import socket
import tempfile
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.downloading import download
from chalicelib.feed_addresses import FeedAddress
from chalicelib.validators import Validators
from shared.errors import CovidStatsError, FeedRefused, UpstreamUnavailable
from tests.fetcher import scripted_server as scripted
from tests.fetcher.getting import LIMITS, NOW, answer, get
from tests.fetcher.scripted_server import ScriptedServer


def test_the_bytes_are_kept_exactly_and_their_sum_is_told(server: ScriptedServer) -> None:
    content = b"\xef\xbb\xbfdate,cases\r\n2020-01-21,1\xff"
    url = server.reply("/us.csv", scripted.body(content, ETag='W/"7"', Last_Modified="Sun, 25 Oct 2020 08:00:00 GMT"))
    assert (
        answer(content, etag='W/"7"', last_modified="Sun, 25 Oct 2020 08:00:00 GMT"),
        content,
    ) == get(url)


def test_neither_compression_nor_a_cached_copy_is_asked_for_without_need(server: ScriptedServer) -> None:
    get(server.reply("/us.csv", scripted.body(b"a")))
    [(path, headers)] = server.requests
    assert path == "/us.csv"
    assert headers == {
        "host": server.url.removeprefix("http://"),
        "user-agent": "covid-stats",
        "accept": "text/csv, */*;q=0.5",
        "accept-encoding": "identity",
    }


def test_an_empty_body_is_a_body(server: ScriptedServer) -> None:
    assert (answer(b""), b"") == get(server.reply("/us.csv", scripted.body(b"")))


def test_a_body_in_chunks_is_read_to_its_end(server: ScriptedServer) -> None:
    assert (answer(b"date,cases\n"), b"date,cases\n") == get(server.reply("/", scripted.chunked(b"date,", b"cases\n")))


def test_a_body_that_ends_with_the_connection_is_read_to_its_end(server: ScriptedServer) -> None:
    assert (answer(b"date\n"), b"date\n") == get(server.reply("/", scripted.until_closed(b"date\n")))


def test_an_etag_is_asked_by_alone_and_304_leaves_the_file_empty(server: ScriptedServer) -> None:
    known = Validators(etag='"1"', last_modified="Sun, 25 Oct 2020 08:00:00 GMT")
    assert get(server.reply("/us.csv", scripted.cached(b"date\n", etag='"1"')), known=known) == (None, b"")
    assert "if-modified-since" not in server.requests[0][1]


def test_a_date_is_asked_by_where_there_is_no_etag(server: ScriptedServer) -> None:
    known = Validators(last_modified="Sun, 25 Oct 2020 08:00:00 GMT")
    assert get(server.reply("/us.csv", scripted.status(304)), known=known) == (None, b"")
    assert server.requests[0][1]["if-modified-since"] == "Sun, 25 Oct 2020 08:00:00 GMT"


def test_redirects_are_followed_relative_ones_too(server: ScriptedServer) -> None:
    url = server.reply("/old", scripted.status(302, Location="/new?a=b c&d=%20"))
    server.reply("/new?a=b%20c&d=%20", scripted.body(b"date\n"))
    assert (answer(b"date\n"), b"date\n") == get(url)


def test_an_answer_can_be_as_large_as_allowed(server: ScriptedServer) -> None:
    assert get(server.reply("/", scripted.body(b"x" * 1000)))[1] == b"x" * 1000


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 204, 206, 304, 300])
def test_a_definite_no_is_refused_with_its_status_and_address(server: ScriptedServer, code: int) -> None:
    url = server.reply("/us.csv", scripted.status(code))
    with pytest.raises(FeedRefused, match=f"^HTTP {code} from {url}$"):
        get(url)


@pytest.mark.parametrize("code", [500, 502, 503, 504, 408, 425, 429])
def test_a_later_is_told_with_its_status_and_address(server: ScriptedServer, code: int) -> None:
    url = server.reply("/us.csv", scripted.status(code))
    with pytest.raises(UpstreamUnavailable, match=f"^HTTP {code} from {url}$"):
        get(url)


def test_fewer_bytes_than_announced_are_no_feed(server: ScriptedServer) -> None:
    url = server.reply("/us.csv", scripted.cut_short(b"date,cases\n2020", announced=999))
    with pytest.raises(UpstreamUnavailable, match=r"^http.*/us\.csv broke off after 15 of 999 bytes$"):
        get(url)


def test_a_connection_that_ends_between_chunks_is_no_feed(server: ScriptedServer) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ndate,\r\n"
    url = server.reply("/us.csv", scripted.raw(head))
    with pytest.raises(
        UpstreamUnavailable, match=r"^http.*/us\.csv cannot be read: it broke off before the last chunk$"
    ):
        get(url)


def test_a_server_that_hangs_up_is_unavailable(server: ScriptedServer) -> None:
    with pytest.raises(UpstreamUnavailable, match=r"cannot be read: it closed the connection without an answer$"):
        get(server.reply("/us.csv", scripted.hang_up))


def test_bytes_that_are_no_http_are_unavailable(server: ScriptedServer) -> None:
    with pytest.raises(UpstreamUnavailable, match=r"cannot be read: its answer is not HTTP$"):
        get(server.reply("/us.csv", scripted.raw(b"220 mail.example ESMTP\r\n")))


def test_a_port_where_nobody_listens_is_unavailable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/us.csv"
        with pytest.raises(UpstreamUnavailable, match=f"^{url} cannot be read: Connection refused$"):
            get(url)


def test_a_silent_server_is_given_up_after_its_silence(server: ScriptedServer) -> None:
    url = server.reply("/us.csv", scripted.silent)
    with pytest.raises(UpstreamUnavailable, match=f"^{url} was silent for too long$"):
        get(url, limits=dataclasses.replace(LIMITS, silence_seconds=0.05))


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", id="a body of announced length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", id="a body without end"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX-Padding: ", id="a header without end"),
    ],
)
def test_what_trickles_is_given_up_when_the_time_is_up(server: ScriptedServer, start: bytes) -> None:
    url = server.reply("/us.csv", scripted.trickle(start))
    with pytest.raises(UpstreamUnavailable, match=f"^{url} took longer than 0.1 s$"):
        get(url, seconds=0.1)


def test_a_body_announced_as_too_large_is_not_read(server: ScriptedServer) -> None:
    url = server.reply("/us.csv", scripted.cut_short(b"", announced=1001))
    with pytest.raises(FeedRefused, match=r"/us\.csv announces 1,001 bytes; at most 1,000 are taken$"):
        get(url)


def test_a_body_that_turns_out_too_large_is_refused(server: ScriptedServer) -> None:
    url = server.reply("/us.csv", scripted.chunked(b"x" * 600, b"x" * 401))
    with pytest.raises(FeedRefused, match=r"/us\.csv sends more than 1,000 bytes$"):
        get(url)


def test_a_large_feed_takes_no_more_memory_than_a_small_one(server: ScriptedServer) -> None:
    url = server.reply("/us.csv", scripted.chunked(*[b"x" * 65_536] * 512))
    limits = dataclasses.replace(LIMITS, max_bytes=2**30)
    with tempfile.TemporaryFile() as into:
        tracemalloc.start()
        try:
            feed = FeedAddress(url=url, shown=url)
            got = download(feed, into=into, known=Validators(), limits=limits, seconds=60, now=NOW)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert got is not None and got.bytes == 32 * 2**20
    assert peak < 2 * 2**20


def test_a_circle_of_redirects_is_left_after_five(server: ScriptedServer) -> None:
    url = server.reply("/us.csv", scripted.status(301, Location="/us.csv"))
    with pytest.raises(FeedRefused, match=f"^{url} redirects more than 5 times$"):
        get(url)
    assert server.request_counts() == {"/us.csv": 6}


@pytest.mark.parametrize(
    "location",
    [
        "ftp://127.0.0.1/us.csv",
        "file:///etc/passwd",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:x/",
        "http://[::1",
        "http://a..b/",
    ],
)
def test_a_redirect_to_what_is_no_http_address_is_refused(server: ScriptedServer, location: str) -> None:
    with pytest.raises(FeedRefused, match=r"redirects to what is no http\(s\) address: "):
        get(server.reply("/us.csv", scripted.status(302, Location=location)))


def test_a_redirect_to_nowhere_is_refused(server: ScriptedServer) -> None:
    url = server.reply("/us.csv", scripted.status(302))
    with pytest.raises(FeedRefused, match=f"^HTTP 302 from {url} redirects to nowhere$"):
        get(url)


@pytest.mark.parametrize("etag", ['"' + "x" * 300 + '"', '"\u00e4"', '"a\tb"'])
def test_a_validator_that_object_metadata_cannot_hold_is_as_if_not_sent(server: ScriptedServer, etag: str) -> None:
    assert (answer(b"a"), b"a") == get(server.reply("/", scripted.body(b"a", ETag=etag)))


# --- when to come again --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("999999999999999", 604_800),
        ("Sun, 25 Oct 2020 17:02:00 GMT", 120),
        ("Sun, 25 Oct 2020 16:00:00 GMT", 0),
        ("Sun, 25 Oct 99999 16:00:00 GMT", 0),
        ("soon", 0),
        ("-5", 0),
        ("", 0),
    ],
)
@pytest.mark.parametrize("code", [429, 503])
def test_a_server_can_say_when_to_come_again(server: ScriptedServer, code: int, header: str, seconds: float) -> None:
    head = f"HTTP/1.1 {code} x\r\nDate: Sun, 25 Oct 2020 17:00:00 GMT\r\nRetry-After: {header}\r\n\r\n"
    with pytest.raises(UpstreamUnavailable) as unavailable:
        get(server.reply("/us.csv", scripted.raw(head.encode())))
    assert unavailable.value.wait_seconds == seconds


# --- whatever comes ------------------------------------------------------------------------------------------------


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=900), as_chunks=st.booleans())
def test_any_bytes_come_as_they_were_sent(server: ScriptedServer, content: bytes, as_chunks: bool) -> None:
    middle = len(content) // 2
    sent = scripted.chunked(content[:middle], content[middle:]) if as_chunks else scripted.body(content)
    assert (answer(content), content) == get(server.reply("/", sent))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(start=st.one_of(st.binary(max_size=200), st.binary(max_size=100).map(b"HTTP/1.1 200 OK\r\n".__add__)))
def test_any_bytes_in_place_of_an_answer_end_in_a_declared_error_or_a_body(
    server: ScriptedServer, start: bytes
) -> None:
    url = server.reply("/", scripted.raw(start))
    kept = what_is_kept(url)
    assert kept.isprintable() and len(kept) <= 512


def what_is_kept(url: str) -> str:
    """Of an answer or in place of it: the validators, or the reason why there is none."""
    try:
        got, _ = get(url)
    except CovidStatsError as error:
        return str(error)
    return got.validators.etag + got.validators.last_modified if got else ""


_LINES = st.sampled_from(
    ["HTTP/1.1 200 OK", "HTTP/1.1 302 Found", "HTTP/1.1 503 x", "HTTP/1.0 200", "HTTP/1.1 304 x", "HTTP/1.1 100 x"]
)
_NAMES = st.sampled_from(
    ["Location", "Content-Length", "Content-Encoding", "Transfer-Encoding", "Last-Modified", "Retry-After", "X"]
)
_VALUES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=200),
    st.sampled_from(
        ["5", "-1", "gzip", "chunked", "http://s3cret:s3cret@127.0.0.1:1/s3cret", "//s3cret@x", "x" * 9000]
    ),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(line=_LINES, headers=st.lists(st.tuples(_NAMES, _VALUES), max_size=6), body=st.binary(max_size=100))
def test_nothing_hostile_in_an_answers_head_gets_into_what_is_kept_of_it(
    server: ScriptedServer, line: str, headers: list[tuple[str, str]], body: bytes
) -> None:
    head = "\r\n".join([line, *(f"{name}: {value}" for name, value in headers)])
    url = server.reply("/us.csv", scripted.raw(head.encode() + b"\r\n\r\n" + body))
    kept = what_is_kept(url)
    assert kept.isprintable() and len(kept) <= 512
    assert "s3cret" not in kept or any("s3cret" in value for name, value in headers if name != "Location")
