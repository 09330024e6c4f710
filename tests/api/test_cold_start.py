"""What a cold request pays for."""

import json
import os
import subprocess
import sys

import pytest

from tests.api.serving import ENVIRONMENT, ApiApp
from tests.shared.apps import HEAVY, ROOT, modules_of
from tests.shared.in_memory import ENVIRONMENT as SHARED

ASKED_FOR_LATER = {
    "live",
    "run_answers",
    "time_travel",
    "formatting",
    "due",
    "page",
    "figures",
    "tabulating",
    "openapi",
    "atom",
    "health",
    "refreshing",
    "views",
    "series_pages",
}


def test_the_handler_imports_no_heavy_package() -> None:
    assert HEAVY & modules_of("api", environment=SHARED | ENVIRONMENT) == frozenset()


def test_the_handler_imports_none_of_what_only_some_routes_need() -> None:
    code = "import app, json, sys; print(json.dumps([n[11:] for n in sys.modules if n.startswith('chalicelib.')]))"
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT / 'api'}{os.pathsep}{ROOT}", **SHARED, **ENVIRONMENT},
        check=True,
        capture_output=True,
        text=True,
    )
    assert set(json.loads(found.stdout)) & ASKED_FOR_LATER == set()


def test_tables_are_served_without_the_ledger(served: ApiApp, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise AssertionError("the ledger is not to be asked")

    monkeypatch.setattr(served.module, "ledger", refuse)
    served.module.site.cache_clear()
    for path in ("/data", "/daily?from=2020-02-20", "/weekly?format=csv", "/monthly", "/data/2020-02-20", "/figures"):
        assert served.get(path).status == 200
