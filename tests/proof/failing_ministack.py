"""MiniStack with what AWS does when something fails, and with failures; run by MiniStack's interpreter.

What MiniStack leaves out: a scheduled or object event whose function failed comes again twice, then goes to the
dead-letter queue; a failed batch of stream records is halved, and what a partial batch response names comes again.

What fails, while `PUT /_failures` says so with a share from 0 to below 1: invocations die before they begin, or after
they are over and before anyone learns of it; calls of functions are refused, or take effect and are answered with an
error.
"""

import importlib
import json
import os
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

os.environ.setdefault("LAMBDA_ASYNC_RETRY_BASE_SECONDS", "0.2")  # read when the module below is imported

ministack: Any = importlib.import_module("ministack.app")
lambda_svc: Any = importlib.import_module("ministack.services.lambda_svc")
eventbridge: Any = importlib.import_module("ministack.services.eventbridge")

_ADMINISTRATOR = "Credential=test/"
"""Whose calls never fail: the test's own."""
_TRIES = 200
"""Of one batch, in place of the twelve hours that the stages' mappings go on for."""

type Message = dict[str, Any]
type App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


class Failures:
    """Chooses what fails."""

    def __init__(self) -> None:
        self.share = 0.0
        self.counts = dict.fromkeys(("invocations failed", "calls failed", "batches halved", "records again"), 0)
        self._random = random.Random(0)

    def choose(self, what: str, *, share: float) -> str:
        """`before` the effect, `after` it, or empty: all is well."""
        if self._random.random() >= share:
            return ""
        self.counts[f"{what} failed"] += 1
        return self._random.choice(["before", "after"])


failures = Failures()
_dispatch, _execute, _app = lambda_svc._execute_function_dispatch, lambda_svc._execute_function, ministack.app


def invoke(func: Message, config: Message, event: Message, request_id: str, started: float) -> Message:
    """One invocation, which may die."""
    chosen = failures.choose("invocations", share=failures.share)
    result: Message = {} if chosen == "before" else _dispatch(func, config, event, request_id, started)
    if not chosen:
        return result
    died = {"errorType": "Runtime.ExitError", "errorMessage": "Runtime exited"}
    return {"error": True, "body": died, "log": str(result.get("log", ""))}


def execute(func: Message, event: Message) -> Message:
    """Records of a stream as an event source mapping delivers them; anything else as MiniStack does."""
    records = event.get("Records") if isinstance(event, dict) else None
    if not records or records[0].get("eventSource") != "aws:dynamodb":
        result: Message = _execute(func, event)
        return result
    waiting, tries = [records], 0
    while waiting:
        batch = waiting.pop(0)
        result = _execute(func, {"Records": batch})
        tries += 1
        if tries > _TRIES:
            return result
        if result.get("error"):
            middle = len(batch) // 2
            failures.counts["batches halved"] += bool(middle)
            failures.counts["records again"] += not middle
            waiting[:0] = [batch[:middle], batch[middle:]] if middle else [batch]
            time.sleep(0.02)
        elif left := left_of(batch, result.get("body")):
            failures.counts["records again"] += len(left)
            waiting.insert(0, left)
    return {"error": False, "body": {"batchItemFailures": []}, "log": ""}


def left_of(batch: list[Message], body: Any) -> list[Message]:
    """From the first record on that a partial batch response names."""
    answer = json.loads(body) if isinstance(body, str) else body
    failed = {it["itemIdentifier"] for it in (answer or {}).get("batchItemFailures", [])}
    numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
    return next((batch[place:] for place, number in enumerate(numbers) if number in failed), [])


def invoke_by_event(arn: str, payload: str) -> None:
    """EventBridge invokes asynchronously: what fails comes again."""
    func, config, _ = lambda_svc._get_func_record_for_ref(arn)
    if func and config:
        record = lambda_svc._execution_record_for_config(func, config)
        lambda_svc.invoke_async_with_retry(record, json.loads(payload))


async def app(scope: Message, receive: Any, send: Any) -> None:
    """All requests; those of functions may fail."""
    if scope["type"] == "http" and scope["path"] == "/_failures":
        failures.share = float(json.loads(await _body(receive) or b"{}").get("share", failures.share))
        await _answer(send, 200, json.dumps(failures.counts).encode())
        return
    authorization = dict(scope.get("headers", [])).get(b"authorization", b"").decode("latin-1")
    by_function = scope["type"] == "http" and "Credential=" in authorization and _ADMINISTRATOR not in authorization
    chosen = failures.choose("calls", share=failures.share) if by_function else ""
    if chosen == "before":
        await _body(receive)
        await _answer(send, 503, b"")
    elif chosen == "after":
        await _app(scope, receive, _nowhere)
        await _answer(send, 500, b"")
    else:
        await _app(scope, receive, send)


async def _body(receive: Callable[[], Awaitable[Message]]) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


async def _nowhere(_message: Message) -> None:
    """The answer is lost."""


async def _answer(send: Any, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    lambda_svc._execute_function_dispatch, lambda_svc._execute_function = invoke, execute
    eventbridge._dispatch_to_lambda = invoke_by_event
    ministack.app = app
    ministack.main()


if __name__ == "__main__":
    main()
