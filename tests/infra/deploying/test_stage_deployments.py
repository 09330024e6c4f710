"""Deployment on the local cloud: whole, alone, unchanged, failing, side by side, and torn down."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.deploying.deploy import Deployed, deploy
from infra.deploying.destroy import NotEmpty, destroy
from infra.deploying.stacks import DeploymentFailed
from infra.errors import CommandFailed
from infra.local.local_cloud import LocalCloud
from infra.packaging.vendoring import PackagingFailed
from infra.services import ROOT, SERVICES

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("deployments")]

EVERYTHING = ("foundation", *SERVICES)

_NOT_TO_BE_HAD = "  Bad: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: http://127.0.0.1/none}}"


class Account:
    """A local cloud, and what a deployment to it says."""

    def __init__(self, cloud: LocalCloud, *, root: Path, out: Path) -> None:
        self.cloud, self.root, self.out = cloud, root, out
        self.reports: list[str] = []

    def deploy(self, stage: str, *services: str) -> Deployed:
        self.reports.clear()
        return deploy(
            stage,
            endpoint=self.cloud.endpoint,
            services=services or None,
            out=self.out,
            root=self.root,
            report=self.reports.append,
        )

    def destroy(self, stage: str, *, force: bool = False) -> None:
        destroy(stage, endpoint=self.cloud.endpoint, force=force, report=self.reports.append)

    def client(self, service: str) -> Any:
        return self.cloud.client(service)

    def updated(self, stage: str) -> dict[str, list[str]]:
        """Stack -> the ids of its events, newest first: what was touched has more of them than before."""
        client = self.client("cloudformation")
        return {
            stack["StackName"].removeprefix(f"covid-stats-{stage}-"): [
                event["EventId"] for event in client.describe_stack_events(StackName=stack["StackName"])["StackEvents"]
            ]
            for stack in client.describe_stacks()["Stacks"]
            if stack["StackName"].startswith(f"covid-stats-{stage}-") and stack["StackStatus"] != "DELETE_COMPLETE"
        }


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """A cloud of its own, and a checkout of its own to change."""
    folder = tmp_path_factory.mktemp("deploying")
    ignored = shutil.ignore_patterns("__pycache__", "vendor")
    for name in ("shared", "infra/fragments", "infra/locks", *SERVICES):
        shutil.copytree(ROOT / name, folder / "checkout" / name, ignore=ignored)
    shutil.copyfile(ROOT / "infra" / "foundation.yaml", folder / "checkout" / "infra" / "foundation.yaml")
    with LocalCloud() as cloud:
        yield Account(cloud, root=folder / "checkout", out=folder / "build")


def test_a_service_alone_needs_a_foundation(account: Account) -> None:
    with pytest.raises(CommandFailed, match="stage none has no foundation yet"):
        account.deploy("none", "api")


def test_a_second_deployment_of_unchanged_sources_does_nothing_and_says_so(account: Account) -> None:
    first = account.deploy("same")
    before = account.updated("same")
    second = account.deploy("same")
    assert first.changed == EVERYTHING
    assert second.changed == ()
    assert sorted(account.reports) == sorted(f"{name}: nothing to do" for name in EVERYTHING)
    assert before == account.updated("same")


def test_a_change_to_one_service_deploys_that_service_alone(account: Account) -> None:
    account.deploy("one")
    before = account.updated("one")
    app = account.root / "notifier" / "app.py"
    app.write_text(app.read_text() + "\n# changed\n")
    assert account.deploy("one").changed == ("notifier",)
    after = account.updated("one")
    assert [name for name in after if after[name] != before[name]] == ["notifier"]


def test_a_service_that_fails_rolls_back_alone(account: Account) -> None:
    account.deploy("back")
    before = account.updated("back")
    merge = account.root / "infra" / "fragments" / "fetcher.yaml"
    good = merge.read_text()
    merge.write_text(good.replace("\nResources:", f"\nResources:\n{_NOT_TO_BE_HAD}"))
    with pytest.raises(DeploymentFailed, match=r"covid-stats-back-fetcher ended as UPDATE_ROLLBACK_COMPLETE:\n  Bad: "):
        account.deploy("back")
    merge.write_text(good)
    after = account.updated("back")
    assert [name for name in after if after[name] != before[name]] == ["fetcher"]
    assert account.deploy("back").changed == ()


def test_a_package_that_does_not_import_is_not_deployed(account: Account) -> None:
    account.deploy("gate")
    before = account.updated("gate")
    app = account.root / "fetcher" / "app.py"
    good = app.read_text()
    app.write_text(f"{good}\n\ndef later() -> None:\n    import not_there\n")
    with pytest.raises(PackagingFailed, match="No module named 'not_there'"):
        account.deploy("gate", "fetcher")
    app.write_text(good)
    assert before == account.updated("gate")


def test_two_stages_share_nothing(account: Account) -> None:
    blue, green = (set(account.deploy(stage).names.items()) for stage in ("blue", "green"))
    shared = {name for name, _ in blue & green}
    assert shared == {"DATASETS", "CLOUD", "PARTITION", "REGION", "ACCOUNT"}
    resources = [
        {
            (item["ResourceType"], item["PhysicalResourceId"])
            for name in account.updated(stage)
            for item in account.client("cloudformation").list_stack_resources(StackName=f"covid-stats-{stage}-{name}")[
                "StackResourceSummaries"
            ]
        }
        for stage in ("blue", "green")
    ]
    assert resources[0] & resources[1] == set()
    account.destroy("blue")
    assert set(account.updated("green")) == set(EVERYTHING)


def test_destroy_refuses_to_delete_data_and_with_force_leaves_nothing(account: Account) -> None:
    names = account.deploy("gone").names
    account.client("s3").put_object(
        Bucket=names["BUCKET"], Key="snapshots/us-covid/2020-10-25T17:00:00Z.csv", Body=b"date\n"
    )
    with pytest.raises(NotEmpty, match="holds data; FORCE=1 deletes it for good"):
        account.destroy("gone")
    assert set(account.updated("gone")) == set(EVERYTHING)
    account.destroy("gone", force=True)
    assert account.updated("gone") == {}
    assert left_behind(account, "gone") == []


def left_behind(account: Account, stage: str) -> list[str]:
    """Names of everything in the account that contains the stage's prefix."""
    found = [bucket["Name"] for bucket in account.client("s3").list_buckets()["Buckets"]]
    found += account.client("dynamodb").list_tables()["TableNames"]
    found += account.client("sqs").list_queues().get("QueueUrls", [])
    found += [topic["TopicArn"] for topic in account.client("sns").list_topics()["Topics"]]
    found += [function["FunctionName"] for function in account.client("lambda").list_functions()["Functions"]]
    found += [rule["Name"] for rule in account.client("events").list_rules()["Rules"]]
    found += [role["RoleName"] for role in account.client("iam").list_roles()["Roles"]]
    found += [group["logGroupName"] for group in account.client("logs").describe_log_groups()["logGroups"]]
    found += [item["Name"] for item in account.client("ssm").describe_parameters()["Parameters"]]
    return [name for name in found if f"-{stage}-" in name or f"/{stage}/" in name or name.endswith(f"-{stage}")]
