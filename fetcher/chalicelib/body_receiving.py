"""Receiving a body whole: its length held to what was announced, gzip undone, neither larger than allowed.

What is kept are the bytes of the file: chunks and Content-Encoding belong to the transport and are undone. A body
that was cut short is told apart wherever the protocol allows it: by its length, its last chunk, the end of its gzip,
and by TLS's goodbye.
"""

import hashlib
import http.client
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from shared.errors import FeedRefused, UpstreamUnavailable
from shared.printing import printable

_CHUNK = 256 * 1024
_GZIP = frozenset({"gzip", "x-gzip"})
_MOST_RATIO = 400
"""Times that gzip may unpack to: tables come to 3 to 100, a bomb to 1,000."""
_RATIO_FROM = 4 * 1024 * 1024
"""Unpacked bytes from which on the ratio is looked at."""


@dataclass(frozen=True, kw_only=True)
class Received:
    """What a body came to."""

    sha256: str
    bytes: int


def check_framing(response: http.client.HTTPResponse, *, shown: str, max_bytes: int) -> None:
    """Raises FeedRefused for a body whose length or encoding is contradictory, unknown or too much."""
    codings = response.headers.get_all("Transfer-Encoding", [])
    if [coding.strip().lower() for coding in codings] not in ([], ["chunked"], ["identity"]):
        raise FeedRefused(f"{shown} sends Transfer-Encoding {_quoted(codings)}; chunked is understood")
    lengths = {part.strip() for value in response.headers.get_all("Content-Length", []) for part in value.split(",")}
    if len(lengths) > 1:
        raise FeedRefused(f"{shown} announces different lengths: {_quoted(sorted(lengths))}")
    if not all(length.isascii() and length.isdigit() for length in lengths):
        raise FeedRefused(f"{shown} announces the length {_quoted(sorted(lengths))}; a whole number is needed")
    if not _encoding(response) <= _GZIP:
        named = response.headers.get_all("Content-Encoding", [])
        raise FeedRefused(f"{shown} sends Content-Encoding {_quoted(named)}; identity was requested, gzip is undone")
    if (response.length or 0) > max_bytes:
        raise FeedRefused(f"{shown} announces {response.length:,} bytes; at most {max_bytes:,} are taken")


def receive(response: http.client.HTTPResponse, *, into: IO[bytes], shown: str, max_bytes: int) -> Received:
    """The body, written into a file. Raises FeedRefused, UpstreamUnavailable and the errors of http.client."""
    pieces = _received(response, shown=shown, max_bytes=max_bytes)
    if _encoding(response):
        pieces = _unpacked(pieces, shown=shown)
    size, digest = 0, hashlib.sha256()
    for piece in pieces:
        size += len(piece)
        if size > max_bytes:
            raise FeedRefused(f"{shown} sends more than {max_bytes:,} bytes")
        digest.update(piece)
        into.write(piece)
    return Received(sha256=digest.hexdigest(), bytes=size)


def _encoding(response: http.client.HTTPResponse) -> frozenset[str]:
    """What the body is encoded with; several encodings on top of one another are one that nobody knows."""
    named = ",".join(response.headers.get_all("Content-Encoding", []))
    known = [coding.strip().lower() for coding in named.split(",") if coding.strip().lower() not in ("", "identity")]
    return frozenset({",".join(known)}) if known else frozenset()


def _received(response: http.client.HTTPResponse, *, shown: str, max_bytes: int) -> Iterator[bytes]:
    announced, received = response.length, 0
    while chunk := response.read1(_CHUNK):  # read() believes in chunks of a negative length, and reads without bounds
        received += len(chunk)
        if received > max_bytes:
            raise FeedRefused(f"{shown} sends more than {max_bytes:,} bytes")
        yield chunk
    if announced is not None and received < announced:
        raise UpstreamUnavailable(f"{shown} broke off after {received:,} of {announced:,} bytes")


def _unpacked(chunks: Iterator[bytes], *, shown: str) -> Iterator[bytes]:
    """One gzip member or several, a piece at a time."""
    packed, size, member = 0, 0, zlib.decompressobj(wbits=31)
    begun = False
    try:
        for chunk in chunks:
            packed += len(chunk)
            while chunk:
                if member.eof:
                    chunk = chunk.lstrip(b"\0")  # padding
                    if not chunk:
                        break
                    member = zlib.decompressobj(wbits=31)
                begun = True
                piece = member.decompress(chunk, _CHUNK)
                size += len(piece)
                if size > _RATIO_FROM and size > packed * _MOST_RATIO:
                    raise FeedRefused(f"{shown} sends gzip that unpacks to more than {_MOST_RATIO} times its size")
                yield piece
                chunk = member.unused_data if member.eof else member.unconsumed_tail
    except zlib.error as error:
        raise UpstreamUnavailable(f"{shown} sends gzip that cannot be unpacked") from error
    if not (begun and member.eof):
        raise UpstreamUnavailable(f"{shown} broke off after {packed:,} bytes of gzip")


def _quoted(values: list[str]) -> str:
    return repr(printable(", ".join(values), most=60))
