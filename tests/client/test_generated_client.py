"""A client that openapi-python-client makes of /openapi.json: it is complete, imports, and reads every route."""

import datetime as dt
import importlib
import inspect
import json
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest

from tests.api.serving import ApiApp, serve_http

pytest.importorskip("openapi_python_client", reason="openapi-python-client is not installed")

CONFIG = """post_hooks: []
content_type_overrides:
  application/atom+xml: text/html
  image/svg+xml: text/html
  image/png: application/octet-stream
"""
"""The generator knows neither Atom nor pictures: they are texts and bytes to it. Nothing is to be laid out nicely."""
NOT_HERE = {f"{method}_{name}": 404 for method in ("get", "head") for name in ("visits_svg", "subscriptions")}
"""Visits are counted and subscriptions taken only where the operator wants it."""
RUN = dt.datetime(2020, 3, 3, 17, tzinfo=dt.UTC)


@pytest.fixture
def client(served: ApiApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The package, generated without a warning."""
    (tmp_path / "openapi.json").write_bytes(served.get("/openapi.json").body)
    (tmp_path / "config.yaml").write_text(CONFIG)
    package = tmp_path / "generated_client"
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none", "--fail-on-warning"]
    places = ["--path", tmp_path / "openapi.json", "--config", tmp_path / "config.yaml", "--output-path", package]
    done = subprocess.run([*command, *map(str, places)], capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, "WARNING" in done.stdout) == (0, False), done.stdout + done.stderr
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.split(".")[0] == "generated_client"]:
        monkeypatch.delitem(sys.modules, name)
    return importlib.import_module("generated_client")


def operations() -> dict[str, Any]:
    """Name -> module of every operation of the generated package."""
    package = importlib.import_module("generated_client.api.default")
    names = [module.name for module in pkgutil.iter_modules(package.__path__)]
    return {name: importlib.import_module(f"generated_client.api.default.{name}") for name in names}


def path_values(operation: Any, served: ApiApp) -> dict[str, Any]:
    """The arguments that are part of the path."""
    known = {"date": dt.date(2020, 2, 20), "run_id": RUN, "name": served.module.ASSETS.name("page.css")}
    signature = inspect.signature(operation.sync_detailed)
    return {
        name: known[name]
        for name, it in signature.parameters.items()
        if it.default is inspect.Parameter.empty and name in known
    }


def test_it_reads_every_route(served: ApiApp, client: ModuleType) -> None:
    description = served.get("/openapi.json").json
    found = operations()
    posting = found.pop("post_subscriptions")
    assert len(found) == 2 * len(description["paths"])
    with serve_http(served) as url:
        reader = client.Client(base_url=url.rstrip("/"), raise_on_unexpected_status=True)
        for name, operation in found.items():
            answer = operation.sync_detailed(client=reader, **path_values(operation, served))
            assert answer.status_code == NOT_HERE.get(name, 200), name
            if name.startswith("get_"):
                assert answer.parsed is not None, name
        form = inspect.signature(posting.sync_detailed).parameters["body"].annotation
        assert posting.sync_detailed(client=reader, body=_form(form)(email="reader@example.org")).status_code == 404


def _form(annotation: Any) -> Any:
    """The class of a body that may be left out."""
    return next(it for it in get_args(annotation) or [annotation] if inspect.isclass(it) and it.__name__ != "Unset")


def test_what_it_reads_is_what_is_served(served: ApiApp, client: ModuleType) -> None:
    found = operations()
    with serve_http(served) as url:
        reader = client.Client(base_url=url.rstrip("/"))
        rows = found["get_daily"].sync(client=reader, from_=dt.date(2020, 2, 20))
        latest = found["get_latest"].sync(client=reader)
        runs = found["get_runs"].sync(client=reader)
        changes = found["get_runs_run_id_changes"].sync(client=reader, run_id=runs[1].run_id)
        since = found["get_changes"].sync(client=reader, since=runs[2].run_id)
    assert [row.to_dict() for row in rows] == served.get("/daily?from=2020-02-20").json
    assert (latest.date, latest.measures[0].value) == (dt.date(2020, 3, 2), 8200)
    assert changes.run_id == RUN
    assert [change.run_id for change in since] == [RUN]
    assert json.loads(json.dumps(latest.measures[0].to_dict()))["how_final"] is None
