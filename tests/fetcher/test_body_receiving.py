"""A body is received whole, with its transport's encodings undone, or it is no feed."""

import dataclasses
import gzip
import tempfile

import pytest

from chalicelib.downloading import download
from chalicelib.feed_addresses import FeedAddress
from chalicelib.validators import Validators
from shared.errors import FeedRefused, UpstreamUnavailable
from tests.fetcher import scripted_server as scripted
from tests.fetcher.getting import LIMITS, NOW, answer, get
from tests.fetcher.scripted_server import ScriptedServer


def gzipped(content: bytes, **headers: str) -> scripted.Reply:
    return scripted.body(gzip.compress(content, mtime=0), Content_Encoding="gzip", **headers)


def test_gzip_that_nobody_wanted_is_undone_and_the_file_is_kept(server: ScriptedServer) -> None:
    content = b"date,cases\n2020-01-21,1\n"
    assert (answer(content, etag='"z"'), content) == get(server.reply("/us.csv", gzipped(content, ETag='"z"')))


def test_gzip_in_chunks_in_several_members_and_padded_is_undone(server: ScriptedServer) -> None:
    sent = gzip.compress(b"date,") + gzip.compress(b"cases\n", mtime=0) + bytes(9)
    head = {"Content_Encoding": "X-GZIP"}
    assert get(server.reply("/", scripted.body(sent, **head)))[1] == b"date,cases\n"
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"
    raw += b"".join(b"1\r\n" + sent[n : n + 1] + b"\r\n" for n in range(len(sent))) + b"0\r\n\r\n"
    assert get(server.reply("/", scripted.raw(raw)))[1] == b"date,cases\n"


def test_a_file_that_is_an_archive_itself_is_kept_packed(server: ScriptedServer) -> None:
    packed = gzip.compress(b"date,cases\n")
    assert get(server.reply("/us.csv.gz", scripted.body(packed)))[1] == packed


def test_gzip_that_unpacks_to_more_than_is_allowed_is_refused(server: ScriptedServer) -> None:
    url = server.reply("/us.csv", gzipped(b"x" * 1001))
    with pytest.raises(FeedRefused, match=r"/us\.csv sends more than 1,000 bytes$"):
        get(url)


def test_a_bomb_is_refused_long_before_it_is_unpacked(server: ScriptedServer) -> None:
    url = server.reply("/us.csv", gzipped(bytes(200 * 2**20)))
    feed, limits = FeedAddress(url=url, shown=url), dataclasses.replace(LIMITS, max_bytes=2**30)
    with tempfile.TemporaryFile() as into:
        with pytest.raises(FeedRefused, match=r"sends gzip that unpacks to more than 400 times its size$"):
            download(feed, into=into, known=Validators(), limits=limits, seconds=60, now=NOW)
        assert into.tell() < 120 * 2**20


@pytest.mark.parametrize("kept", [0, 1, 12, 20, -1, -8])
def test_gzip_that_is_cut_short_is_no_feed(server: ScriptedServer, kept: int) -> None:
    """Also where the connection's end is all that ends the body."""
    packed = gzip.compress(b"date,cases\n2020-01-21,1\n")[:kept]
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: gzip\r\n\r\n"
    with pytest.raises(UpstreamUnavailable, match=rf"broke off after {len(packed)} bytes of gzip$"):
        get(server.reply("/us.csv", scripted.raw(head + packed)))


@pytest.mark.parametrize(
    "sent", [b"date,cases\n", gzip.compress(b"date\n", mtime=0) + b"more", gzip.compress(b"a", mtime=0)[:-8] + bytes(8)]
)
def test_what_is_called_gzip_and_is_not_is_no_feed(server: ScriptedServer, sent: bytes) -> None:
    with pytest.raises(UpstreamUnavailable, match=r"gzip"):
        get(server.reply("/us.csv", scripted.body(sent, Content_Encoding="gzip")))


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "gzip, br", "\x1b[31m"])
def test_any_other_encoding_is_refused_by_its_name(server: ScriptedServer, encoding: str) -> None:
    url = server.reply("/us.csv", scripted.body(b"\x1f\x8b", Content_Encoding=encoding))
    with pytest.raises(
        FeedRefused, match=r"sends Content-Encoding '.+'; identity was requested, gzip is undone$"
    ) as it:
        get(url)
    assert str(it.value).isprintable()


@pytest.mark.parametrize("header", ["Content-Length: 5\r\nContent-Length: 9", "Content-Length: 5, 9"])
def test_two_different_lengths_are_refused(server: ScriptedServer, header: str) -> None:
    url = server.reply("/us.csv", scripted.raw(f"HTTP/1.1 200 OK\r\n{header}\r\n\r\ndate\nmore".encode()))
    with pytest.raises(FeedRefused, match=r"/us\.csv announces different lengths: '5, 9'$"):
        get(url)


@pytest.mark.parametrize("header", ["Content-Length: 5\r\nContent-Length: 5", "Content-Length: 5, 5"])
def test_the_same_length_twice_is_one(server: ScriptedServer, header: str) -> None:
    url = server.reply("/us.csv", scripted.raw(f"HTTP/1.1 200 OK\r\n{header}\r\n\r\ndate\n".encode()))
    assert get(url)[1] == b"date\n"


@pytest.mark.parametrize("length", ["-1", "+5", "5x", "0x5", "5.0", "\u0665"])
def test_a_length_that_is_no_number_is_refused(server: ScriptedServer, length: str) -> None:
    url = server.reply("/us.csv", scripted.raw(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\ndate\n".encode()))
    with pytest.raises(FeedRefused, match=r"a whole number is needed$"):
        get(url)


@pytest.mark.parametrize("coding", ["gzip, chunked", "chunked, chunked", "xchunked"])
def test_a_transfer_encoding_that_is_not_understood_is_refused(server: ScriptedServer, coding: str) -> None:
    head = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: {coding}\r\n\r\n5\r\ndate\n\r\n0\r\n\r\n"
    with pytest.raises(FeedRefused, match=f"sends Transfer-Encoding '{coding}'; chunked is understood$"):
        get(server.reply("/us.csv", scripted.raw(head.encode())))


@pytest.mark.parametrize("size", ["-1", "-5", "zz", "", "ffffffffffffffff"])
def test_a_chunk_of_an_impossible_size_takes_no_memory_and_is_no_feed(server: ScriptedServer, size: str) -> None:
    head = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\n".encode()
    with pytest.raises((UpstreamUnavailable, FeedRefused)):
        get(server.reply("/us.csv", scripted.raw(head + b"x" * 2**20)))
