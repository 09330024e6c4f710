"""A Lambda process as tracing sees it: the variables that the platform sets, and an ear where the daemon would be."""

import contextlib
import itertools
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.local.trace_collector import TraceCollector
from infra.tracing.store import FileStore
from infra.waiting import wait_for
from shared import tracing

ROOT = "1-5f95b290-00000000000000000000"


@dataclass(kw_only=True)
class Process:
    """`process.invocation()` begins one; what is traced arrives in `store`."""

    collector: TraceCollector
    store: FileStore
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    headers: list[str] = field(default_factory=list)
    """The trace header of each invocation so far."""

    def invocation(self, *, sampled: bool = True, like: str = "") -> str:
        """The next invocation's trace header, which is set; `like` is one in whose trace it is a retry."""
        number = next(self._numbers)
        root = tracing.parse_header(like).get("Root") or f"{ROOT}{number:04x}"
        header = f"Root={root};Parent={number:016x};Sampled={int(sampled)}"
        os.environ["_X_AMZN_TRACE_ID"] = header
        self.headers.append(header)
        return header

    def documents(self, *, at_least: int) -> list[Any]:
        """What has arrived, once there are so many documents."""

        def look() -> list[Any]:
            found = [document for trace in self.store.get(self.trace_ids) for document in trace.documents]
            return found if len(found) >= at_least else []

        return wait_for(look, seconds=10, what=f"{at_least} documents")

    @property
    def trace_ids(self) -> list[str]:
        return [tracing.parse_header(header)["Root"] for header in self.headers]


@contextlib.contextmanager
def lambda_process(folder: Path) -> Iterator[Process]:
    """The environment is that of a function for as long as this lasts, and the recorder is made for it."""
    before = dict(os.environ)
    with TraceCollector() as collector:
        path = folder / "traces.jsonl"
        collector.keep_in(path)
        os.environ |= {"LAMBDA_TASK_ROOT": str(folder), "AWS_XRAY_DAEMON_ADDRESS": collector.address}
        tracing._recorder.cache_clear()
        try:
            yield Process(collector=collector, store=FileStore(path))
        finally:
            os.environ.clear()
            os.environ.update(before)
            tracing._recorder.cache_clear()


def loaded(name: str) -> bool:
    """Whether a module has been imported."""
    return name in sys.modules
