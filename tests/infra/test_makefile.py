"""The commands: those that the design names are there, explained, and said so in the README."""

import re
import shlex
import subprocess

import pytest

from infra.services import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = re.findall(r"^([a-z]+):.*##", MAKEFILE, re.MULTILINE)
RECIPES = {
    name: re.sub(r"\$\((stage|dataset)\)", lambda it: f"$(call quoted,$({it[1].upper()}))", recipe)
    for name, recipe in re.findall(r"^([a-z]+):.*##.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
}
"""Target -> its recipe."""
DESIGNED = ["run", "test", "replay", "check", "deploy", "destroy", "status", "trace", "approve", "redrive", "bench"]


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_every_command_of_the_design_is_a_target() -> None:
    assert [name for name in DESIGNED if name not in TARGETS] == []


def test_help_is_what_make_alone_gives_and_it_names_every_target() -> None:
    done = make()
    assert done.returncode == 0
    assert re.findall(r"^  make (\w+)", done.stdout, re.MULTILINE) == TARGETS


@pytest.mark.parametrize("target", DESIGNED)
def test_the_readme_explains_the_command(target: str) -> None:
    assert f"make {target}" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize(
    ("target", "usage"),
    [
        ("replay", "make replay FEEDS=dir OUT=dir"),
        ("check", "make check DATASET=name-or-file FILES=dir"),
        ("deploy", "make deploy STAGE=x"),
        ("destroy", "make destroy STAGE=x"),
        ("trace", "make trace RUN="),
        ("approve", "make approve RUN="),
        ("redrive", "make redrive RUN="),
    ],
)
def test_a_command_without_what_it_needs_says_how_to_call_it(target: str, usage: str) -> None:
    done = make(target)
    assert done.returncode == 2
    assert f"usage: {usage}" in done.stderr


ODD = "it's one; value"
USED = {name: sorted(set(re.findall(r"call quoted,\$\((\w+)\)", recipe)) - {"1"}) for name, recipe in RECIPES.items()}


@pytest.mark.parametrize("target", [name for name, variables in USED.items() if variables])
def test_what_is_given_reaches_the_command_as_one_argument_whatever_it_holds(target: str) -> None:
    shown = make("--dry-run", target, *(f"{name}={ODD}" for name in USED[target])).stdout.replace("\\\n", " ")
    commands = [shlex.split(line) for line in shown.splitlines() if " -m infra " in line or " -m tests." in line]
    assert [command.count(ODD) for command in commands] == [len(USED[target])]


def test_no_variable_reaches_a_command_unquoted() -> None:
    bare = {name: re.findall(r"--[a-z]+ \"?\$\([A-Z]+\)", recipe) for name, recipe in RECIPES.items()}
    assert {name: found for name, found in bare.items() if found} == {}
