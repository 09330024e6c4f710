"""One service in a process of its own, as Lambda runs it: events come in as JSON lines, answers go out as such.

An answer is `[milliseconds of processor time since the process began, milliseconds that the handler took, what it
answered]`.

    python overhead_worker.py ours|plain SERVICE

`plain` is the same service without observation: the modules that observe are replaced by ones that do nothing, so
that neither their work nor their import is there.
"""

import contextlib
import importlib.util
import json
import os
import sys
import time
import types
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def main(contender: str, service: str) -> None:
    answers, sys.stdout = sys.stdout, Path(os.devnull).open("w")  # noqa: SIM115  # the lines, as long as this lives
    sys.path[:0] = [str(ROOT / service), str(ROOT)]
    if contender == "plain":
        _replace_observation()
    app = _load(service)
    for line in sys.stdin:
        request = json.loads(line)
        os.environ["_X_AMZN_TRACE_ID"] = request["header"]
        context = types.SimpleNamespace(aws_request_id=request["header"], function_name="f", memory_limit_in_mb=512)
        began = time.perf_counter()
        answer = getattr(app, request["handler"])(request["event"], context)
        spent = (time.perf_counter() - began) * 1000
        print(json.dumps([time.process_time() * 1000, spent, answer]), file=answers, flush=True)


def _load(service: str) -> Any:
    spec = importlib.util.spec_from_file_location("app", ROOT / service / "app.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class _Nothing:
    """A line, a span and a recorder that do nothing."""

    elapsed_ms = 0.0

    def __init__(self, *_: Any, **__: Any) -> None: ...

    bind = measure = annotate = fail = listen = __init__


def _replace_observation() -> None:
    @contextlib.contextmanager
    def nothing(*_: Any, **__: Any) -> Any:
        yield _Nothing()

    tracing = types.ModuleType("shared.tracing")
    tracing.__dict__.update(
        Span=_Nothing,
        subsegment=nothing,
        first_subsegment=nothing,
        follow=lambda *_, **__: None,
        carried=lambda function: function,
        current_header=lambda: "",
        own_trace=lambda _: {},
        trace_id=lambda: "",
        is_tracing=lambda: False,
    )
    observation = types.ModuleType("shared.observation")
    observation.__dict__.update(Line=_Nothing, invocation=nothing)
    aws_calls = types.ModuleType("shared.aws_calls")
    aws_calls.__dict__.update(CallRecorder=_Nothing)
    sys.modules |= {each.__name__: each for each in (tracing, observation, aws_calls)}


if __name__ == "__main__":
    main(*sys.argv[1:])
