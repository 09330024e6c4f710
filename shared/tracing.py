"""Tracing, behind one door: nothing else imports aws-xray-sdk, so that another SDK can take its place.

Outside Lambda (tests, commands) every call does nothing, and the SDK is not imported: there its start would create
an X-Ray client. Inside, segments come from the Lambda runtime; this adds subsegments and annotations.
"""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

_IN_LAMBDA = bool(os.environ.get("LAMBDA_TASK_ROOT"))


def current_header() -> str:
    """The trace header of this invocation (`Root=...;Parent=...;Sampled=1`), empty where there is none."""
    return os.environ.get("_X_AMZN_TRACE_ID", "")


@contextlib.contextmanager
def subsegment(name: str, **annotations: str | int | bool) -> Iterator["Span"]:
    """Time a step; an exception that passes through marks it as a fault with its cause.

    Yields a `Span` for what is known only later: `span.annotate(rows=285)`.
    """
    if not (_IN_LAMBDA and current_header()):
        yield Span(None)
        return
    from aws_xray_sdk.core import xray_recorder  # deferred: outside Lambda it must not be imported

    with xray_recorder.in_subsegment(name) as segment:
        span = Span(segment)
        span.annotate(**annotations)
        yield span


class Span:
    """A subsegment in progress, or nothing where tracing is off."""

    def __init__(self, segment: Any) -> None:
        self._segment = segment

    def annotate(self, **annotations: str | int | float | bool | None) -> None:
        """Indexed key-value pairs; empty ones are left out."""
        for name, value in annotations.items():
            if self._segment is not None and value not in (None, ""):
                self._segment.put_annotation(name, value)
