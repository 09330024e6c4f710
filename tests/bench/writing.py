"""Writing rows where every call takes 8 ms: 10,000 changed ones, and the first load of a dataset of counties."""

import contextlib
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.bench.measuring import FLOOR, OURS, PLAIN, Figure, Target, take_turns
from tests.bench.workers import Worker

NAMES = ("write_10k", "write_1200k")
_MILLISECONDS = 8
_LOAD = 1_200_000
_BATCH, _AT_ONCE = 25, 12
"""Rows that DynamoDB takes in a call, and calls that the merger makes at a time."""
_SERVER = Path(__file__).with_name("slow_dynamodb.py")
_ACCOUNT = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
_TASKS = "tests.bench.write_tasks"


def measure(wanted: Iterable[str]) -> Iterator[Figure]:
    """The figures asked for."""
    chosen = set(wanted)
    with _slow_dynamodb() as endpoint:
        if "write_10k" in chosen:
            yield _changed_rows(endpoint)
        if "write_1200k" in chosen:
            yield _first_load(endpoint)


def _changed_rows(endpoint: str) -> Figure:
    with contextlib.ExitStack() as stack:
        ours, plain = (
            stack.enter_context(Worker(f"{_TASKS}:{task}", endpoint, environment=_ACCOUNT))
            for task in ("ours", "plain")
        )
        taken = take_turns({OURS: ours.seconds, PLAIN: plain.seconds}, rounds=5)
        assert ours.last.result == plain.last.result == 10_000
    return Figure(name="write_10k", unit="s", rounds=taken, target=Target(faster_than_plain=6))


def _first_load(endpoint: str) -> Figure:
    """Once: it takes a minute, and what is a second of it more or less is not looked for."""
    with Worker(f"{_TASKS}:first_load", endpoint, _LOAD, environment=_ACCOUNT) as ours:
        seconds = ours.seconds()
        assert ours.last.result == _LOAD
    return Figure(
        name="write_1200k",
        unit="s",
        rounds={OURS: [seconds], FLOOR: [_LOAD / _BATCH / _AT_ONCE * _MILLISECONDS / 1000]},
        target=Target(times_floor=1.2),
        note=f"the floor is reckoned: {_BATCH} rows a call, {_AT_ONCE} calls at a time, {_MILLISECONDS} ms a call",
    )


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
