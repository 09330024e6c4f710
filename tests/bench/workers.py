"""A contender in a process of its own, asked to do its task again and again.

    python -m tests.bench.workers tests.bench.diff_tasks:ours_delta FOLDER

The function named makes ready and gives back what is to be timed. Memory is that of the process alone, as Linux
counts it, and grows with nothing that another contender did.
"""

import gc
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Round:
    """What came of doing a task once."""

    seconds: float
    result: Any
    """What the task gave back, by way of JSON."""
    peak_mib: float
    """The most memory that the process has held so far."""


class Worker:
    """`with Worker("tests.bench.diff_tasks:floor", folder) as floor: floor.seconds()`."""

    def __init__(
        self,
        task: str,
        *arguments: object,
        environment: Mapping[str, str] | None = None,
        python: Path | None = None,
    ) -> None:
        self._command = [str(python or sys.executable), "-m", "tests.bench.workers", task, *map(str, arguments)]
        self._environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths()))} | dict(environment or {})
        self._process: subprocess.Popen[str] | None = None
        self.last = Round(seconds=0.0, result=None, peak_mib=0.0)
        """The last round; before the first nothing."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def seconds(self) -> float:
        """Do it once. Raises RuntimeError where the process died: it has said why on standard error."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("again\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{' '.join(self._command[2:])} ended with {self._process.wait()}")
        self.last = Round(**json.loads(line))
        return self.last.seconds


def paths() -> list[Path]:
    """Where modules are found: the checkout, and the merger for `chalicelib`."""
    return [ROOT, ROOT / "merger"]


def peak_mib() -> float:
    """The most memory this process has held so far, pages of mapped files among it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def main(arguments: list[str]) -> None:
    module, _, name = arguments[0].partition(":")
    prepare: Callable[..., Callable[[], object]] = getattr(importlib.import_module(module), name)
    act = prepare(*arguments[1:])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the task prints is not an answer
    for _ in sys.stdin:
        gc.collect()
        began = time.perf_counter()
        result = act()
        seconds = time.perf_counter() - began
        done = Round(seconds=seconds, result=result, peak_mib=peak_mib())
        print(json.dumps(asdict(done)), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
