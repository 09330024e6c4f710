"""The roles of delivery, where IAM is enforced: who may assume them, and that they are enough to deploy with."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.deploying import stacks
from infra.deploying.cloud import Cloud
from infra.deploying.deploy import deploy
from infra.local.local_cloud import LocalCloud
from infra.operating.start_run import DETAIL_TYPE, SOURCE
from infra.services import EXTRAS, ROOT, SERVICES
from infra.waiting import wait_for

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("guarded")]

STAGE, REPOSITORY = "delivered", "owner/covid-stats"
OF_MAIN = f"repo:{REPOSITORY}:environment:{STAGE}:ref:refs/heads/main"
ISSUER = "https://token.actions.githubusercontent.com"

WITHOUT_RESOURCE = ["ssm:GetParametersByPath", "events:PutEvents"]
"""Rights that AWS binds as the policy does; MiniStack knows no path for the first, and no `events:source`."""


@pytest.fixture(scope="module")
def administrator(guarded: LocalCloud) -> Cloud:
    return Cloud.local(guarded.endpoint)


@pytest.fixture(scope="module")
def deploy_role(administrator: Cloud) -> Iterator[str]:
    """ARN of the role, made as an administrator makes it."""
    stack = f"covid-stats-{STAGE}-delivery"
    template = (ROOT / "infra" / "delivery.yaml").read_text()
    chosen = {"Stage": STAGE, "Cloud": "local", "Repository": REPOSITORY, "CodeBuild": "yes"}
    stacks.apply(stack, template, given=chosen, stage=STAGE, cloud=administrator)
    allowed = {"Effect": "Allow", "Action": WITHOUT_RESOURCE, "Resource": "*"}
    more = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam, role = administrator.client("iam"), f"covid-stats-{STAGE}-deploy"
    iam.put_role_policy(RoleName=role, PolicyName="local", PolicyDocument=more)
    yield stacks.outputs(stack, cloud=administrator)["DeployRoleArn"]
    iam.delete_role_policy(RoleName=role, PolicyName="local")
    stacks.delete(stack, cloud=administrator)


def token(*, subject: str, audience: str = "sts.amazonaws.com", issuer: str = ISSUER) -> str:
    """What GitHub gives to a job, but for the signature, which only AWS checks."""
    parts: tuple[dict[str, str], ...] = ({"alg": "none"}, {"iss": issuer, "aud": audience, "sub": subject}, {})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)


def assume(role: str, administrator: Cloud, claim: str) -> dict[str, Any]:
    reply = administrator.client("sts").assume_role_with_web_identity(
        RoleArn=role, RoleSessionName="deploy", WebIdentityToken=claim
    )
    return dict(reply["Credentials"])


@pytest.fixture(scope="module")
def deployer(deploy_role: str, administrator: Cloud) -> Cloud:
    """The local cloud, with the rights of a workflow in the stage's environment and no more."""
    given = assume(deploy_role, administrator, token(subject=OF_MAIN))
    session = boto3.session.Session(
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
        region_name=administrator.region,
    )
    return Cloud(kind="local", session=session, endpoint=administrator.endpoint)


@pytest.mark.parametrize(
    "claim",
    [
        token(subject=f"repo:{REPOSITORY}:environment:prod:ref:refs/heads/main"),
        token(subject=f"repo:{REPOSITORY}:environment:{STAGE}:ref:refs/heads/feature"),
        token(subject=f"repo:{REPOSITORY}:environment:{STAGE}"),
        token(subject=f"repo:{REPOSITORY}:ref:refs/heads/main"),
        token(subject=f"repo:{REPOSITORY}:pull_request"),
        token(subject=f"repo:someone/covid-stats:environment:{STAGE}:ref:refs/heads/main"),
        token(subject=OF_MAIN, audience="https://github.com/owner"),
        token(subject=OF_MAIN, issuer="https://gitlab.com"),
    ],
    ids=[
        "another stage",
        "another branch",
        "no branch",
        "no environment",
        "a pull request",
        "another repository",
        "another audience",
        "another issuer",
    ],
)
def test_nobody_else_may_assume_the_role(claim: str, deploy_role: str, administrator: Cloud) -> None:
    with pytest.raises(ClientError, match="Not authorized to perform sts:AssumeRoleWithWebIdentity"):
        assume(deploy_role, administrator, claim)


def test_the_role_is_enough_to_deploy_a_stage_stack_by_stack(guarded: LocalCloud, deployer: Cloud) -> None:
    """In the words of the workflow; CloudFormation makes the resources with a role of its own, here as on AWS."""
    chosen = {"Operations": "yes", "Analytics": "yes", "Engine": "yes"}
    for name in ("foundation", *SERVICES, *EXTRAS):
        done = deploy(
            STAGE,
            cloud=deployer,
            services=[name],
            parameters=chosen,
            out=guarded.folder / "build",
            report=lambda _: None,
        )
        assert done.changed == (name,)
    entry = {"Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": json.dumps({"stage": STAGE})}
    assert deployer.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0
    assert deployer.client("ssm").get_parameter(Name=f"/covid-stats/{STAGE}/api-url")["Parameter"]["Value"]
    ledger = f"covid-stats-{STAGE}-runs"
    wait_for(
        lambda: Cloud.local(guarded.endpoint).client("dynamodb").scan(TableName=ledger)["Items"],
        seconds=60,
        what="the run after the deployment begins",
    )


@pytest.mark.parametrize(
    ("service", "call", "arguments"),
    [
        ("s3", "create_bucket", {"Bucket": f"covid-stats-{STAGE}-more"}),
        ("iam", "create_role", {"RoleName": f"covid-stats-{STAGE}-fetcher-x", "AssumeRolePolicyDocument": "{}"}),
        ("lambda", "invoke", {"FunctionName": f"covid-stats-merger-{STAGE}-operate"}),
        ("dynamodb", "scan", {"TableName": f"covid-stats-{STAGE}-runs"}),
        ("cloudformation", "describe_stacks", {"StackName": "covid-stats-prod-foundation"}),
        ("cloudformation", "delete_stack", {"StackName": f"covid-stats-prod-{STAGE}"}),
        ("ssm", "get_parameter", {"Name": "/covid-stats/prod/bucket"}),
        (
            "sns",
            "publish",
            {"TopicArn": f"arn:aws:sns:us-east-1:000000000000:covid-stats-{STAGE}-digest", "Message": "x"},
        ),
    ],
)
def test_the_role_may_do_nothing_else(service: str, call: str, arguments: dict[str, Any], deployer: Cloud) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(deployer.client(service), call)(**arguments)
    assert refused.value.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException", "AuthorizationError")
