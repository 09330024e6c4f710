"""Every command that a page tells an operator to type is one that there is, with options that it has."""

import functools
import itertools
import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from infra.services import ROOT

DOCS = ROOT / "infra" / "docs"
OF_EVERY_COMMAND = frozenset({"output", "query", "profile", "region", "cli-binary-format", "max-items", "endpoint-url"})
"""Options of the AWS command line itself."""


OWN = {("cloudformation", "deploy"), ("logs", "tail")}
"""What the AWS command line has beside the API, as all of `aws s3`."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command of a page."""

    page: str
    words: Sequence[str]

    def __str__(self) -> str:
        return f"{self.page}: {' '.join(self.words)[:70]}"


def commands(path: Path) -> Iterator[Command]:
    """Of a page's blocks: those in `$(…)` too, each by itself."""
    text = re.sub(r"\\\n\s*", " ", path.read_text())
    for line in re.findall(r"^(?: {4}|\$ )(.+)$", text, re.MULTILINE):
        inner = re.findall(r"\$\(([^()]+)\)", line)
        for each in (*inner, *re.split(r"&&|\|(?!\|)|;", re.sub(r"\$\([^()]+\)", "IT", line))):
            try:
                words = shlex.split(each, comments=True)
            except ValueError:
                continue  # a piece of output, with an apostrophe in it
            if words and words[0] in ("aws", "make"):
                plain = [word.strip("[]") for word in itertools.takewhile(lambda it: it != ">", words)]
                yield Command(page=str(path.relative_to(DOCS)), words=plain)


ALL = [command for path in sorted(DOCS.rglob("*.md")) for command in commands(path)]
AWS = [it for it in ALL if it.words[0] == "aws" and tuple(it.words[1:3]) not in OWN and it.words[1] != "s3"]
MAKE = [it for it in ALL if it.words[0] == "make"]


@functools.cache
def service(name: str) -> Any:
    return botocore.session.get_session().get_service_model(name)


@pytest.mark.parametrize("command", AWS, ids=str)
def test_a_command_to_aws_is_one_of_its_api_with_options_that_it_takes(command: Command) -> None:
    _, name, operation, *rest = command.words
    model = service({"s3api": "s3"}.get(name, name))
    operations = {xform_name(it, "-"): it for it in model.operation_names}
    assert operation in operations
    shape = model.operation_model(operations[operation]).input_shape
    members = {xform_name(it, "-") for it in (shape.members if shape else {})}
    switches = {f"no-{it}" for it in members}
    options = {word.removeprefix("--").partition("=")[0] for word in rest if word.startswith("--")}
    assert options - OF_EVERY_COMMAND <= members | switches
    required = {xform_name(it, "-") for it in (shape.required_members if shape else [])}
    outfile = {"body"} & members  # what is sent may come by a file
    assert required - options - outfile == set()


@pytest.mark.parametrize("command", MAKE, ids=str)
def test_a_command_to_make_runs_something_with_every_variable_that_is_given(command: Command) -> None:
    """Dry: make expands the recipe and runs nothing of it."""
    shown = subprocess.run([*command.words, "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    values = [word.partition("=") for word in command.words[1:] if "=" in word]
    recipe = shown.stdout.replace("\\\n", " ")
    switches = {"FORCE": "--force", "YES": "--yes", "JSON": "--json", "UPGRADE": "--upgrade"}
    assert [name for name, _, value in values if switches.get(name, value) not in recipe] == []


def test_there_are_such_commands() -> None:
    assert len(AWS) > 10 and len(MAKE) > 40
