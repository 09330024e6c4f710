"""Readers of an API: how long a request takes them."""

import http.client
import statistics
import time
from urllib.parse import urlsplit

from tests.bench.measuring import Measure


def several(reader: "Reader", times: int) -> Measure:
    """Milliseconds a request, the median of some in a row."""

    def run() -> float:
        taken = []
        for _ in range(times):
            began = time.perf_counter()
            reader.read()
            taken.append((time.perf_counter() - began) * 1000)
        return statistics.median(taken)

    return run


class Reader:
    """A client that keeps its connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        self._path = f"{parts.path}?{parts.query}" if parts.query else parts.path

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def read(self) -> bytes:
        """The answer's body. Raises RuntimeError for any status but 200."""
        self._connection.request("GET", self._path, headers={"Accept": "*/*", "Accept-Encoding": "gzip"})
        reply = self._connection.getresponse()
        body = reply.read()
        if reply.status != 200:
            raise RuntimeError(f"GET {self._path}: HTTP {reply.status}: {body[:300]!r}")
        return body
