"""What the launcher of the tests adds to MiniStack, shown on stand-ins: retries, halving, partial batches, failures."""

import asyncio
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from infra.local.local_cloud import ministack_python

PROGRAM = Path(__file__).with_name("failing_ministack.py")


class Function:
    """Stands for MiniStack's Lambda: remembers its batches, and answers as it is told."""

    def __init__(self) -> None:
        self.batches = list[list[str]]()
        self.answers = dict[tuple[str, ...], list[dict[str, Any]]]()
        self.asynchronous = list[Any]()

    def execute(self, _func: Any, event: Any) -> dict[str, Any]:
        numbers = [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]
        self.batches.append(numbers)
        answers = self.answers.get(tuple(numbers), [])
        return answers.pop(0) if answers else {"body": json.dumps({"batchItemFailures": []})}


def _run(answering: Coroutine[Any, Any, None]) -> None:
    """In a thread of its own: in this one Playwright may have a loop that runs."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(asyncio.run, answering).result()


@pytest.fixture
def function() -> Function:
    return Function()


@pytest.fixture
def program(function: Function) -> Iterator[Any]:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    modules = {
        "ministack.app": SimpleNamespace(app=app),
        "ministack.services.lambda_svc": SimpleNamespace(
            _execute_function=function.execute,
            _execute_function_dispatch=lambda *_: {"body": "done", "log": "a line"},
            _get_func_record_for_ref=lambda arn: (arn, {"name": arn}, arn),
            _execution_record_for_config=lambda func, config: [func, config],
            invoke_async_with_retry=lambda *call: function.asynchronous.append(call),
        ),
        "ministack.services.eventbridge": SimpleNamespace(),
    }
    spec = importlib.util.spec_from_file_location("failing_ministack", PROGRAM)
    assert spec is not None and spec.loader is not None
    loaded: ModuleType = importlib.util.module_from_spec(spec)
    with mock.patch.dict(sys.modules, modules):
        spec.loader.exec_module(loaded)
        yield loaded


_NAMES = {
    "ministack": ["app", "main"],
    "lambda_svc": [
        *("_execute_function", "_execute_function_dispatch", "_get_func_record_for_ref"),
        *("_execution_record_for_config", "invoke_async_with_retry"),
    ],
    "eventbridge": ["_dispatch_to_lambda"],
}
"""What the program replaces or calls."""


@pytest.mark.skipif(not ministack_python().exists(), reason="the local cloud's environment is not there")
def test_what_the_program_replaces_is_there_in_the_ministack_that_is_pinned() -> None:
    code = f"import failing_ministack as it; [getattr(getattr(it, m), n) for m, of in {_NAMES!r}.items() for n in of]"
    command = [str(ministack_python()), "-c", code]
    environment = {"PYTHONPATH": str(PROGRAM.parent), "PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr[-500:]) == (0, "")


def records(*numbers: str) -> dict[str, Any]:
    return {"Records": [{"eventSource": "aws:dynamodb", "dynamodb": {"SequenceNumber": it}} for it in numbers]}


FAILED = {"error": True, "body": {"errorType": "Runtime.ExitError"}}


def test_a_batch_that_fails_is_halved_and_a_record_that_fails_comes_again(program: Any, function: Function) -> None:
    function.answers = {("1", "2", "3"): [FAILED], ("2", "3"): [FAILED], ("2",): [FAILED, FAILED]}
    answer = program.execute({}, records("1", "2", "3"))
    assert function.batches == [["1", "2", "3"], ["1"], ["2", "3"], ["2"], ["2"], ["2"], ["3"]]
    assert "error" not in answer or not answer["error"]
    assert program.failures.counts["batches halved"] == 2


def test_what_a_partial_batch_response_names_comes_again_with_all_behind_it(program: Any, function: Function) -> None:
    function.answers = {("1", "2", "3"): [{"body": {"batchItemFailures": [{"itemIdentifier": "2"}]}}]}
    program.execute({}, records("1", "2", "3"))
    assert function.batches == [["1", "2", "3"], ["2", "3"]]


def test_a_record_that_always_fails_is_given_up(program: Any, function: Function) -> None:
    program._TRIES = 5
    function.answers = {("1",): [FAILED] * 1000}
    assert program.execute({}, records("1"))["error"]
    assert function.batches == [["1"]] * 6


def test_an_event_is_delivered_asynchronously_which_comes_again(program: Any, function: Function) -> None:
    program.invoke_by_event("arn", '{"a": 1}')
    assert function.asynchronous == [(["arn", {"name": "arn"}], {"a": 1})]


def test_an_invocation_dies_before_it_begins_or_after_it_is_over(program: Any) -> None:
    assert program.invoke({}, {}, {}, "id", 0.0) == {"body": "done", "log": "a line"}
    program.failures.share = 1.0
    died = [program.invoke({}, {}, {}, "id", 0.0) for _ in range(20)]
    assert all(it["error"] for it in died)
    assert {it["log"] for it in died} == {"", "a line"}


def statuses(program: Any, *, credential: str, times: int = 20) -> set[int]:
    """What requests with this credential are answered."""
    header = f"AWS4-HMAC-SHA256 Credential={credential}/20200301/us-east-1/s3/aws4_request".encode()
    scope = {"type": "http", "path": "/bucket", "headers": [(b"authorization", header)]}
    found = set[int]()

    async def receive() -> dict[str, Any]:
        return {"body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if "status" in message:
            found.add(message["status"])

    for _ in range(times):
        _run(program.app(scope, receive, send))
    return found


def test_calls_of_functions_fail_before_or_after_their_effect_and_the_tests_own_never(program: Any) -> None:
    assert statuses(program, credential="ASIAFUNCTION") == {200}
    program.failures.share = 1.0
    assert statuses(program, credential="ASIAFUNCTION") == {500, 503}
    assert statuses(program, credential="test") == {200}


def test_the_share_that_fails_is_set_by_a_request(program: Any) -> None:
    answers = list[bytes]()

    async def receive() -> dict[str, Any]:
        return {"body": b'{"share": 0.25}', "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        answers.append(message.get("body", b""))

    _run(program.app({"type": "http", "path": "/_failures", "headers": []}, receive, send))
    assert program.failures.share == 0.25
    assert json.loads(answers[-1]) == program.failures.counts
