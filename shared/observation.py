"""Observation of ourselves: one structured line per invocation, holding its metrics, and one trace subsegment.

The line is JSON on standard output. Its `_aws` member is the CloudWatch embedded metric format
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html),
so that the same line is the log record and the metrics: there is no second call and no second line.

Every field and metric is declared in `infra/tracing/log_fields.py`; a test holds the handlers to it.
"""

import contextlib
import json
import logging
import sys
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from shared.scrubbing import scrub
from shared.tracing import Span, first_subsegment, trace_id
from shared.version import VERSION

NAMESPACE = "covid-stats"
DIMENSIONS = ("stage", "service", "handler")
EVENT = "invocation"
"""What a line is about; a search for it finds our lines among the platform's."""

_LONGEST = 2000
"""Characters of one field."""

_cold = True
_current: ContextVar["Line | None"] = ContextVar("line", default=None)


class Line:
    """The canonical line of one invocation, in the making."""

    def __init__(self, span: Span, **fields: Any) -> None:
        self._span, self._fields, self._units = span, fields, dict[str, str]()
        self._passed_over = dict[str, str]()
        self._began = time.perf_counter()

    @property
    def elapsed_ms(self) -> float:
        """Milliseconds since the invocation began."""
        return round((time.perf_counter() - self._began) * 1000, 1)

    def bind(self, **fields: str | int | bool | None) -> None:
        """Fields for search: they go on the line and on the trace."""
        self._fields |= fields
        self._span.annotate(**fields)

    def measure(self, unit: str, **values: float) -> None:
        """Metrics, with a CloudWatch unit (`Count`, `Bytes`, `Milliseconds`, `Seconds`)."""
        self._fields |= values
        self._units |= dict.fromkeys(values, unit)
        self._span.annotate(**values)

    def fail(self, error: BaseException) -> None:
        """Record an error, also one that is raised no further; `outcome` is its class name."""
        self.bind(outcome=type(error).__name__, error=scrub(str(error))[:_LONGEST])
        self._span.fail(error)

    def pass_over(self, what: str, why: str) -> None:
        """Something that cannot be read was left out, so that the rest could go on."""
        self._passed_over[what] = why

    @property
    def passed_over(self) -> Mapping[str, str]:
        """What was left out -> why."""
        return self._passed_over

    def finish(self) -> None:
        """What is the same of every invocation, and known at its end."""
        if self._passed_over:
            self.bind(passed_over="; ".join(f"{what}: {why}" for what, why in self._passed_over.items()))
            self.measure("Count", items_passed_over=len(self._passed_over))
        self.bind(outcome=self._fields.get("outcome", "ok"))
        self.measure("Milliseconds", duration=self.elapsed_ms)
        self.measure("Count", errors=int("error" in self._fields), invocations=1)

    def render(self, *, epoch_ms: int) -> str:
        metrics = [{"Name": name, "Unit": unit} for name, unit in self._units.items()]
        directive = {"Namespace": NAMESPACE, "Dimensions": [DIMENSIONS], "Metrics": metrics}
        return json.dumps({"_aws": {"Timestamp": epoch_ms, "CloudWatchMetrics": [directive]}} | self._plain())

    def _plain(self) -> dict[str, Any]:
        return {
            name: scrub(value)[:_LONGEST] if isinstance(value, str) else value for name, value in self._fields.items()
        }


def pass_over(what: str, why: str) -> None:
    """Name what cannot be read and is left out: on the line of this invocation, or on standard error."""
    line = _current.get()
    if line is None:
        logging.getLogger(NAMESPACE).warning("%s is passed over: %s", what, why)
    else:
        line.pass_over(what, why)


def passed_over() -> Mapping[str, str]:
    """What this invocation has left out so far -> why; nothing outside of one."""
    line = _current.get()
    return line.passed_over if line else {}


@contextlib.contextmanager
def invocation(*, service: str, handler: str, stage: str, context: Any = None) -> Iterator[Line]:
    """Everything a handler does happens inside: `with invocation(...) as line: line.bind(run_id=...)`.

    The line says `outcome`: what the handler bound, or `ok`, or the error's class name when one passes through
    (it is raised on). `context` is the Lambda context, for the request id.
    """
    global _cold
    cold, _cold = _cold, False
    named: dict[str, Any] = {"service": service, "handler": handler, "stage": stage, "cold_start": cold}
    with first_subsegment(handler, **named) as span:
        line = Line(span, event=EVENT, version=VERSION, **named, trace_id=trace_id())
        line.bind(request_id=getattr(context, "aws_request_id", "") or "")
        outer = _current.set(line)
        try:
            yield line
        except BaseException as error:
            line.fail(error)
            raise
        finally:
            _current.reset(outer)
            line.finish()
            print(line.render(epoch_ms=int(time.time() * 1000)), file=sys.stdout, flush=True)
