"""Crashes at chosen AWS calls: before a call, or after its effect and before its answer.

Hooked into the clients' own event system, so that a call which is added later is covered without a word here.
"""

import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any


class Crash(BaseException):
    """The process died here. No `except Exception` may catch it: a dead process catches nothing."""


class CrashingClients:
    """Counts the calls of some low-level clients, and dies at one of them."""

    def __init__(self, *clients: Any) -> None:
        self.calls: list[str] = []
        """`PutItem`, `PutObject` ... in order, since the last `arm`."""
        self._at, self._lock = -1, threading.Lock()
        for client in clients:
            client.meta.events.register_first("before-call", self._before)
            client.meta.events.register_last("after-call", self._after)

    def arm(self, *, at: int) -> None:
        """Die at crash point `at`: 2n is before call n, 2n + 1 after it; -1 is never."""
        self._at, self.calls = at, []

    def _before(self, model: Any, context: dict[str, Any], **_: Any) -> None:
        with self._lock:
            number = len(self.calls)
            self.calls.append(model.name)
        context["number"] = number
        if self._at == 2 * number:
            raise Crash(f"before call {number}, {model.name}")

    def _after(self, model: Any, context: dict[str, Any], **_: Any) -> None:
        if self._at == 2 * context["number"] + 1:
            raise Crash(f"after call {context['number']}, {model.name}")


def every_crash(clients: CrashingClients, work: Callable[[], object], *, afresh: Callable[[], object]) -> Iterator[int]:
    """Do `work` with a crash at the first point, at the second, and so on; each point at which it crashed.

    `afresh` sets the world back before each; the caller does the work again and looks at the end state.
    """
    for point in itertools.count():
        afresh()
        clients.arm(at=point)
        try:
            work()
        except Crash:
            clients.arm(at=-1)
            yield point
        else:
            clients.arm(at=-1)
            return
