"""Invocations that stand still in the middle, as a function does whose machine is paused."""

import contextlib
import copy
import enum
import io
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING

from tests.shared.calls import Crash, Invocation
from tests.world.platform import Pending

if TYPE_CHECKING:
    from tests.world.system import World

TIMEOUT_MS = 900_000
"""Of the merger's functions: Lambda kills what takes longer, and the lease outlasts it."""


class Sleep(enum.Enum):
    """What becomes of an invocation that stood still beyond its time, with a call under way."""

    KILLED = "the call has its effect, and the invocation is dead"
    WAKES = "it goes on as if no time had passed"


class Slow:
    """An invocation in a thread of its own, which stands still before one of its calls until it is let go on."""

    def __init__(self, made: "World", pending: Pending, *, stop_at: int, sleeps: "Sleep | None" = None) -> None:
        self.pending, self._sleeps = pending, sleeps
        self._world, self._stop_at = made, stop_at
        self._began_ms = made.platform.now_ms
        self._stopped, self._go = threading.Event(), threading.Event()
        self.invocation = Invocation(gate=self._pass)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._error: BaseException | None = None

    @property
    def handler(self) -> str:
        return self.pending.handler

    def run_to_stop(self) -> None:
        self._thread.start()
        self._stopped.wait()

    def go(self) -> None:
        """Be let go on."""
        self._go.set()

    def finish(self) -> None:
        """Go on to the end, unless its time is up: then Lambda has killed it. What failed is delivered again."""
        with contextlib.redirect_stdout(io.StringIO()):
            self.go()
            self._thread.join()
        if isinstance(self._error, Exception):
            self._world.platform.errors.append(self._error)
        if self._error:
            self._world._again(self.pending)

    def _run(self) -> None:
        context = SimpleNamespace(aws_request_id=self.pending.request_id, function_name=self.handler)
        self._world.calls.begin(self.invocation, here_only=True)
        try:
            self._world._handlers[self.handler](copy.deepcopy(self.pending.event), context)
        except BaseException as error:
            self._error = error
        finally:
            self._stopped.set()

    def _pass(self, number: int) -> None:
        if number == self._stop_at and not self._go.is_set():
            self._stopped.set()
            self._go.wait()
        late = self._world.platform.now_ms - self._began_ms >= TIMEOUT_MS
        if late and (self._sleeps is None or (self._sleeps is Sleep.KILLED and number > self._stop_at)):
            raise Crash("timed out")
