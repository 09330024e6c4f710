"""Plain `chalice deploy` works from the copy that a build leaves; the api comes without routes in the local cloud."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.deploying.deploy import deploy
from infra.deploying.stage import find_names
from infra.local.local_cloud import REGION, LocalCloud
from infra.packaging.build import build
from infra.services import SERVICES

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("deployments")]

STAGE = "plain"


def silent(_: str) -> None:
    """A report nobody reads."""


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    """A local cloud with a stage that has its foundation and nothing else."""
    with LocalCloud() as started:
        deploy(STAGE, endpoint=started.endpoint, services=["foundation"], report=silent)
        yield started


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_plain_chalice_deploy_works_from_the_copy(service: str, cloud: LocalCloud, tmp_path: Path) -> None:
    names = find_names(STAGE, cloud=cloud._cloud)
    copy = build(service, stage=STAGE, names=names, out=tmp_path, report=silent).source
    run = subprocess.run(
        [sys.executable, "-c", "from chalice.cli import main; main()", "deploy", "--stage", STAGE],
        cwd=copy,
        env={
            "PATH": os.defpath,
            "HOME": str(tmp_path),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": cloud.endpoint,
            **json.loads((copy / ".chalice" / "config.json").read_text())["environment_variables"],
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    deployed = {function["FunctionName"] for function in cloud.client("lambda").list_functions()["Functions"]}
    declared = SERVICES[service]
    assert {declared.function_name(function, stage=STAGE) for function in declared.functions} <= deployed
