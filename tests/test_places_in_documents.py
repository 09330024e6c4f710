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
SUFFIXES = (".py", ".md", ".yaml", ".json", ".toml", "/")


def places(page: str) -> Iterator[tuple[str, list[str]]]:
    """(path, names in it) of everything in backticks that is a path of the project."""
    text = " ".join((DOCS / page).read_text().split())
    for found in re.finditer(r"`([^`]+)`(?: \(((?:`[^`]+`,? ?)+)\))?", text):
        path, names = found[1], re.findall(r"`([^`]+)`", found[2] or "")
        if path == "Makefile" or (path.endswith(SUFFIXES) and not path.startswith("/") and "{" not in path):
            yield path, names


def defined(path: Path) -> set[str]:
    """Names at the top of a module, and `Class.member` of its classes."""
    module = ast.parse(path.read_text())
    own = {name for node in module.body for name in names_of(node)}
    classes = [node for node in module.body if isinstance(node, ast.ClassDef)]
    return own | {f"{owner.name}.{name}" for owner in classes for node in owner.body for name in names_of(node)}


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


def test_every_room_is_in_the_tours_table() -> None:
    rooms = {
        f"{module.parent.relative_to(ROOT)}/"
        for folder in ("fetcher/chalicelib", "merger/chalicelib", "notifier/chalicelib", "api/chalicelib", "infra")
        for module in (ROOT / folder).rglob("*.py")
    } - {"merger/chalicelib/", "api/chalicelib/", "infra/"}
    assert rooms - {path for path, _ in places("tour.md")} == set()
