"""The documents are held to the code: what there is, is on its page, and what a page names, is there."""

import re
from collections import Counter
from pathlib import Path

import pytest

from chalicelib.routes.endpoints import ROUTES, endpoints_of
from infra.services import SERVICES
from shared.datasets import dataset_names, find_dataset
from tests.bench.__main__ import GROUPS
from tests.proof.__main__ import NAMES as PROOF_PARTS
from tests.proof.stories import STORIES

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "infra" / "docs"
README = (ROOT / "README.md").read_text()
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted(DOCS.rglob("*.md")),
    *sorted(ROOT.glob("infra/decisions/*.md")),
]


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text()


def rows(text: str) -> list[list[str]]:
    """The cells of every line of a table, heads and rulers left out."""
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


# --- the README ------------------------------------------------------------------------------------------------------


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)) - {"help"}


def test_every_make_target_is_in_the_readme() -> None:
    assert {target for target in make_targets() if f"`make {target}" not in README} == set()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_make_target_that_a_page_names_exists(path: Path) -> None:
    assert set(re.findall(r"`make ([a-z]+)", path.read_text())) - make_targets() == set()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_page_into_the_project_leads_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:|mailto:)([^)]+)", path.read_text())
    assert [link for link in links if not leads_somewhere(link, path)] == []


def leads_somewhere(link: str, page: Path) -> bool:
    """Whether the file is there and, where a heading is named, has it."""
    file, _, heading = link.partition("#")
    target = page.parent / file if file else page
    return target.exists() and (not heading or heading in headings(target.read_text()))


def headings(text: str) -> set[str]:
    """As GitHub makes anchors of them."""
    titles = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_first_screen_has_what_it_does_a_picture_two_commands_and_where_to_read_on() -> None:
    """In that order, within a hundred lines."""
    parts = (
        "# covid-stats\n",
        "EventBridge schedule ─▶ fetcher",
        "    make run ",
        "    make test ",
        "Dashboard  http",
        "## Read on",
    )
    places = [README.index(part) for part in parts]
    assert places == sorted(places)
    assert README[: places[-1]].count("\n") < 60


def test_the_readme_leads_to_every_page_for_readers() -> None:
    wanted = {"tour", "glossary", "api", "settings", "proof", "bench", "README"}
    assert wanted - set(re.findall(r"\]\(infra/docs/([\w-]+)\.md\)", README)) == set()


def test_the_readme_gives_the_credits_that_the_feeds_ask_for() -> None:
    plain = " ".join(README.split())
    wanted = [credit for name in dataset_names() for credit in find_dataset(name).credits]
    assert len(wanted) >= len(dataset_names()) >= 4
    assert [each for each in wanted if each not in plain] == []


# --- the pages that the README leads to ------------------------------------------------------------------------------


def test_the_table_of_settings_is_what_the_services_read() -> None:
    declared = Counter((setting, name) for name, service in SERVICES.items() for setting in service.settings)
    listed = [(setting.strip("`"), readers) for setting, readers, *_ in rows(page("settings"))]
    assert listed[0] == ("DATASETS", "all")
    assert Counter((setting, name) for setting, readers in listed[1:] for name in readers.split(", ")) == declared
    assert len({setting for setting, _ in listed}) == len(listed)


def test_the_table_of_the_api_is_the_table_of_routes() -> None:
    expected = [
        [
            f"`{route.path}`",
            route.summary,
            ", ".join(route.media),
            ", ".join(f"`{one.name}`" for one in route.parameters),
        ]
        for route in ROUTES
    ]
    assert [row for row in rows(page("api")) if len(row) == 4] == expected


def test_the_api_page_explains_every_parameter() -> None:
    known = {f"`{one.name}`": one.description for route in endpoints_of(has_series=True) for one in route.parameters}
    assert {name: text for name, text, *more in rows(page("api")) if not more} == known


def test_every_figure_of_the_benchmark_is_on_its_page_and_no_other() -> None:
    figures = {name for group in GROUPS for name in group.names}
    listed = {name for first, *_ in rows(page("bench")) for name in re.findall(r"`(\w+)`", first)}
    assert listed == figures


def test_the_page_of_the_proof_names_its_parts_and_counts_its_stories() -> None:
    assert [part for part in PROOF_PARTS if f"`{part}`" not in page("proof")] == []
    assert f"In {len(STORIES)} stories" in page("proof")


# --- decisions -------------------------------------------------------------------------------------------------------


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


def test_every_test_that_the_page_of_checks_names_is_there() -> None:
    """`file.py`: `test_name`, wherever below tests the file is."""
    text = " ".join((ROOT / "infra" / "docs" / "checked.md").read_text().split())
    named = re.findall(r"`(test_\w+\.py)`: `(test_\w+)`", text)
    there = {
        (path.name, name) for path in (ROOT / "tests").rglob("test_*.py") for name in _TEST.findall(path.read_text())
    }
    assert len(named) > 25
    assert sorted({*named} - there) == []


_TEST = re.compile(r"^def (test_\w+)", re.MULTILINE)
