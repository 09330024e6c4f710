"""Stages whose names begin alike, tables that do not go by mistake, and what a stage's operator chose: in memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.deploying.cloud import Cloud
from infra.deploying.destroy import _sweep_logs, _unprotect
from infra.deploying.stage import Choices, check_region, find_choices, forget_choices, keep_choices, parse_choices
from infra.errors import CommandFailed

ACCOUNT = "123456789012"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with mock_aws():
        yield account("us-east-1")


def account(region: str) -> Cloud:
    session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=region)
    return Cloud(kind="aws", session=session)


def test_the_logs_of_a_stage_whose_name_begins_alike_stay(cloud: Cloud) -> None:
    logs = cloud.client("logs")
    for stage in ("prod", "prod-b"):
        logs.create_log_group(logGroupName=f"/aws/lambda/covid-stats-merger-{stage}-watch")
        logs.create_log_group(logGroupName=f"/aws/lambda/covid-stats-api-{stage}")
    _sweep_logs("prod", cloud=cloud)
    left = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    assert left == ["/aws/lambda/covid-stats-api-prod-b", "/aws/lambda/covid-stats-merger-prod-b-watch"]


def test_protected_tables_are_let_go_when_the_stage_is_destroyed(cloud: Cloud) -> None:
    client: Any = cloud.client("dynamodb")
    client.create_table(
        TableName="covid-stats-prod-runs",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "dataset", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "dataset", "KeyType": "HASH"}],
        DeletionProtectionEnabled=True,
    )
    _unprotect(["covid-stats-prod-runs", "covid-stats-prod-observations"], cloud=cloud)
    client.delete_table(TableName="covid-stats-prod-runs")
    assert client.list_tables()["TableNames"] == []


def test_what_was_chosen_at_a_desk_is_found_where_there_is_no_file(cloud: Cloud, tmp_path: Path) -> None:
    desk, delivery = tmp_path / "desk", tmp_path / "delivery"
    desk.mkdir()
    (desk / "prod.toml").write_text(
        '[parameters]\nEmails = ["a@example.org", "b@example.org"]\n[settings]\nNOTICE = "x"\n'
    )
    chosen = Choices(parameters={"Emails": "a@example.org,b@example.org"}, settings={"NOTICE": "x"})
    assert find_choices("prod", cloud=cloud, folder=delivery) == Choices()
    keep_choices("prod", cloud=cloud, folder=desk)
    keep_choices("prod", cloud=cloud, folder=delivery)  # a deployment without the file takes nothing away
    assert find_choices("prod", cloud=cloud, folder=delivery) == chosen
    kept = cloud.client("ssm").get_parameter(Name="/covid-stats/prod/stage-file")["Parameter"]
    assert kept["Type"] == "SecureString"
    forget_choices("prod", cloud=cloud)
    forget_choices("prod", cloud=cloud)
    assert find_choices("prod", cloud=cloud, folder=delivery) == Choices()


def test_an_address_that_is_in_two_lists_is_refused() -> None:
    text = '[parameters]\nEmails = "a@example.org, b@example.org"\nOperatorEmails = ["b@example.org"]\n'
    with pytest.raises(CommandFailed, match=r"x\.toml has b@example\.org in Emails and in OperatorEmails; .*AllEmails"):
        parse_choices(text, "x.toml")


def test_a_stage_is_in_one_region(cloud: Cloud) -> None:
    check_region("prod", cloud=cloud)
    there = {"LocationConstraint": "eu-west-1"}
    bucket = f"covid-stats-prod-artefacts-{ACCOUNT}"
    account("eu-west-1").client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=there)
    check_region("prod", cloud=account("eu-west-1"))
    with pytest.raises(CommandFailed, match="stage prod is in eu-west-1, not in us-east-1"):
        check_region("prod", cloud=cloud)
