"""Observation of ourselves: one structured line per invocation, holding its metrics, and one trace subsegment.

The line is JSON on standard output. Its `_aws` member is the CloudWatch embedded metric format
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html),
so that the same line is the log record and the metrics: there is no second call and no second line.
"""

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

from shared.tracing import Span, subsegment

NAMESPACE = "covid-stats"

_cold = True


class Line:
    """The canonical line of one invocation, in the making."""

    def __init__(self, span: Span, **fields: Any) -> None:
        self._span, self._fields, self._units = span, fields, dict[str, str]()

    def bind(self, **fields: str | int | bool | None) -> None:
        """Fields for search: they go on the line, and as annotations on the trace."""
        self._fields |= fields
        self._span.annotate(**fields)

    def measure(self, unit: str, **values: float) -> None:
        """Metrics, with a CloudWatch unit (`Count`, `Bytes`, `Milliseconds`, `Seconds`)."""
        self._fields |= values
        self._units |= dict.fromkeys(values, unit)

    def fail(self, error: BaseException) -> None:
        """Say what went wrong where the handler answers all the same (an HTTP 500, a partial batch response)."""
        self.bind(outcome=type(error).__name__)
        self._fields["error"] = str(error)[:2000]

    def render(self, *, epoch_ms: int) -> str:
        metrics = [{"Name": name, "Unit": unit} for name, unit in self._units.items()]
        directive = {"Namespace": NAMESPACE, "Dimensions": [["stage", "service"]], "Metrics": metrics}
        return json.dumps({"_aws": {"Timestamp": epoch_ms, "CloudWatchMetrics": [directive]}} | self._fields)


@contextlib.contextmanager
def invocation(*, service: str, handler: str, stage: str, context: Any = None) -> Iterator[Line]:
    """Everything a handler does happens inside: `with invocation(...) as line: line.bind(run_id=...)`.

    The line says `outcome`: what the handler bound, or `ok`, or the error's class name when one passes through
    (it is raised on). `context` is the Lambda context, for the request id.
    """
    global _cold
    began, cold, _cold = time.perf_counter(), _cold, False
    with subsegment(handler, service=service, stage=stage) as span:
        line = Line(span, service=service, handler=handler, stage=stage, cold_start=cold)
        line.bind(request_id=getattr(context, "aws_request_id", "") or "")
        try:
            yield line
            line._fields.setdefault("outcome", "ok")
        except BaseException as error:
            line.fail(error)
            raise
        finally:
            line.measure("Milliseconds", duration=round((time.perf_counter() - began) * 1000, 1))
            line.measure("Count", errors=int("error" in line._fields), invocations=1)
            print(line.render(epoch_ms=int(time.time() * 1000)), file=sys.stdout, flush=True)
