"""One release everywhere: `shared/version.py` is its place, all else is held to it."""

import re
import tomllib
from pathlib import Path

import pytest

from shared.version import VERSION

ROOT = Path(__file__).resolve().parent.parent


def test_a_version_has_three_numbers() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)


def test_the_project_has_it() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION


@pytest.mark.parametrize("path", ["README.md", *(str(each.relative_to(ROOT)) for each in ROOT.glob("infra/docs/*.md"))])
def test_a_page_that_names_a_release_names_this_one(path: str) -> None:
    assert set(re.findall(r"\bv(\d+\.\d+\.\d+)\b", (ROOT / path).read_text())) <= {VERSION}


def test_the_page_of_upgrades_says_how_to_go_to_a_release() -> None:
    assert f"git checkout v{VERSION}" in (ROOT / "infra" / "docs" / "upgrade.md").read_text()


def test_no_service_declares_one_of_its_own() -> None:
    declared = [
        str(path.relative_to(ROOT))
        for folder in ("shared", "fetcher", "merger", "notifier", "api", "infra")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "vendor" not in path.parts and re.search(r"^_?(API_)?VERSION = ", path.read_text(), re.MULTILINE)
    ]
    assert declared == ["shared/version.py"]


def test_the_changelog_ends_at_it_or_is_yet_to_name_it() -> None:
    """What is released has its number in a heading; the newest of them is this one."""
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert released[:1] in ([], [VERSION])
