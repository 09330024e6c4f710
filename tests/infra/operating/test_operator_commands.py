"""What an operator's commands say and do, without a cloud: names, clouds to choose among, releases, readers."""

import datetime as dt
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.deploying.cloud import Cloud
from infra.deploying.deployed import Stage
from infra.deploying.releases import Releases, forget, read_releases, record, record_good, roll_back
from infra.errors import CommandFailed
from infra.local.local_system import declaration_files
from infra.local.running_clouds import Running
from infra.operating import commands
from infra.operating.approve_redrive import operate
from infra.operating.commands import find_stage
from infra.operating.refresh import invalidate
from infra.operating.signing import recorded_name, with_identity
from infra.operating.start_run import start_run
from infra.operating.status import Subscription, find_subscriptions
from infra.operating.subscribe import subscribe
from shared import datasets
from shared.runs import Run, State
from tests.infra.deploying.change_sets import CloudFormation

BUCKET = "covid-stats-prod-artefacts-123456789012"


class OnAws(Stage):
    """A stage in an account in memory, with a CloudFormation that keeps AWS's rules."""

    def __init__(self, name: str, cloudformation: CloudFormation) -> None:
        super().__init__(name)
        session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
        real = Cloud(kind="aws", session=session)

        class Mixed(Cloud):
            def client(self, service: str) -> Any:
                return cloudformation if service == "cloudformation" else real.client(service)

        self.cloud = Mixed(kind="aws", session=session)


@pytest.fixture
def cloudformation() -> CloudFormation:
    return CloudFormation(status="CREATE_COMPLETE", parameters={"Stage": "prod", "Cloud": "aws"})


@pytest.fixture
def stage(cloudformation: CloudFormation) -> Iterator[OnAws]:
    with mock_aws():
        stage = OnAws("prod", cloudformation)
        for name, value in {"bucket": "data", "artefacts": BUCKET}.items():
            stage.client("ssm").put_parameter(Name=f"/covid-stats/prod/{name}", Value=value, Type="String")
        stage.client("s3").create_bucket(Bucket=BUCKET)
        yield stage


# --- which stage is meant --------------------------------------------------------------------------------------


def test_a_mistyped_stage_is_told_with_those_that_there_are(stage: OnAws, cloudformation: CloudFormation) -> None:
    mistyped = OnAws("prdo", cloudformation)
    with pytest.raises(CommandFailed, match=r"^STAGE=prdo is not deployed in AWS \(us-east-1\): .*; there are prod$"):
        mistyped.parameter("bucket")
    with pytest.raises(CommandFailed, match="STAGE=prdo is not deployed"):
        start_run(mistyped)
    assert stage.parameter("bucket") == "data"


def test_a_name_that_is_none_is_refused_before_anything_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "all_running", lambda: iter(()))
    with pytest.raises(CommandFailed, match="STAGE is 'Prod'; allowed are"):
        find_stage("Prod")


def test_of_several_local_clouds_one_is_chosen_by_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    here = [Running(pid=os.getpid(), endpoint=f"http://127.0.0.1:{port}", stage="local") for port in (4566, 4567)]
    monkeypatch.setattr(commands, "all_running", lambda: iter(here))
    for name in ("", "local"):
        with pytest.raises(CommandFailed, match=r"2 local clouds run .*STAGE=http://127.0.0.1:4567 \(stage local\)"):
            find_stage(name)
    chosen = find_stage("http://127.0.0.1:4567")
    assert (chosen.name, chosen.endpoint) == ("local", "http://127.0.0.1:4567")
    with pytest.raises(CommandFailed, match="no local cloud of this checkout is there; there are http"):
        find_stage("http://127.0.0.1:1")
    assert find_stage("prod").endpoint == ""


ELSEWHERE = """title = "Elsewhere"

[[measure]]
name = "level"
label = "Level"
kind = "level"

[[feed]]
name = "gauge"
url = "https://example.org/gauge.csv"
title = "A gauge"
licence = "public domain"
credit = "A gauge"
date = "day"
measures = { level = "level" }
"""


def serving(stage: OnAws, datasets: str) -> None:
    """The stage as its merger's environment has it."""
    stage.settings = {"STAGE": "prod", "DATASETS": datasets, "BUCKET": "data", "RUNS_TABLE": "runs"}


@pytest.fixture
def declaration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a dataset that no name in this checkout stands for."""
    monkeypatch.setattr(datasets, "_REGISTRY", dict(datasets._REGISTRY))
    path = tmp_path / "elsewhere.toml"
    path.write_text(ELSEWHERE)
    return path


def test_a_dataset_that_is_declared_elsewhere_is_named_with_what_helps(stage: OnAws) -> None:
    serving(stage, "elsewhere")
    with pytest.raises(CommandFailed, match=r"not declared in this checkout: .*; DATASET=path/name.toml gives its"):
        _ = stage.dataset


def test_a_dataset_of_a_stage_may_be_named_by_its_file(stage: OnAws, declaration: Path) -> None:
    assert stage.of(str(declaration)).named == "elsewhere"
    serving(stage, "us-covid,elsewhere")
    assert [dataset.name for dataset in stage.place.datasets] == ["us-covid", "elsewhere"]


def test_the_file_of_a_local_clouds_dataset_is_found_by_every_command(
    declaration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [whole] = declaration_files(f"us-covid,{declaration}")
    here = Running(pid=os.getpid(), endpoint="http://127.0.0.1:4566", stage="local", declarations=whole)
    monkeypatch.setattr(commands, "all_running", lambda: iter([here]))
    find_stage("")
    assert datasets.find_dataset("elsewhere").title == "Elsewhere"


def test_a_run_of_each_dataset_is_started_where_none_is_named(stage: OnAws) -> None:
    serving(stage, "us-covid,us-hospital-admissions")
    sent = list[dict[str, Any]]()

    class Bus:
        def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803  # boto3's own name
            sent.extend(json.loads(entry["Detail"]) for entry in Entries)
            return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in Entries]}

    real = stage.client
    stage.client = lambda service: Bus() if service == "events" else real(service)  # type: ignore[method-assign]
    start_run(stage)
    names = ["us-covid", "us-hospital-admissions"]
    assert sent == [{"stage": "prod", "dataset": name} for name in names]


# --- approve -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["approve", "redrive"])
def test_a_command_that_could_change_nothing_says_so_and_does_nothing(command: str) -> None:
    """A newer run was committed: the older one could only end SUPERSEDED."""
    old, new = "2026-03-01T17:00:00Z", "2026-03-02T17:00:00Z"

    class Overtaken:
        name, caller = "prod", "arn:aws:iam::123456789012:user/ann"

        class ledger:  # noqa: N801  # the stage's own name
            @staticmethod
            def get(run_id: str) -> Run:
                return Run(run_id=run_id, state=State.REJECTED)

            @staticmethod
            def head() -> Any:
                return type("Head", (), {"head": new})()

    reported = list[str]()
    anyone: Any = Overtaken()
    with pytest.raises(CommandFailed, match=f"{command} of run {old} would have no effect: run {new} was committed"):
        operate(anyone, command, old, report=reported.append)
    assert reported == []


def test_on_aws_a_command_is_signed_and_names_nobody_and_locally_it_gives_a_name(stage: OnAws) -> None:
    command = {"command": "redrive", "run_id": "2026-03-01T17:00:00Z", "time": "2026-03-01T20:00:00Z"}
    sent = with_identity(command, stage=stage)
    assert {name: value for name, value in sent.items() if name != "signed"} == command
    assert sent["signed"].startswith(
        "https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15&"
    )
    assert "X-Amz-SignedHeaders=host%3Bx-covid-stats-command&" in sent["signed"]
    local = Stage("local", endpoint="http://127.0.0.1:1")
    local.caller = "arn:aws:iam::000000000000:root"
    assert with_identity(command, stage=local) == command | {"by": "arn:aws:iam::000000000000:root"}
    assert recorded_name(local) == "arn:aws:iam::000000000000:root (unverified)"


# --- releases --------------------------------------------------------------------------------------------------


def test_what_passed_the_smoke_test_is_what_is_gone_back_to(stage: OnAws, cloudformation: CloudFormation) -> None:
    s3, api = stage.client("s3"), "covid-stats-prod-api"
    with pytest.raises(CommandFailed, match="no release of stage prod has passed"):
        roll_back("prod", cloud=stage.cloud, report=lambda _: None)
    record(s3, BUCKET, stack=api, template="Parameters: {Stage: {Type: String}}  # good")
    record_good(s3, BUCKET)
    with pytest.raises(CommandFailed, match="nothing to undo"):
        roll_back("prod", cloud=stage.cloud, report=lambda _: None)
    record(s3, BUCKET, stack=api, template="Parameters: {Stage: {Type: String}}  # bad")
    record(s3, BUCKET, stack="covid-stats-prod-merger", template="new since")
    assert roll_back("prod", cloud=stage.cloud, report=lambda _: None) == [api]
    [done] = cloudformation.executed
    assert done["TemplateBody"].endswith("# good")
    releases = read_releases(s3, BUCKET)
    assert releases.current[api] == releases.good[api]


def test_a_removed_stack_is_no_part_of_the_release(stage: OnAws) -> None:
    s3 = stage.client("s3")
    record(s3, BUCKET, stack="covid-stats-prod-analytics", template="it")
    forget(s3, BUCKET, stack="covid-stats-prod-analytics")
    assert read_releases(s3, BUCKET) == Releases()


# --- readers ---------------------------------------------------------------------------------------------------


def test_readers_who_never_confirmed_or_cancelled_are_seen_and_asked_again(
    stage: OnAws, cloudformation: CloudFormation
) -> None:
    subscriptions = {"a@example.org": "arn:aws:sns:us-east-1:123456789012:t:1", "b@example.org": "PendingConfirmation"}
    sns = Topics(subscriptions)
    stage.client = lambda service: sns if service == "sns" else stage.cloud.client(service)  # type: ignore[method-assign]
    stage.cloud.client("ssm").put_parameter(Name="/covid-stats/prod/topic-arn", Value="t", Type="String")
    cloudformation.parameters |= {"Emails": "a@example.org,b@example.org, c@example.org", "OperatorEmails": ""}
    digests: dict[str, Any] = {"topic": "digest", "chosen": {"kind": ["digest"]}}
    pending = Subscription(address="b@example.org", state="pending", **digests)
    cancelled = Subscription(address="c@example.org", state="cancelled", **digests)
    confirmed = Subscription(address="a@example.org", state="confirmed", **digests)
    assert find_subscriptions(stage) == [confirmed, pending, cancelled]
    assert subscribe(stage) == [pending, cancelled]
    chosen = {"FilterPolicy": '{"kind": ["digest"]}'}
    assert sns.requests == [("b@example.org", chosen), ("c@example.org", chosen)]


class Topics:
    """SNS with one topic's e-mail subscriptions."""

    def __init__(self, subscriptions: dict[str, str]) -> None:
        self._subscriptions = subscriptions
        self.requests = list[tuple[str, dict[str, str]]]()

    def get_paginator(self, _: str) -> "Topics":
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [
            {
                "Subscriptions": [
                    {"Protocol": "email", "Endpoint": address, "SubscriptionArn": arn}
                    for address, arn in self._subscriptions.items()
                ]
            }
        ]

    def subscribe(self, *, Endpoint: str, Attributes: dict[str, str], **_: Any) -> None:  # noqa: N803  # boto3's own names
        self.requests.append((Endpoint, Attributes))


# --- what is at the edge ---------------------------------------------------------------------------------------


def test_two_refreshes_are_two_invalidations(stage: OnAws, cloudformation: CloudFormation) -> None:
    """CloudFront takes a second one under the same reference for the first, and fetches nothing anew."""
    requests = list[str]()

    class Front:
        def create_invalidation(self, *, InvalidationBatch: dict[str, Any], **_: Any) -> None:  # noqa: N803
            requests.append(InvalidationBatch["CallerReference"])

    front: Any = Front()
    stage.client = lambda service: front  # type: ignore[method-assign]
    at = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    assert invalidate(stage, at=at) is False
    cloudformation.outputs = {"DistributionId": "E1"}
    assert [invalidate(stage, at=at + dt.timedelta(seconds=it)) for it in range(2)] == [True, True]
    assert len(set(requests)) == 2


def test_a_local_cloud_has_no_edge(tmp_path: Path) -> None:
    assert invalidate(Stage("local", endpoint=f"http://127.0.0.1/{tmp_path.name}"), at=dt.datetime.now(dt.UTC)) is False
