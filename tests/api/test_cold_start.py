"""What a cold request pays for."""

import json
import os
import subprocess
import sys

import pytest

from tests.api.serving import ENVIRONMENT, ApiApp
from tests.shared.apps import HEAVY, ROOT, modules_of
from tests.shared.in_memory import ENVIRONMENT as SHARED

NEEDED_LATER = {
    "atom",
    "dashboard_answer",
    "figures",
    "formatting",
    "health",
    "html_pages",
    "openapi",
    "page",
    "problem_pages",
    "refreshing",
    "run_answers",
    "series_pages",
    "stage_answers",
    "tabulating",
    "time_travel",
    "views",
}


def test_the_handler_imports_no_heavy_package() -> None:
    assert HEAVY & modules_of("api", environment=SHARED | ENVIRONMENT) == frozenset()


def test_the_handler_imports_none_of_what_only_some_routes_need() -> None:
    named = "[name.rpartition('.')[2] for name in sys.modules if name.startswith('chalicelib.')]"
    code = f"import app, json, sys; print(json.dumps({named} + sorted({{'jinja2', 'markupsafe'}} & set(sys.modules))))"
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT / 'api'}{os.pathsep}{ROOT}", **SHARED, **ENVIRONMENT},
        check=True,
        capture_output=True,
        text=True,
    )
    imported = set(json.loads(found.stdout))
    assert {"dispatching", "table_answers"} <= imported
    assert imported & (NEEDED_LATER | {"jinja2", "markupsafe"}) == set()


def test_a_visit_of_a_page_that_was_rendered_imports_no_template_engine() -> None:
    code = "import chalicelib.routes.dashboard_answer, sys; print('jinja2' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT / 'api'}{os.pathsep}{ROOT}"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert found.stdout == "False\n"


def test_tables_are_served_without_the_ledger(served: ApiApp, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise AssertionError("the ledger is not to be asked")

    monkeypatch.setattr(served.module, "ledger", refuse)
    served.module.site.cache_clear()
    for path in ("/data", "/daily?from=2020-02-20", "/weekly?format=csv", "/monthly", "/data/2020-02-20", "/figures"):
        assert served.get(path).status == 200
