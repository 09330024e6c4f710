"""The commands: those that the design names are there, explained, and said so in the README."""

import re
import subprocess

import pytest

from infra.services import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = re.findall(r"^([a-z]+):.*##", MAKEFILE, re.MULTILINE)
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
