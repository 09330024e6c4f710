import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from infra.local.running_clouds import Running, announced, find_running


class Ready(BaseHTTPRequestHandler):
    """Answers as a local cloud that is ready."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "completed"}')

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def running() -> Iterator[Running]:
    server = HTTPServer(("127.0.0.1", 0), Ready)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield Running(pid=os.getpid(), endpoint=f"http://127.0.0.1:{server.server_address[1]}", stage="local")
    server.shutdown()
    server.server_close()


def test_a_running_cloud_is_found_while_it_lasts(running: Running, tmp_path: Path) -> None:
    folder = tmp_path / "running"
    with announced(running, folder=folder):
        assert find_running(folder=folder) == running
    assert find_running(folder=folder) is None
    assert list(folder.iterdir()) == []


def test_the_file_of_a_command_that_was_killed_is_removed(running: Running, tmp_path: Path) -> None:
    gone = Running(pid=2**22 + 1, endpoint=running.endpoint, stage="local")
    silent = Running(pid=os.getpid(), endpoint="http://127.0.0.1:9", stage="local")
    for number, left in enumerate((gone, silent)):
        (tmp_path / f"{number}.json").write_text(str(vars(left)).replace("'", '"'))
    (tmp_path / "half.json").write_text('{"pid": 1')
    assert find_running(folder=tmp_path) is None
    assert list(tmp_path.iterdir()) == []
