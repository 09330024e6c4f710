"""What the X-Ray daemon is on AWS: takes the documents that the tracing SDK sends, and keeps them where
`make trace` reads them. The local cloud has no X-Ray, and its functions inherit the address from it.
"""

import contextlib
import json
import shutil
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

_LARGEST = 65_507
"""Bytes of a UDP datagram; X-Ray takes documents of up to 64 KB."""
_BUFFER = 4 * 1024 * 1024
_SDK_MARKER = Path("/tmp/.aws-xray")  # noqa: S108  # where the SDK says in Lambda that it is in use; fixed there
"""On this machine nobody reads it: what was not there before is removed at the end."""


class TraceCollector:
    """`with TraceCollector() as collector:` listens on a free loopback port.

    A datagram is a header line and a JSON document; anything else is dropped, as the daemon does.
    """

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._lock = threading.Lock()
        self._early: list[str] = []
        self._file: IO[str] | None = None
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._marker_was_there = _SDK_MARKER.exists()

    def __enter__(self) -> Self:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self._socket.bind(("127.0.0.1", 0))
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()
        if self._file:
            self._file.close()
        if not self._marker_was_there:
            shutil.rmtree(_SDK_MARKER, ignore_errors=True)

    @property
    def address(self) -> str:
        """`127.0.0.1:PORT`, the value of AWS_XRAY_DAEMON_ADDRESS."""
        host, port = self._socket.getsockname()
        return f"{host}:{port}"

    def keep_in(self, path: Path) -> None:
        """Write every document into a file, a line each, those that have come already among them."""
        with self._lock:
            self._file = path.open("a", encoding="utf-8", buffering=1)
            self._file.writelines(self._early)
            self._early.clear()

    def _listen(self) -> None:
        while datagram := self._socket.recv(_LARGEST):
            document = _document(datagram)
            if document is not None:
                with self._lock:
                    self._keep(json.dumps(document, separators=(",", ":")) + "\n")

    def _keep(self, line: str) -> None:
        if self._file is None:
            self._early.append(line)
        else:
            with contextlib.suppress(OSError):  # the folder is gone when everything ends
                self._file.write(line)


def _document(datagram: bytes) -> dict[str, Any] | None:
    _, _, body = datagram.partition(b"\n")
    try:
        document = json.loads(body)
    except ValueError:
        return None
    return document if isinstance(document, dict) and "trace_id" in document else None
