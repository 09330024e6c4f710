"""The pages that lead through the code: what they name is there, and what there is of rooms they name.

A page writes `path/to/file.py` (`name`, `Class.member`); each name is defined in that file.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "infra" / "docs"
PAGES = ("tour.md", "glossary.md")
APPS = ("fetcher/app.py", "merger/app.py", "notifier/app.py", "api/app.py", "infra/__main__.py")
SUFFIXES = (".py", ".md", ".yaml", ".json", ".toml", "/")


def places(page: str) -> Iterator[tuple[str, list[str]]]:
    """(path, names in it) of everything in backticks that is a path of the project."""
    return places_in((DOCS / page).read_text())


def places_in(text: str) -> Iterator[tuple[str, list[str]]]:
    for found in re.finditer(r"`([^`]+)`(?: \(((?:`[^`]+`,? ?)+)\))?", " ".join(text.split())):
        path, names = found[1], re.findall(r"`([^`]+)`", found[2] or "")
        if path == "Makefile" or (path.endswith(SUFFIXES) and not path.startswith("/") and "{" not in path):
            yield path, names


def defined(path: Path) -> set[str]:
    """Names at the top of a module, and `Class.member` of its classes."""
    module = ast.parse(path.read_text())
    own = {name for node in module.body for name in names_of(node)}
    classes = [node for node in module.body if isinstance(node, ast.ClassDef)]
    return own | {f"{owner.name}.{name}" for owner in classes for node in owner.body for name in names_of(node)}


def ways() -> Iterator[tuple[str, list[str]]]:
    """The places of the tour's numbered ways."""
    steps = (DOCS / "tour.md").read_text().partition("\n## A run id's way")[2].partition("\n## Where a new line")[0]
    return places_in(steps)


def words_of(path: Path) -> Iterator[str]:
    """Every name that a module uses or imports, be it late, by a text such as `module:function`."""
    return words(ast.parse(path.read_text()))


def words_in(path: Path, name: str) -> Iterator[str]:
    """The same of one function or method of the module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef) and node.name == last(name):
            yield from words(node)


def words(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Constant) and re.fullmatch(r"[\w.]+:\w+", str(node.value)):
            yield str(node.value).rpartition(":")[2]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "_later":
            yield from (it.value for it in node.args if isinstance(it, ast.Constant) and isinstance(it.value, str))


def last(name: str) -> str:
    return name.rpartition(".")[2]


def names_of(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.TypeAlias):
        yield node.name.id
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (target.id for target in targets if isinstance(target, ast.Name))


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_is_there(page: str) -> None:
    named = [path for path, _ in places(page)]
    assert len(named) > 20
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_name_that_a_page_puts_beside_a_file_is_defined_in_it(page: str) -> None:
    named = [(path, name) for path, names in places(page) for name in names]
    assert len(named) > 20
    assert [(path, name) for path, name in named if name not in defined(ROOT / path)] == []


def test_every_name_on_the_tour_is_used_at_another_stop_or_is_where_a_service_is_entered() -> None:
    """So whoever walks comes to each of them from what was read before."""
    stops: dict[str, set[str]] = {path: set() for path in APPS}
    for path, names in ways():
        stops.setdefault(path, set()).update(names)
    used = {path: set(words_of(ROOT / path)) for path in stops}
    within = {path: {word for name in names for word in words_in(ROOT / path, name)} for path, names in stops.items()}
    missed = [
        (path, name)
        for path, names in stops.items()
        for name in sorted(names)
        if path not in APPS and not any(last(name) in (within if other == path else used)[other] for other in stops)
    ]
    assert len(stops) > 20
    assert missed == []


def test_every_room_is_in_the_tours_table() -> None:
    rooms = {
        f"{module.parent.relative_to(ROOT)}/"
        for folder in ("fetcher/chalicelib", "merger/chalicelib", "notifier/chalicelib", "api/chalicelib", "infra")
        for module in (ROOT / folder).rglob("*.py")
    } - {"merger/chalicelib/", "api/chalicelib/", "infra/"}
    assert rooms - {path for path, _ in places("tour.md")} == set()
