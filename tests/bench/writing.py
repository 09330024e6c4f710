"""Writing 10,000 changed rows where every call takes 8 ms."""

import contextlib
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.bench.measuring import OURS, PLAIN, Figure, Target, take_turns
from tests.bench.workers import Worker

NAMES = ("write_10k",)
_MILLISECONDS = 8
_SERVER = Path(__file__).with_name("slow_dynamodb.py")
_ACCOUNT = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


def measure(_: Iterable[str]) -> Iterator[Figure]:
    with _slow_dynamodb() as endpoint, contextlib.ExitStack() as stack:
        ours, plain = (
            stack.enter_context(Worker(f"tests.bench.write_tasks:{task}", endpoint, environment=_ACCOUNT))
            for task in ("ours", "plain")
        )
        taken = take_turns({OURS: ours.seconds, PLAIN: plain.seconds}, rounds=5)
        assert ours.last.result == plain.last.result == 10_000
    yield Figure(name="write_10k", unit="s", rounds=taken, target=Target(faster_than_plain=6))


@contextlib.contextmanager
def _slow_dynamodb() -> Iterator[str]:
    """Its address, for as long as it runs."""
    command = [sys.executable, "-I", str(_SERVER), str(_MILLISECONDS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None and server.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.stdin.close()
