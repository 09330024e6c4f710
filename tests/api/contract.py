"""Schemathesis from /openapi.json against a running api: in process here, and the deployed one in the cloud tests."""

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis.errors import Unsatisfiable


def check_contract(root: str, *, examples: int) -> list[str]:
    """Ask every operation in `examples` right and as many wrong ways; the labels of the operations that were asked.

    `root` is the address of the dashboard, with its slash. Raises what schemathesis finds: an answer that is not
    described, a wrong request that is taken, a right one that is refused, a 5xx.
    """
    schemathesis = pytest.importorskip("schemathesis")
    modes = schemathesis.GenerationMode
    schema = schemathesis.openapi.from_url(f"{root}openapi.json")
    tried = []
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in (modes.POSITIVE, modes.NEGATIVE):
            _check(operation, mode, root=root, examples=examples)
        tried.append(operation.label)
    return tried


def _check(operation: Any, mode: Any, *, root: str, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(generation_mode=mode))
    def keeps(case: Any) -> None:
        query = case.query or {}
        assume(mode.is_negative or str(query.get("from", "")) <= str(query.get("to", "9")))  # beyond what a schema says
        assume(mode.is_negative or len({"as_of", "lag", "first"} & query.keys()) <= 1)
        case.call_and_validate(base_url=root)

    try:
        keeps()
    except Unsatisfiable:
        assert mode.is_negative, f"no right request can be made of {operation.label}"
