"""Deployments: each service alone, nothing where nothing changed, and a failure that rolls back itself alone."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra import stacks
from infra.build import build
from infra.cloud import Cloud
from infra.deploy import deploy
from infra.deployed import Stage
from infra.driving import Chain
from infra.feed_server import FeedServer
from infra.local_cloud import LocalCloud
from infra.local_system import open_mailbox
from infra.services import ROOT, SERVICES, find_service, foundation_stack
from infra.stage import find_names
from shared.datasets import US_COVID
from shared.runs import State
from tests.cloud.stage_days import Days

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("cloud")]

STAGE = "shipped"
ROOMS = ("shared", "infra", *SERVICES)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources that a test may change."""
    copy = tmp_path_factory.mktemp("checkout")
    for room in ROOMS:
        ignored = shutil.ignore_patterns("__pycache__", "vendor")
        shutil.copytree(ROOT / room, copy / room, ignore=ignored)
    return copy


class Ships:
    """Deploys the stage from a checkout, and counts what CloudFormation did to each stack."""

    def __init__(self, cloud: LocalCloud, checkout: Path, out: Path) -> None:
        self._endpoint, self._checkout, self._out = cloud.endpoint, checkout, out
        self._client = cloud.client("cloudformation")

    def __call__(self, *services: str) -> tuple[str, ...]:
        """What changed."""
        done = deploy(
            STAGE,
            endpoint=self._endpoint,
            services=services or None,
            out=self._out,
            root=self._checkout,
            report=lambda _: None,
        )
        return done.changed

    def events(self) -> Mapping[str, int]:
        """Stack -> how many events it has had."""
        names = ["foundation", *SERVICES]
        described = {
            name: self._client.describe_stack_events(StackName=f"covid-stats-{STAGE}-{name}") for name in names
        }
        return {name: len(reply["StackEvents"]) for name, reply in described.items()}


@pytest.fixture(scope="module")
def ship(cloud: LocalCloud, checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Ships:
    ship = Ships(cloud, checkout, tmp_path_factory.mktemp("out"))
    assert set(ship()) >= {"foundation", *SERVICES}
    return ship


def code_of(cloud: LocalCloud, service: str, function: str) -> str:
    """The hash of the code that a function runs."""
    name = find_service(service).function_name(function, stage=STAGE)
    return str(cloud.client("lambda").get_function_configuration(FunctionName=name)["CodeSha256"])


def test_a_second_deployment_does_nothing(ship: Ships) -> None:
    before = ship.events()
    assert ship() == ()
    assert ship.events() == before


def test_a_change_to_one_service_deploys_that_service_alone(ship: Ships, checkout: Path, cloud: LocalCloud) -> None:
    before, code = ship.events(), code_of(cloud, "notifier", "on_run_ended")
    with (checkout / "notifier" / "chalicelib" / "mailing.py").open("a") as module:
        module.write("\nCHANGED = True\n")
    assert ship() == ("notifier",)
    after = ship.events()
    assert {name for name in after if after[name] != before[name]} == {"notifier"}
    assert code_of(cloud, "notifier", "on_run_ended") != code


def test_a_service_can_be_deployed_by_its_name(ship: Ships, checkout: Path) -> None:
    before = ship.events()
    for service in ("api", "fetcher"):
        with (checkout / service / "app.py").open("a") as module:
            module.write("\nCHANGED = True\n")
    assert ship("api") == ("api",)
    after = ship.events()
    assert {name for name in after if after[name] != before[name]} == {"api"}
    assert ship() == ("fetcher",)


def test_a_deployment_that_fails_rolls_back_that_service_alone(ship: Ships, checkout: Path, cloud: LocalCloud) -> None:
    before, code = ship.events(), code_of(cloud, "merger", "on_feed_arrived")
    merge = checkout / "infra" / "merge" / "merger.yaml"
    whole = merge.read_text()
    with (checkout / "merger" / "app.py").open("a") as module:
        module.write("\nCHANGED = True\n")
    merge.write_text(whole.replace("\nResources:\n", f"\nResources:\n{IMPOSSIBLE}", 1))
    with pytest.raises(stacks.DeploymentFailed, match="covid-stats-shipped-merger ended as UPDATE_ROLLBACK_COMPLETE"):
        ship()
    after = ship.events()
    assert {name for name in after if after[name] != before[name]} == {"merger"}
    assert code_of(cloud, "merger", "on_feed_arrived") == code
    Stage(STAGE, endpoint=cloud.endpoint).invoke("merger", "watch", {"time": "2021-01-01T00:00:00Z"})
    merge.write_text(whole)
    assert ship() == ("merger",), "the next deployment goes on from there"
    assert code_of(cloud, "merger", "on_feed_arrived") != code


IMPOSSIBLE = """\
  Impossible:
    Type: AWS::SSM::Parameter
    DependsOn: OnFeedArrived
    Properties: {Type: String, Name: impossible, Value: !GetAtt DeadLetters.Nothing}
"""


def test_plain_chalice_deploy_of_each_service_works(cloud: LocalCloud, tmp_path: Path) -> None:
    """As far as it can locally: there the api comes without routes, for ImportRestApi takes no body."""
    stage, account = "plain", Cloud.local(cloud.endpoint)
    template = (ROOT / "infra" / "foundation.yaml").read_text()
    chosen = {"Stage": stage, "Cloud": "local"}
    assert stacks.apply(foundation_stack(stage), template, parameters=chosen, stage=stage, cloud=account)
    names = find_names(stage, cloud=account)
    with FeedServer() as feeds:
        settings = {"FEED_URLS": str(feeds.feed_urls(US_COVID)).replace("'", '"')}

        def chalice_deploy(service: str) -> "subprocess.CompletedProcess[str]":
            built = build(service, stage=stage, names=names, settings=settings, out=tmp_path, report=lambda _: None)
            return subprocess.run(
                [sys.executable, "-c", "from chalice.cli import main; main()", "deploy", "--stage", stage],
                cwd=built.source,
                env=plain_environment(cloud) | names | settings,
                capture_output=True,
                text=True,
                check=False,
            )

        with ThreadPoolExecutor(len(SERVICES)) as pool:
            done = dict(zip(SERVICES, pool.map(chalice_deploy, SERVICES), strict=True))
        assert {service: run.returncode for service, run in done.items()} == dict.fromkeys(SERVICES, 0), [
            run.stdout + run.stderr for run in done.values()
        ]
        deployed = Stage(stage, endpoint=cloud.endpoint)
        chain = Chain(deployed, feeds=feeds, mailbox=open_mailbox(deployed))
        carried = chain.carry(Days().first_load())
    assert (carried.problem, carried.run.state) == ("", State.COMMITTED)
    assert [mail.kind for mail in carried.mails] == ["digest"]


def plain_environment(cloud: LocalCloud) -> dict[str, str]:
    """What a developer at a terminal would have set."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", ""),
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "PYTHONPATH": "vendor",
    }
