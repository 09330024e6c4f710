"""Serves the feeds of one day on loopback, under their upstream file names: as they are, or with a fault.

Only the standard library: it stands for the two upstream hosts in `make run`, `make replay` and the tests.
"""

import datetime as dt
import email.utils
import enum
import gzip
import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from shared.dataset import Dataset


class Fault(enum.StrEnum):
    """The ways in which a feed goes bad."""

    SERVER_ERROR = "answers 500"
    SLOW = "sends half of the file, then nothing more"
    CUT_SHORT = "closes after half of the announced bytes"
    HTML_PAGE = "is an HTML page, with status 200"
    EMPTY = "is empty"
    OTHER_HEADER = "has other column names"
    GZIP = "comes as gzip, although nobody wanted it"
    TWO_LENGTHS = "announces two different lengths"
    TOO_MANY_REQUESTS = "answers 429, and wants to be left alone for an hour"
    REDIRECT_AWAY = "redirects to another site"
    GARBAGE = "is no HTTP, but a screenful of escape sequences"


@dataclass(frozen=True, kw_only=True)
class File:
    """One file as the server has it now."""

    data: bytes
    changed_at: dt.datetime
    """When these bytes were first published (aware)."""

    @property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.data).hexdigest()[:32]}"'

    @property
    def last_modified(self) -> str:
        return email.utils.format_datetime(self.changed_at.astimezone(dt.UTC), usegmt=True)


@dataclass(frozen=True, kw_only=True)
class AnsweredRequest:
    """A request that was answered."""

    name: str
    """The file's name."""
    status: int
    """0 for an answer that was no HTTP."""
    conditional: bool
    """Whether it asked for the file only if it had changed."""


@dataclass(frozen=True, kw_only=True)
class _Outgoing:
    """What the server is about to send."""

    status: HTTPStatus = HTTPStatus.OK
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    announced: int | None = None
    """The Content-Length, where it is not the truth."""
    hold: bool = False
    """Whether the connection stays open after the body until the server stops."""


class FeedServer:
    """`with FeedServer() as server: server.publish({"us.csv": b"..."}, at=...)`.

    Stopping lets slow answers go at once. `requests` records every answer in order.
    """

    def __init__(self, *, compressed: bool = False) -> None:
        self._files: dict[str, File] = {}
        self._faults: dict[str, Fault] = {}
        self._raw: dict[str, bytes] = {}
        self._compressed = compressed
        self._released = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._answer))
        self._http.daemon_threads = True
        self._http.block_on_close = False
        self.requests: list[AnsweredRequest] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._released.set()
        self._http.shutdown()
        self._http.server_close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def url(self, file_name: str) -> str:
        return f"{self.address}/{file_name}"

    def feed_urls(self, dataset: Dataset, *, under: str = "") -> dict[str, str]:
        """Feed -> its address here: the fetcher's setting FEED_URLS. `under`: see `publish`."""
        return {feed.name: self.url(under + feed.file_name) for feed in dataset.feeds}

    def publish(
        self,
        files: Mapping[str, bytes],
        *,
        at: dt.datetime,
        faults: Mapping[str, Fault] | None = None,
        raw: Mapping[str, bytes] | None = None,
        under: str = "",
    ) -> None:
        """From now on serve exactly these files; a file that is not among them is a 404.

        `under`: a folder, with a slash at its end, that they are in, and what is elsewhere stays as it is: names of
        files are unique in a dataset only.

        A file with the bytes it had keeps its ETag and Last-Modified, as upstream. `faults`: file name -> what is
        wrong with it, until the next call. `raw`: file name -> the bytes of a whole answer, HTTP or not, likewise.
        """
        before = self._files
        placed = {under + name: data for name, data in files.items()}
        self._files = {name: file for name, file in before.items() if not name.startswith(under)} | {
            name: before[name] if name in before and before[name].data == data else File(data=data, changed_at=at)
            for name, data in placed.items()
        }
        elsewhere = {name: fault for name, fault in self._faults.items() if not name.startswith(under)}
        self._faults = elsewhere | {under + name: fault for name, fault in (faults or {}).items()}
        raw_elsewhere = {name: body for name, body in self._raw.items() if not name.startswith(under)}
        self._raw = raw_elsewhere | {under + name: body for name, body in (raw or {}).items()}

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        name = request.path.split("?", 1)[0].lstrip("/")
        garbage = self._raw.get(name) or (_GARBAGE if self._faults.get(name) is Fault.GARBAGE else b"")
        if garbage:
            self.requests.append(AnsweredRequest(name=name, status=0, conditional=False))
            request.close_connection = True
            request.wfile.write(garbage)
            return
        conditional = "If-None-Match" in request.headers or "If-Modified-Since" in request.headers
        outgoing = self._outgoing(request, name)
        self.requests.append(AnsweredRequest(name=name, status=int(outgoing.status), conditional=conditional))
        _send(request, outgoing)
        if outgoing.hold:
            request.wfile.flush()
            self._released.wait()

    def _outgoing(self, request: BaseHTTPRequestHandler, name: str) -> _Outgoing:
        file, fault = self._files.get(name), self._faults.get(name)
        if fault is Fault.SERVER_ERROR:
            return _Outgoing(status=HTTPStatus.INTERNAL_SERVER_ERROR, body=b"the server has a problem\n")
        if file is None:
            return _Outgoing(status=HTTPStatus.NOT_FOUND, body=b"404: Not Found\n")
        if fault in _BODIES:
            return _Outgoing(body=_BODIES[fault](file.data))
        if fault in _HEADS:
            status, headers = _HEADS[fault]
            return _Outgoing(status=status, body=b"", headers=headers)
        validators = {"ETag": file.etag, "Last-Modified": file.last_modified}
        if fault is Fault.GZIP:
            return _Outgoing(body=gzip.compress(file.data, mtime=0), headers=validators | {"Content-Encoding": "gzip"})
        if fault is Fault.TWO_LENGTHS:
            return _Outgoing(body=file.data, headers=validators | {"content-length": str(len(file.data) - 1)})
        if fault is not None:
            half = file.data[: len(file.data) // 2]
            return _Outgoing(body=half, headers=validators, announced=len(file.data), hold=fault is Fault.SLOW)
        if _is_current(request, file):
            return _Outgoing(status=HTTPStatus.NOT_MODIFIED, body=b"", headers=validators)
        if self._compressed and "gzip" in request.headers.get("Accept-Encoding", ""):
            return _Outgoing(body=gzip.compress(file.data, mtime=0), headers=validators | {"Content-Encoding": "gzip"})
        return _Outgoing(body=file.data, headers=validators)


def _is_current(request: BaseHTTPRequestHandler, file: File) -> bool:
    """RFC 9110, 13.2.2: If-Modified-Since counts only where there is no If-None-Match."""
    tags = request.headers.get("If-None-Match")
    if tags is not None:
        return file.etag in tags
    return request.headers.get("If-Modified-Since") == file.last_modified


def _html(_: bytes) -> bytes:
    return b"<!DOCTYPE html>\n<html><head><title>Please wait</title></head><body>We will be back.</body></html>\n"


def _nothing(_: bytes) -> bytes:
    return b""


def _renamed(data: bytes) -> bytes:
    header, _, rest = data.partition(b"\n")
    return b",".join(b"new_" + column for column in header.split(b",")) + b"\n" + rest


_BODIES: Mapping[Fault | None, Callable[[bytes], bytes]] = {
    Fault.HTML_PAGE: _html,
    Fault.EMPTY: _nothing,
    Fault.OTHER_HEADER: _renamed,
}


_HEADS: Mapping[Fault | None, tuple[HTTPStatus, Mapping[str, str]]] = {
    Fault.TOO_MANY_REQUESTS: (HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": "3600"}),
    Fault.REDIRECT_AWAY: (HTTPStatus.FOUND, {"Location": "http://169.254.169.254/latest/meta-data/"}),
}

_GARBAGE = b"\x1b[2J\x1b]0;owned\x07\x9b31m\xe2\x80\xae" + b"\x00\x1b[31m" * 20_000 + b"\r\n\r\n"


def _send(request: BaseHTTPRequestHandler, outgoing: _Outgoing) -> None:
    kind = "text/html" if outgoing.body.startswith(b"<!DOCTYPE") else "text/plain; charset=utf-8"
    request.send_response(outgoing.status)
    request.send_header("Content-Type", kind)
    if outgoing.status is not HTTPStatus.NOT_MODIFIED:
        request.send_header("Content-Length", str(outgoing.announced or len(outgoing.body)))
    for name, value in outgoing.headers.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(outgoing.body)


def _handler(answer: Callable[[BaseHTTPRequestHandler], None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                answer(self)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # the reader gave up, as it should with a slow feed

        def log_message(self, *_: Any) -> None:
            """Nothing on the terminal: `requests` has it."""

    return Handler
