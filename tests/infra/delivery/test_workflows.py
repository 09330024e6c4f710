"""The workflows, checked without GitHub: by schema, by zizmor, and by the rules of the house."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.services import EXTRAS, ROOT, SERVICES

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))

CALLS = re.compile(r'(\.ci/run|make [a-z]+( STAGE="\$STAGE")?( SERVICE=[a-z]+)?)')
"""What a step may run: the same commands that people have."""

PINNED = re.compile(r"[\w.-]+(/[\w.-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def read(path: Path) -> dict[str, Any]:
    """A workflow; its `on` is True in YAML 1.1."""
    workflow: dict[str, Any] = yaml.safe_load(path.read_text())
    return workflow


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    """(`file job`, job) of every job."""
    for path in WORKFLOWS:
        for name, job in read(path)["jobs"].items():
            yield f"{path.name} {name}", job


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job in jobs():
        yield from ((name, step) for step in job.get("steps", ()))


def tool(name: str) -> str:
    found = shutil.which(name, path=str(Path(sys.executable).parent))
    assert found, f"{name} is not installed beside {sys.executable}"
    return found


def run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_workflow_is_of_githubs_schema(path: Path) -> None:
    assert run(tool("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", str(path)) == ""


def test_dependabot_is_of_githubs_schema() -> None:
    file = str(GITHUB / "dependabot.yml")
    assert run(tool("check-jsonschema"), "--builtin-schema", "vendor.dependabot", file) == ""


def test_zizmor_finds_nothing() -> None:
    assert run(tool("zizmor"), "--offline", "--no-progress", "--persona", "auditor", str(GITHUB)) == ""


def test_every_action_is_pinned_by_its_full_commit_with_the_version_beside_it() -> None:
    used = [
        line.split("uses:")[1].strip()
        for path in WORKFLOWS
        for line in path.read_text().splitlines()
        if re.match(r"\s*(- )?uses:", line)
    ]
    assert len(used) > 10
    assert [it for it in used if not (PINNED.fullmatch(it) or it.startswith("./.github/workflows/"))] == []


def test_an_action_is_pinned_to_one_commit_everywhere() -> None:
    pins = {step["uses"] for _, step in steps() if "uses" in step}
    actions = [pin.split("@")[0] for pin in pins]
    assert sorted(set(actions)) == sorted(actions)


def test_steps_run_make_targets_and_hold_no_logic() -> None:
    commands = [step["run"] for _, step in steps() if "run" in step]
    assert len(commands) > 8
    assert [command for command in commands if not CALLS.fullmatch(command)] == []


def test_every_make_target_that_is_run_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    called = {step["run"].split()[1] for _, step in steps() if step.get("run", "").startswith("make ")}
    assert called - targets == set()


def test_nothing_is_allowed_that_a_job_does_not_ask_for() -> None:
    assert {path.name: read(path)["permissions"] for path in WORKFLOWS} == {path.name: {} for path in WORKFLOWS}
    writing = {
        (name, right) for name, job in jobs() for right, level in job.get("permissions", {}).items() if level == "write"
    }
    assert writing == {
        ("codeql.yml analyse", "security-events"),
        ("deploy.yml dev", "id-token"),
        ("deploy.yml prod", "id-token"),
        ("stage.yml deploy", "id-token"),
    }


def test_every_job_that_runs_steps_ends_by_itself_and_keeps_no_credentials() -> None:
    for name, job in jobs():
        if "steps" in job:
            assert name and 0 < job["timeout-minutes"] <= 60
            checkouts = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
            assert name and [step["with"]["persist-credentials"] for step in checkouts] == [False]


def test_checks_run_on_both_supported_pythons_with_the_command_of_ci() -> None:
    job = read(GITHUB / "workflows" / "check.yml")["jobs"]["test"]
    assert job["strategy"]["matrix"] == {"python": ["3.12", "3.13"]}
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]


def test_ci_runs_all_tests_and_then_two_minutes_of_days_on_which_the_platform_fails() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert lines[-2:] == ["make test", "exec make proof ONLY=failures,local-failures SECONDS=90"]


def test_a_stage_is_deployed_stack_by_stack_then_looked_at_then_run() -> None:
    job = read(GITHUB / "workflows" / "stage.yml")["jobs"]["deploy"]
    commands = [step["run"] for step in job["steps"] if "run" in step]
    deployed = [f'make deploy STAGE="$STAGE" SERVICE={name}' for name in ("foundation", *SERVICES, *EXTRAS)]
    assert commands == [
        *deployed,
        'make smoke STAGE="$STAGE"',
        'make rollback STAGE="$STAGE"',
        'make start STAGE="$STAGE"',
    ]
    [rollback] = [step for step in job["steps"] if step.get("run", "").startswith("make rollback")]
    assert rollback["if"] == "failure() && steps.smoke.outcome == 'failure'"
    assert job["environment"] == "${{ inputs.stage }}"


def test_prod_comes_after_dev_and_dev_after_the_checks() -> None:
    deploy = read(GITHUB / "workflows" / "deploy.yml")["jobs"]
    assert {name: job.get("needs") for name, job in deploy.items()} == {"check": None, "dev": "check", "prod": "dev"}
    assert {name: job["with"]["stage"] for name, job in deploy.items() if "with" in job} == {
        "dev": "dev",
        "prod": "prod",
    }
