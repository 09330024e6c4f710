"""Every AWS call of the system under test, as it is made: counted, made to happen one at a time, and crashed.

Hooked into the clients' own event system: `before-send` comes before the call has any effect, `response-received`
after its effect and before its answer is known. A call that is added to a handler is covered without a word here.
"""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


class Crash(BaseException):
    """The process died here. No `except Exception` may catch it: a dead process catches nothing."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One AWS call."""

    name: str
    """`dynamodb.UpdateItem`."""
    request: Any
    """botocore's prepared request."""
    lane: str
    """The feed that one of several threads works on; empty outside."""


@dataclass(frozen=True, kw_only=True)
class CrashPoint:
    """Where an invocation dies."""

    number: int
    """Of the call, counted from 0 within the invocation."""
    after: bool
    """After the call's effect, before its answer; else before the call."""


class Calls:
    """Listens to clients. One call at a time takes effect, whichever thread makes it: the store is one place."""

    def __init__(self, *, lanes: Sequence[str]) -> None:
        self.made: list[Call] = []
        """Since the last `begin`."""
        self.told: list[Callable[[Call, Any], None]] = []
        """Hear of every call that took effect, with the parsed answer, before the caller does."""
        self.paused: Callable[[Call], None] | None = None
        """Called before each call, outside the lock: a test that stops time for one thread waits in it."""
        self._lanes, self._turns = tuple(lanes), list[tuple[str, int]]()
        self._point: CrashPoint | None = None
        self._dead = False
        self._server = threading.RLock()
        self._turn = threading.Condition()
        self._here = threading.local()

    def listen(self, *clients: Any) -> None:
        for client in clients:
            client.meta.events.register_first("before-send", self._before)
            client.meta.events.register_last("response-received", self._after)

    def begin(self, *, point: CrashPoint | None = None, turns: Sequence[tuple[str, int]] = ()) -> None:
        """A new invocation. `turns`: lanes one after the other, each with the number of calls it makes."""
        self.made, self._point, self._dead, self._turns = [], point, False, list(turns)

    def lanes_of(self, calls: Sequence[Call]) -> Counter[str]:
        return Counter(call.lane for call in calls if call.lane)

    def _before(self, request: Any, event_name: str, **_: Any) -> None:
        name = event_name.removeprefix("before-send.")
        call = Call(name=name, request=request, lane=self._lane(request))
        if self.paused:
            self.paused(call)
        self._await_turn(call)
        self._server.acquire()
        try:
            if self._dead:
                raise Crash(f"dead before {name}")
            number = len(self.made)
            self.made.append(call)
            self._here.call, self._here.number = call, number
            if self._point == CrashPoint(number=number, after=False):
                self._die(f"before call {number}, {name}")
        except BaseException:
            self._server.release()
            raise

    def _after(self, parsed_response: Any, exception: Any, **_: Any) -> None:
        call, number = self._here.call, self._here.number
        try:
            status = ((parsed_response or {}).get("ResponseMetadata") or {}).get("HTTPStatusCode", 0)
            if exception is None and status < 300:
                for tell in self.told:
                    tell(call, parsed_response)
            if self._point == CrashPoint(number=number, after=True):
                self._die(f"after call {number}, {call.name}")
        finally:
            self._server.release()
        self._done(call)

    def _die(self, where: str) -> None:
        self._dead = True
        with self._turn:
            self._turn.notify_all()
        raise Crash(where)

    def _lane(self, request: Any) -> str:
        if threading.current_thread() is threading.main_thread():
            return ""
        body = request.body if isinstance(request.body, (bytes, bytearray)) else b""
        text = request.url.encode() + body
        found = [lane for lane in self._lanes if f"{lane}.csv".encode() in text or f'"{lane}"'.encode() in text]
        return found[0] if len(found) == 1 else ""

    def _await_turn(self, call: Call) -> None:
        if call.lane and self._turns:
            with self._turn:
                self._turn.wait_for(lambda: self._dead or not self._turns or self._turns[0][0] == call.lane, timeout=30)

    def _done(self, call: Call) -> None:
        if call.lane and self._turns:
            with self._turn:
                lane, left = self._turns[0]
                if lane == call.lane:
                    self._turns[:1] = [(lane, left - 1)] if left > 1 else []
                self._turn.notify_all()
