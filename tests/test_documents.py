"""The documents are held to the code: what there is, is in the README, and what the README names, is there."""

import re
from pathlib import Path

from infra.services import SERVICES

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)) - {"help"}


def test_every_make_target_is_in_the_readme() -> None:
    assert {target for target in make_targets() if f"`make {target}" not in README} == set()


def test_every_make_target_of_the_readme_exists() -> None:
    assert set(re.findall(r"`make ([a-z]+)", README)) - make_targets() == set()


def test_every_setting_is_in_the_readmes_table_and_the_other_way_round() -> None:
    declared = {setting for service in SERVICES.values() for setting in service.settings} | {"DATASET"}
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", README, flags=re.MULTILINE))
    assert declared == documented


def test_every_link_of_the_readme_into_the_project_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_decisions_are_numbered_without_a_number_used_twice() -> None:
    numbers = [path.name[:4] for path in sorted((ROOT / "infra" / "decisions").glob("*.md"))]
    assert all(number.isdigit() for number in numbers)
    assert len(numbers) == len(set(numbers))


def test_every_decision_has_context_decision_and_consequence() -> None:
    parts = ("**Context.**", "**Decision.**", "**Consequence.**")
    without = [
        path.name
        for path in (ROOT / "infra" / "decisions").glob("*.md")
        if not all(part in path.read_text() for part in parts)
    ]
    assert without == []
