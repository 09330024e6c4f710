"""The house rules of the design, read off the import statements."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SERVICES = ("fetcher", "merger", "notifier", "api")


def sources(room: str) -> list[Path]:
    return sorted(path for path in (ROOT / room).rglob("*.py") if "vendor" not in path.parts)


def imports(path: Path) -> Iterator[str]:
    """Dotted names of everything a file imports, at the top or deferred."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def offenders(paths: list[Path], forbidden: set[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in paths
        for name in imports(path)
        if forbidden & {name, name.split(".")[0]}
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_imports_neither_another_service_nor_infra(service: str) -> None:
    others = {other for other in SERVICES if other != service}
    assert offenders(sources(service), others | {"infra", "tests"}) == []


@pytest.mark.parametrize("service", SERVICES)
def test_chalicelib_modules_are_of_the_service_that_imports_them(service: str) -> None:
    chalicelib = ROOT / service / "chalicelib"
    own = {
        f"chalicelib.{'.'.join(path.relative_to(chalicelib).with_suffix('').parts)}"
        for path in sources(service)
        if path.is_relative_to(chalicelib)
    }
    named = {name for path in sources(service) for name in imports(path) if name.startswith("chalicelib")}
    assert named - own == set()


def test_shared_imports_no_service_and_no_infra() -> None:
    assert offenders(sources("shared"), {*SERVICES, "chalicelib", "infra", "tests", "chalice"}) == []


def test_only_app_modules_import_chalice_and_make_clients() -> None:
    below = [path for service in SERVICES for path in sources(service) if path.name != "app.py"]
    assert offenders(below, {"chalice", "boto3", "shared.aws"}) == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_requires_no_package_that_neither_it_nor_the_vocabulary_imports(service: str) -> None:
    lines = (ROOT / service / "requirements.txt").read_text().splitlines()
    required = {re.split(r"[<>=]", line)[0].replace("-", "_") for line in lines if not line.startswith("#")}
    imported = {name.split(".")[0] for path in (*sources(service), *sources("shared")) for name in imports(path)}
    assert required - imported == set()


def test_infra_is_imported_by_nobody_but_tests() -> None:
    assert offenders([path for room in (*SERVICES, "shared") for path in sources(room)], {"infra"}) == []


def test_chalicelib_module_names_are_unique_and_no_folder_is_a_package() -> None:
    names = Counter(path.name for service in SERVICES for path in (ROOT / service / "chalicelib").rglob("*.py"))
    assert [name for name, count in names.items() if count > 1] == []
    assert "__init__.py" not in names


@pytest.mark.parametrize("room", [*SERVICES, "infra"])
def test_a_types_name_means_one_thing_in_a_service_and_the_vocabulary(room: str) -> None:
    own = [path for path in sources(room) if not path.is_relative_to(ROOT / "api" / "client")]
    found = Counter(name for path in (*own, *sources("shared")) for name in types_of(path))
    assert len(found) > 30
    assert [name for name, count in found.items() if count > 1] == []


def types_of(path: Path) -> Iterator[str]:
    """Public classes and type aliases at the top of a module."""
    for node in ast.parse(path.read_text()).body:
        name = node.name if isinstance(node, ast.ClassDef) else None
        name = node.name.id if isinstance(node, ast.TypeAlias) else name
        if name and not name.startswith("_"):
            yield name


def test_the_vocabulary_is_linked_into_every_service() -> None:
    for service in SERVICES:
        assert (ROOT / service / "vendor" / "shared").readlink() == Path("../../shared")


def room_of(module: str) -> str:
    """The room of a module: its folder below the service, `infra` or `shared`; the module itself where it has none."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else parts[0]


@pytest.mark.parametrize(
    ("folder", "prefix"),
    [("merger/chalicelib", "chalicelib"), ("api/chalicelib", "chalicelib"), ("infra", "infra")],
)
def test_rooms_depend_on_one_another_without_a_circle(folder: str, prefix: str) -> None:
    needs: dict[str, set[str]] = {}
    for path in sources(folder):
        module = ".".join([prefix, *path.relative_to(ROOT / folder).with_suffix("").parts])
        wanted = {room_of(name) for name in imports(path) if name.startswith(f"{prefix}.")}
        needs.setdefault(room_of(module), set()).update(wanted - {room_of(module)})
    list(TopologicalSorter(needs).static_order())  # raises CycleError, naming the circle
