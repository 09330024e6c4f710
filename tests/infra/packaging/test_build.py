"""Building a service: the copy, the package, what is rebuilt and what is not, and what the gate lets through."""

import hashlib
import json
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.web.assets import Assets
from infra.packaging.build import CACHE, Built, build, example_names
from infra.packaging.import_check import check_imports
from infra.packaging.vendoring import RUNTIME_MODULES, PackagingFailed
from infra.services import ROOT, SERVICES

pytestmark = pytest.mark.xdist_group("built")

NAMES = example_names("dev")


def silent(_: str) -> None:
    """A report nobody reads."""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of its own to change: the notifier, and all that its build reads."""
    root = tmp_path / "checkout"
    ignored = shutil.ignore_patterns("__pycache__", "vendor")
    for folder in ("shared", "notifier", "infra/fragments", "infra/locks"):
        shutil.copytree(ROOT / folder, root / folder, ignore=ignored)
    return root


def build_notifier(root: Path, out: Path) -> Built:
    return build("notifier", stage="dev", names=NAMES, out=out, root=root, report=silent)


def test_the_same_sources_give_the_same_bytes_for_every_stage(checkout: Path, tmp_path: Path) -> None:
    first = build_notifier(checkout, tmp_path / "one")
    cache = tmp_path / "cache"
    cache.mkdir()
    for vendored in CACHE.glob("vendor-*"):
        (cache / vendored.name).symlink_to(vendored)
    second = build(
        "notifier", stage="x", names=example_names("x"), out=tmp_path, cache=cache, root=checkout, report=silent
    )
    assert first.package != second.package
    assert first.package.read_bytes() == second.package.read_bytes()
    assert first.digest == second.digest


def test_an_unchanged_service_is_not_built_again(checkout: Path, tmp_path: Path) -> None:
    first = build_notifier(checkout, tmp_path / "out")
    (checkout / "notifier" / "chalicelib" / "__pycache__").mkdir()
    (checkout / "notifier" / "chalicelib" / "__pycache__" / "left.pyc").write_bytes(b"by a test run")
    second = build_notifier(checkout, tmp_path / "out")
    assert replace(first, fresh=False) == second


@pytest.mark.parametrize("changed", ["notifier/app.py", "shared/runs.py", "infra/fragments/notifier.yaml"])
def test_a_changed_source_is_built_again(changed: str, checkout: Path, tmp_path: Path) -> None:
    build_notifier(checkout, tmp_path / "out")
    path = checkout / changed
    path.write_text(path.read_text() + "\n# changed\n")
    assert build_notifier(checkout, tmp_path / "out").fresh


def test_nothing_is_written_beside_the_sources(checkout: Path, tmp_path: Path) -> None:
    before = sorted(checkout.rglob("*"))
    build_notifier(checkout, tmp_path / "out")
    assert before == sorted(checkout.rglob("*"))


def test_the_stages_names_are_written_into_the_copy(built: Mapping[str, Built]) -> None:
    for service in built.values():
        config = json.loads((service.source / ".chalice" / "config.json").read_text())
        assert NAMES["BUCKET"] == config["environment_variables"]["BUCKET"]
        assert config["stages"] == {"dev": {}}
        for path in (service.source / ".chalice").glob("*.json"):
            assert "${" not in path.read_text()


def test_a_setting_goes_only_to_the_service_that_reads_it(checkout: Path, tmp_path: Path) -> None:
    settings = {"DASHBOARD_URL": "https://example.org", "DEADLINE_HOURS": "2"}
    made = build("notifier", stage="dev", names=NAMES, out=tmp_path, root=checkout, settings=settings, report=silent)
    variables = json.loads((made.source / ".chalice" / "config.json").read_text())["environment_variables"]
    assert variables["DASHBOARD_URL"] == "https://example.org"
    assert "DEADLINE_HOURS" not in variables


def test_a_name_that_the_stage_lacks_fails_by_its_name(checkout: Path, tmp_path: Path) -> None:
    names = {name: value for name, value in NAMES.items() if name != "TOPIC_ARN"}
    with pytest.raises(PackagingFailed, match=r"notifier/\.chalice/.*TOPIC_ARN"):
        build("notifier", stage="dev", names=names, out=tmp_path, root=checkout, report=silent)


def test_a_missing_module_fails_the_build(checkout: Path, tmp_path: Path) -> None:
    app = checkout / "notifier" / "app.py"
    app.write_text(app.read_text() + "\n\ndef later():\n    import pandas\n")
    with pytest.raises(PackagingFailed, match="No module named 'pandas'"):
        build_notifier(checkout, tmp_path)


def test_a_package_beyond_its_limit_fails_the_build(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SERVICES, "notifier", replace(SERVICES["notifier"], limit_mib=0.1))
    app = checkout / "notifier" / "app.py"
    app.write_text(app.read_text() + "\n# another package than the one that is kept\n")
    with pytest.raises(PackagingFailed, match=r"notifier: the package has 0\.\d MiB; at most 0\.1 is allowed"):
        build_notifier(checkout, tmp_path)


def package(folder: Path, **files: str) -> Path:
    path = folder / "package.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.py", content)
    return path


def test_the_gate_lets_through_what_needs_only_the_runtime(tmp_path: Path) -> None:
    check_imports(package(tmp_path, app="import botocore.session\n\ndef fetch(): pass\n"), handlers=["app.fetch"])


def test_the_gate_stops_what_is_here_but_not_in_lambda(tmp_path: Path) -> None:
    with pytest.raises(PackagingFailed, match="No module named 'rich'"):
        check_imports(package(tmp_path, app="import rich\n\ndef fetch(): pass\n"), handlers=["app.fetch"])


def test_the_gate_stops_a_handler_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PackagingFailed, match="has no attribute 'fetch'"):
        check_imports(package(tmp_path, app=""), handlers=["app.fetch"])


def test_the_gate_stops_what_needs_the_network_to_start(tmp_path: Path) -> None:
    calling = "import socket\nsocket.create_connection(('127.0.0.1', 9))\n\ndef fetch(): pass\n"
    with pytest.raises(PackagingFailed, match="no handler may need the network to start"):
        check_imports(package(tmp_path, app=calling), handlers=["app.fetch"])


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_package_holds_byte_code_and_nothing_that_the_runtime_has(service: str, built: Mapping[str, Built]) -> None:
    with zipfile.ZipFile(built[service].package) as archive:
        names = archive.namelist()
    assert {name.split("/")[0].removesuffix(".py") for name in names} & set(RUNTIME_MODULES) == set()
    assert [name for name in names if "/tests/" in name or name.endswith((".pyi", ".pyx"))] == []
    sources = {name for name in names if name.endswith(".py")}
    compiled = {name for name in names if name.endswith(".pyc")}
    assert len(sources) == len(compiled)
    assert names == sorted(names)
    assert built[service].mib <= SERVICES[service].limit_mib


def test_plotly_comes_from_us_once_under_a_name_that_carries_its_hash(
    built: Mapping[str, Built], tmp_path: Path
) -> None:
    with zipfile.ZipFile(built["api"].package) as archive:
        archive.extractall(tmp_path, [name for name in archive.namelist() if "/static/" in name])
        scripts = [name for name in archive.namelist() if "plotly" in name and ".js" in name]
    static = tmp_path / "chalicelib" / "static"
    assert scripts == ["chalicelib/static/plotly-basic.min.js.gz"]
    assert (static / "PLOTLY-LICENCE.txt").exists()
    name = Assets(static).name("plotly-basic.min.js")
    script = Assets(static).find(name)
    assert script is not None and script.text.startswith("/**\n* plotly.js (basic - minified) v")
    digest = hashlib.sha256((static / "plotly-basic.min.js.gz").read_bytes()).hexdigest()
    assert name == f"plotly-basic.min.{digest[:12]}.js"


@pytest.mark.parametrize(
    ("lease", "words"),
    [
        ("900", "LEASE_SECONDS is 900; more than 900 are needed, the lambda_timeout of on_feed_arrived"),
        ("60", "LEASE_SECONDS is 60; more than 900 are needed"),
        ("long", "LEASE_SECONDS is 'long'; a number of seconds is needed"),
    ],
)
def test_a_lease_that_ends_before_its_holder_does_is_refused(lease: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(PackagingFailed, match=words):
        build("merger", stage="dev", names=example_names("dev"), out=tmp_path, settings={"LEASE_SECONDS": lease})
