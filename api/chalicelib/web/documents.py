"""What a request is answered with: bytes in two forms, and the headers that let caches work.

A document exists as plain text and gzipped. Views are stored gzipped, so the plain form is made only for a client
that takes no gzip; each form is made once and kept with the document. The two forms have different entity tags, as
RFC 9110 asks of strong ones.
"""

import base64
import functools
import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from json.encoder import encode_basestring
from typing import Any

JSON = "application/json"
CSV = "text/csv; charset=utf-8"
HTML = "text/html; charset=utf-8"
SVG = "image/svg+xml"
PNG = "image/png"
ATOM = "application/atom+xml; charset=utf-8"

CURRENT = {"Cache-Control": "public, max-age=60, s-maxage=600, stale-while-revalidate=60"}
"""What changes with the next commit: a CDN is told by an invalidation, a browser asks after a minute."""
LIVE = {"Cache-Control": "public, max-age=5, s-maxage=5"}
"""What changes while a run is under way."""
NEVER = {"Cache-Control": "no-store"}

BY_ACCEPT = {"Vary": "Accept-Encoding, Accept"}
"""Of an address that answers people with a page and programs with JSON."""

WORTH_PACKING = 1000
"""Bytes below which gzip saves nothing."""

LARGEST = 5_900_000
"""Bytes of body a Lambda function may answer with: 6 MB less the envelope."""


def sent_size(text: str) -> int:
    """Bytes of a text as the body of what a Lambda function answers: a string of JSON, in UTF-8.

    A quote and a line's end are two bytes there, and a letter may be four.
    """
    return len(encode_basestring(text).encode("utf-8", "surrogatepass")) - 2


class Document:
    """Immutable bytes of one media type."""

    def __init__(self, media_type: str, *, plain: bytes | None = None, packed: bytes | None = None) -> None:
        if plain is None and packed is None:
            raise ValueError("a document needs its bytes, plain or packed")
        self.media_type = media_type
        self._plain, self._packed = plain, packed

    @functools.cached_property
    def plain(self) -> bytes:
        return self._plain if self._plain is not None else gzip.decompress(self._packed or b"")

    @functools.cached_property
    def text(self) -> str:
        return self.plain.decode()

    @functools.cached_property
    def packed(self) -> bytes:
        return self._packed if self._packed is not None else pack(self.plain, level=6)

    @functools.cached_property
    def packed_base64(self) -> str:
        return base64.b64encode(self.packed).decode()

    @functools.cached_property
    def digest(self) -> str:
        """A hash of whichever form was given: packing is deterministic, so that either stands for both."""
        given = self._packed if self._packed is not None else self.plain
        return hashlib.sha256(given).hexdigest()[:32]

    @property
    def binary(self) -> bool:
        return self.media_type.startswith(("font/", PNG))

    @property
    def worth_packing(self) -> bool:
        return self._packed is not None or (len(self.plain) >= WORTH_PACKING and not self.binary)


def json_document(value: Any) -> Document:
    return Document(JSON, plain=json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")


def pack(plain: bytes, *, level: int = 9) -> bytes:
    """gzip without a time stamp: the same bytes always pack to the same bytes."""
    return gzip.compress(plain, compresslevel=level, mtime=0)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer before it is fitted to what the client takes."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    document: Document | None = None
