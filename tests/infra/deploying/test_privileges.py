"""Least privilege, proven where the local cloud enforces IAM: nothing less would do.

That it is enough is shown by the end-to-end suite in `tests/cloud`, which runs with IAM enforced. What the local
cloud does not enforce is listed here; that list is checked too, and the policies in
`tests/infra/deploying/test_policies.py`.
"""

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from infra.services import SERVICES
from tests.infra.deploying.direct_calls import DirectCalls
from tests.infra.deploying.rights import Right, Rights, denials

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("guarded")]

FUNCTIONS = [(service.name, function) for service in SERVICES.values() for function in service.functions]

NOT_ENFORCED = {
    "WriteLog": "MiniStack keeps what a function prints without asking IAM",
    "Trace": "MiniStack has no X-Ray",
    "LeaveWhatFailed": "MiniStack puts into dead-letter queues without asking IAM, and most it never fills",
    "FindStream": "MiniStack reads streams for a mapping without asking IAM",
    "WriteLargeTables": "the dataset of the stage has one series, whose tables fit into an answer",
    "ReadStream": "MiniStack reads streams for a mapping without asking IAM",
}
"""Statements that nothing here can show to be needed, with the reason."""

ONLY_FOR_A_404 = {"fetch", "on_feed_arrived", "api_handler"}
"""Functions that may list the bucket only so that S3 says 404 of an absent key, not 403; MiniStack always says 404."""


def is_enforced(function: str, statement: Mapping[str, Any]) -> bool:
    sid = statement["Sid"]
    return sid not in NOT_ENFORCED and not (sid == "TellAbsentFromForbidden" and function in ONLY_FOR_A_404)


def taken_in_turn(service: str, function: str, statements: Sequence[Mapping[str, Any]]) -> list[Right]:
    """Every enforced statement; with EVERY_ACTION=1 each of its actions alone, which takes twice as long."""
    return [
        Right(service=service, function=function, sid=statement["Sid"], action=action)
        for statement in statements
        if is_enforced(function, statement)
        for action in (statement["Action"] if os.environ.get("EVERY_ACTION") else [""])
    ]


def now_ms() -> int:
    return int(time.time() * 1000)


def denied(calls: DirectCalls, function: str) -> list[str]:
    """The traces of a denial that a call of the function leaves."""
    since = now_ms()
    answer = calls.of[function]()
    found = denials(calls.stage, since_ms=since, answer=answer)
    calls.tidy()
    return found


@pytest.mark.parametrize(("service", "function"), FUNCTIONS)
def test_no_statement_is_idle(service: str, function: str, calls: DirectCalls, rights: Rights) -> None:
    """With all its rights a function is denied nothing; with one taken away it is."""
    assert denied(calls, function) == []
    idle = []
    for right in taken_in_turn(service, function, rights.of(service, function)):
        with rights.without(right):
            if not denied(calls, function):
                idle.append(str(right))
    assert idle == []


@pytest.mark.parametrize(("service", "function"), FUNCTIONS)
def test_what_is_not_enforced_is_listed(service: str, function: str, calls: DirectCalls, rights: Rights) -> None:
    """Without the statements of the list a function still does here what it is for: the list is as short as can be."""
    unenforced = [it for it in rights.of(service, function) if not is_enforced(function, it)]
    with rights.without(*(Right(service=service, function=function, sid=it["Sid"]) for it in unenforced)):
        assert denied(calls, function) == []
