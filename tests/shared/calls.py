"""Every AWS call of the system under test, as it is made: counted, made to happen one at a time, stopped and crashed.

Hooked into the clients' own event system: `before-send` comes before the call has any effect, `response-received`
after its effect and before its answer is known. A call that is added to a handler is covered without a word here.
"""

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any


class Crash(BaseException):
    """The process died here. No `except Exception` may catch it: a dead process catches nothing."""


class Fault(Exception):
    """A call failed, in a way that nobody reckons with."""


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
    fails: bool = False
    """It is only this call that fails: the process lives, and can put away what it holds."""


@dataclass(kw_only=True)
class Invocation:
    """The calls of one invocation, whichever of its threads makes them."""

    point: CrashPoint | None = None
    turns: list[tuple[str, int]] = field(default_factory=list)
    """Threads one after the other: the lane, and how many calls it makes before the next one's turn."""
    gate: Callable[[int], None] | None = None
    """Passed through before each call, with its number: who waits in it stops the invocation."""
    made: list[Call] = field(default_factory=list)
    dead: bool = False
    failed: bool = False
    """One of its calls was made to fail."""


class Calls:
    """Listens to clients. One call at a time takes effect, whichever thread makes it: the store is one place."""

    def __init__(self, *clients: Any, lanes: Sequence[str] = ()) -> None:
        """`lanes` are the feeds whose threads are told apart."""
        self.listeners: list[Callable[[Call, Any], None]] = []
        """Hear of every call that took effect, with the parsed answer, before the caller does."""
        self._lanes = tuple(lanes)
        self.current = Invocation()
        """The last one that had its own threads, or the main one."""
        self._server = threading.RLock()
        self._turn = threading.Condition()
        self._here = threading.local()
        for client in clients:
            client.meta.events.register_first("before-send", self._before)
            client.meta.events.register_last("response-received", self._after)

    def begin(self, invocation: Invocation, *, here_only: bool = False) -> None:
        """The calls from now on are this invocation's; `here_only`: those of this thread."""
        if here_only:
            self._here.invocation = invocation
        else:
            self.current = invocation

    @property
    def made(self) -> list[Call]:
        """Of the last invocation."""
        return self.current.made

    def _before(self, request: Any, event_name: str, **_: Any) -> None:
        mine: Invocation = getattr(self._here, "invocation", self.current)
        call = Call(name=event_name.removeprefix("before-send."), request=request, lane=self._lane(request))
        if mine.gate:
            mine.gate(len(mine.made))
        self._await_turn(call, mine)
        self._server.acquire()
        try:
            if mine.dead:
                raise Crash(f"dead before {call.name}")
            number = len(mine.made)
            mine.made.append(call)
            self._here.last = call, number, mine
            self._happen(mine, call, number, after=False)
        except Fault:
            raise  # botocore makes it the answer: `_after` hears of it
        except BaseException:
            self._server.release()
            raise

    def _after(self, parsed_response: Any, exception: Any, **_: Any) -> None:
        call, number, mine = self._here.last
        try:
            status = ((parsed_response or {}).get("ResponseMetadata") or {}).get("HTTPStatusCode", 0)
            if exception is None and status < 300:
                for listener in self.listeners:
                    listener(call, parsed_response)
            self._happen(mine, call, number, after=True)
        finally:
            self._server.release()
        self._done(call, mine)

    def _happen(self, mine: Invocation, call: Call, number: int, *, after: bool) -> None:
        """Die or fail here, if this is the place."""
        point = mine.point
        if point is None or (point.number, point.after) != (number, after):
            return
        where = f"{'after' if after else 'before'} call {number}, {call.name}"
        if point.fails:
            mine.failed = True
            raise Fault(where)
        mine.dead = True
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

    def _await_turn(self, call: Call, mine: Invocation) -> None:
        if call.lane and mine.turns:
            with self._turn:
                self._turn.wait_for(lambda: mine.dead or not mine.turns or mine.turns[0][0] == call.lane, timeout=30)

    def _done(self, call: Call, mine: Invocation) -> None:
        if call.lane and mine.turns:
            with self._turn:
                lane, left = mine.turns[0]
                if lane == call.lane:
                    mine.turns[:1] = [(lane, left - 1)] if left > 1 else []
                self._turn.notify_all()


def every_crash(calls: Calls, work: Callable[[], object], *, afresh: Callable[[], object]) -> Iterator[CrashPoint]:
    """Do `work` with a crash at the first point, at the second, and so on; each point at which it crashed.

    `afresh` sets everything back before each; the caller does the work again and looks at the end state.
    """
    for place in itertools.count():
        afresh()
        point = CrashPoint(number=place // 2, after=bool(place % 2))
        calls.begin(Invocation(point=point))
        try:
            work()
        except Crash:
            calls.begin(Invocation())
            yield point
        else:
            calls.begin(Invocation())
            return


def lanes_of(calls: Sequence[Call]) -> Counter[str]:
    """Lane -> how many calls were made in it."""
    return Counter(call.lane for call in calls if call.lane)
