"""infra/docs/operating.md is held to the code: fields, metrics, queries, options, and the three trees."""

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout

import pytest

from infra.local.local_cloud import ministack_python
from infra.local.local_system import local_system
from infra.terminal import Terminal
from infra.tracing import trace
from infra.tracing.log_fields import FIELDS, METRICS
from tests.infra.tracing.documented import DOCS, NAMES, PAGE, Documented, blocks, happen, rewrite
from tests.infra.tracing.test_log_fields import queries

TEXT = PAGE.read_text()


def test_every_field_and_metric_is_named() -> None:
    named = set(re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL)))
    assert sorted({*FIELDS, *METRICS} - named) == []


def test_every_saved_query_is_named() -> None:
    assert [name for name, _, _ in queries() if f"| {name.partition('/')[2]} |" not in TEXT] == []


def test_every_option_of_the_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        trace.main(["--help"])
    options = set(re.findall(r"--\w+", capsys.readouterr().out)) - {"--help", "--run", "--stage"}
    assert [option for option in options if f"`{option}" not in TEXT] == []


def test_each_tree_adds_up_and_has_its_picture() -> None:
    shown = blocks(TEXT)
    assert shown.keys() == NAMES.keys()
    for name, text in shown.items():
        assert text.startswith(f"run {NAMES[name]} of stage local")
        ET.parse(DOCS / "traces" / f"{name}.svg")


def test_a_page_is_rewritten_block_by_block() -> None:
    again = rewrite(TEXT, {name: f"tree of {name}\n" for name in NAMES})
    assert blocks(again) == {name: f"tree of {name}\n" for name in NAMES}
    assert rewrite(again, blocks(TEXT)) == TEXT


@pytest.fixture(scope="module")
def documented() -> Iterator[Mapping[str, Documented]]:
    if not ministack_python().exists():
        pytest.skip(f"the local cloud's environment is not there: {ministack_python()}")
    with redirect_stdout(io.StringIO()), local_system(terminal=Terminal(), stage="told") as system:
        yield happen(system)


def hops(text: str) -> list[str]:
    """The functions of a tree, with their depth; those of the same upstream in any order, as they race."""
    hop_lines = [re.match(r".{51}  ( *)(?:✗ )?(\w+\.\w+)", line) for line in text.splitlines() if "█" in line]
    return sorted(f"{len(found[1]) // 2} {found[2]}" for found in hop_lines if found)


@pytest.mark.cloud
@pytest.mark.parametrize("name", NAMES)
def test_the_local_cloud_gives_the_documented_trees(documented: Mapping[str, Documented], name: str) -> None:
    assert hops(documented[name].text("told")) == hops(blocks(TEXT)[name])
    assert len(hops(blocks(TEXT)[name])) == len(documented[name].journey.hops)


@pytest.mark.cloud
@pytest.mark.parametrize("name", NAMES)
def test_gaps_and_work_add_up_in_the_local_cloud_as_well(documented: Mapping[str, Documented], name: str) -> None:
    found = documented[name].journey
    assert found.work + sum(gap.took for gap in found.gaps) == found.took
