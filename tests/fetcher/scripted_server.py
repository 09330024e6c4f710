"""A real HTTP server on loopback whose answers, good and bad, are scripted; it writes down what it was asked."""

import contextlib
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

type Reply = Callable[[BaseHTTPRequestHandler, threading.Event], None]
"""Answers a request; the event is set when the test is over, for replies that hang."""


@dataclass
class ScriptedServer:
    """`script[path]` holds the replies to come; the last one is given again and again."""

    url: str
    script: dict[str, list[Reply]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """(path, headers with lower-case names) of every request."""

    def reply(self, path: str, *replies: Reply) -> str:
        """Script the path; its address."""
        self.script[path] = list(replies)
        return self.url + path

    def request_counts(self) -> dict[str, int]:
        times: dict[str, int] = defaultdict(int)
        for path, _ in self.requests:
            times[path] += 1
        return dict(times)


@contextlib.contextmanager
def serving() -> Iterator[ScriptedServer]:
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            server.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            replies = server.script.get(self.path, [status(404)])
            reply = replies.pop(0) if len(replies) > 1 else replies[0]
            self.close_connection = True
            with contextlib.suppress(ConnectionError):  # the client hung up, as some tests want
                reply(self, over)

        def log_message(self, *args: object) -> None:
            """Silent."""

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.daemon_threads = True
    server = ScriptedServer(url=f"http://127.0.0.1:{listener.server_port}")
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        over.set()
        listener.shutdown()
        thread.join()
        listener.server_close()


def body(content: bytes, **headers: str) -> Reply:
    """200 with this body; `ETag="..."`, `Last_Modified="..."` become headers."""

    def reply(request: BaseHTTPRequestHandler, over: threading.Event) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(content)

    return reply


def chunked(*chunks: bytes) -> Reply:
    """200 with this body in chunks, of no announced length."""

    def reply(request: BaseHTTPRequestHandler, over: threading.Event) -> None:
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        for chunk in (*filter(None, chunks), b""):
            request.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))

    return reply


def until_closed(content: bytes) -> Reply:
    """200 with this body, which ends where the connection does."""

    def reply(request: BaseHTTPRequestHandler, over: threading.Event) -> None:
        request.send_response(200)
        request.send_header("Connection", "close")
        request.end_headers()
        request.wfile.write(content)

    return reply


def cached(content: bytes, *, etag: str) -> Reply:
    """200 with an ETag, or 304 for a request that names it."""

    def reply(request: BaseHTTPRequestHandler, over: threading.Event) -> None:
        if request.headers.get("If-None-Match") == etag:
            status(304)(request, over)
        else:
            body(content, ETag=etag)(request, over)

    return reply


def status(code: int, **headers: str) -> Reply:
    """This status, these headers and no body."""

    def reply(request: BaseHTTPRequestHandler, over: threading.Event) -> None:
        request.send_response(code)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        if code != 304:
            request.send_header("Content-Length", "0")
        request.end_headers()

    return reply


def cut_short(content: bytes, *, announced: int) -> Reply:
    """200 that announces more bytes than it sends."""

    def reply(request: BaseHTTPRequestHandler, over: threading.Event) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(announced))
        request.end_headers()
        request.wfile.write(content)

    return reply


def hang_up(request: BaseHTTPRequestHandler, over: threading.Event) -> None:
    """The connection ends without an answer."""


def silent(request: BaseHTTPRequestHandler, over: threading.Event) -> None:
    """Nothing at all, until the test is over."""
    over.wait()


def trickle(start: bytes) -> Reply:
    """These bytes as they are, then one more every hundredth of a second, for ever."""

    def reply(request: BaseHTTPRequestHandler, over: threading.Event) -> None:
        request.wfile.write(start)
        while not over.wait(0.01):
            request.wfile.write(b"x")

    return reply


def raw(content: bytes) -> Reply:
    """These bytes, HTTP or not, and the end of the connection."""

    def reply(request: BaseHTTPRequestHandler, over: threading.Event) -> None:
        request.wfile.write(content)

    return reply
