"""AWS calls as subsegments, by botocore's own events: what was called, for how long, how many bytes, what it answered.

The SDK's patch wraps the client class instead: 20 ms of a cold start, and a call that fails before it is sent leaves
a subsegment open. Here a call becomes a subsegment when it is over.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.call_metadata import CallMetadata
from shared.scrubbing import scrub
from shared.tracing import current_header, is_tracing, record_call

MOST = 100
"""Calls of an invocation that get a subsegment; the first load of a large dataset makes thousands."""

_KEY = "covid-stats"
_PLACES = {"TableName": "table_name", "Bucket": "bucket_name", "Key": "key", "TopicArn": "topic_arn"}
_THROTTLES = frozenset({"ThrottlingException", "ProvisionedThroughputExceededException", "Throttled", "SlowDown"})


@dataclass(slots=True)
class _Call:
    """A call under way."""

    began: float
    """Seconds since 1970."""
    model: Any
    places: Mapping[str, str]
    sent: int = 0
    """Bytes of the request's body."""


class CallRecorder:
    """Listens to the events of a botocore session, and so to all clients that are made of it afterwards."""

    def __init__(self) -> None:
        self._invocation, self._calls = "", 0

    def listen(self, session: Any) -> None:
        session.register("before-parameter-build", self.begins)
        session.register("before-call", self.sends)
        session.register("after-call", self.ended)
        session.register("after-call-error", self.broke)

    def begins(self, params: Mapping[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        if is_tracing() and self._is_one_of_the_first():
            places = {ours: params[name] for name, ours in _PLACES.items() if isinstance(params.get(name), str)}
            context[_KEY] = _Call(time.time(), model, places)

    def sends(self, params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        call: _Call | None = context.get(_KEY)
        if call is not None:
            call.sent = _size(params.get("body"))

    def ended(self, http_response: Any, parsed: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        call: _Call | None = context.pop(_KEY, None)
        if call is not None:
            is_head = call.model.name.startswith("Head")
            received = 0 if is_head else int(http_response.headers.get("content-length") or 0)
            _record(call, parsed, status=int(http_response.status_code), received=received)

    def broke(self, exception: Exception, context: dict[str, Any], **_: Any) -> None:
        """Called by botocore where a call gets no answer: refused, timed out, broken off."""
        call: _Call | None = context.pop(_KEY, None)
        if call is not None:
            reason = scrub(f"{type(exception).__name__}: {exception}")[:500]
            _record(call, {}, status=0, received=0, failure="fault", reason=reason)

    def _is_one_of_the_first(self) -> bool:
        header = current_header()
        if header != self._invocation:
            self._invocation, self._calls = header, 0
        self._calls += 1
        return self._calls <= MOST


def _record(
    call: _Call, parsed: Mapping[str, Any], *, status: int, received: int, failure: str = "", reason: str = ""
) -> None:
    response = parsed.get("ResponseMetadata", {})
    code = parsed.get("Error", {}).get("Code", "") if status >= 400 else ""
    aws = {"operation": call.model.name, "request_id": response.get("RequestId", ""), **call.places}
    record_call(
        call.model.service_model.service_id,
        call.began,
        aws=aws | ({"retries": response["RetryAttempts"]} if response.get("RetryAttempts") else {}),
        status=status,
        failure=failure or _failure(status, code),
        metadata=CallMetadata(sent=call.sent, received=received, rows=parsed.get("Count", 0), code=code, reason=reason),
    )


def _failure(status: int, code: str) -> str:
    """A condition that does not hold is an `error` for X-Ray: an answer, but not the one asked for."""
    if status == 429 or code in _THROTTLES:
        return "throttle"
    if status >= 500:
        return "fault"
    return "error" if status >= 400 else ""


def _size(body: Any) -> int:
    """Bytes of what is sent: bytes themselves, or a file from where it stands."""
    if isinstance(body, bytes | bytearray | str):
        return len(body)
    if isinstance(body, Mapping):  # a form, not encoded yet
        return sum(len(str(name)) + len(str(value)) + 2 for name, value in body.items())
    if hasattr(body, "seek"):
        at = body.tell()
        body.seek(0, 2)
        size = int(body.tell() - at)
        body.seek(at)
        return size
    return 0
