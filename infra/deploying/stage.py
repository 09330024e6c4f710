"""What a stage is called, what its operator has set, and what the foundation has named its things."""

import contextlib
import itertools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infra.deploying.cloud import Cloud
from infra.deploying.webhooks import Webhook, read_webhooks
from infra.errors import CommandFailed
from infra.services import ROOT
from shared.datasets import DEFAULT

STAGES = ROOT / "infra" / "stages"
"""Where the stages' files are."""

_COPY = "stage-file"
"""SSM parameter of the stage that holds a copy of its file."""

_SETTING_OF = {
    "bucket": "BUCKET",
    "artefacts": "ARTEFACTS",
    "observations-table": "OBSERVATIONS_TABLE",
    "runs-table": "RUNS_TABLE",
    "runs-stream-arn": "RUNS_STREAM_ARN",
    "topic-arn": "TOPIC_ARN",
    "operators-topic-arn": "OPERATORS_TOPIC_ARN",
    "changes-stream-arn": "CHANGES_STREAM_ARN",
    "cloudformation-role": "CLOUDFORMATION_ROLE",
    "permissions-boundary": "PERMISSIONS_BOUNDARY",
    "api-url": "DASHBOARD_URL",
}
"""SSM parameter below `/covid-stats/{stage}/` -> the name under which the services' config and policies use it."""


_AUDIENCES = ("Emails", "OperatorEmails", "AllEmails")


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What an operator chose for a stage; all of it is optional."""

    parameters: Mapping[str, str] = field(default_factory=dict)
    """Template parameters: `Emails`, `LogRetentionDays`, `DomainName` and so on."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the services: `SCHEDULE`, `DEADLINE_HOURS` and so on."""
    webhooks: tuple[Webhook, ...] = ()
    """Who gets events besides."""


def find_choices(stage: str, *, cloud: Cloud, folder: Path = STAGES) -> Choices:
    """From `infra/stages/{stage}.toml`; where there is none, from the copy of it that the last deployment kept.

    So delivery, which has no such file, deploys with what was chosen at a desk.
    """
    path = folder / f"{stage}.toml"
    return read_choices(stage, folder=folder) if path.exists() else parse_choices(_kept(stage, cloud=cloud), path.name)


def keep_choices(stage: str, *, cloud: Cloud, folder: Path = STAGES) -> None:
    """Keep a copy of the stage's file with the stage, encrypted: it may hold a secret. Nothing without a file."""
    path = folder / f"{stage}.toml"
    if path.exists() and (text := path.read_text()) != _kept(stage, cloud=cloud):
        name = f"/covid-stats/{stage}/{_COPY}"
        cloud.client("ssm").put_parameter(Name=name, Value=text, Type="SecureString", Overwrite=True)


def forget_choices(stage: str, *, cloud: Cloud) -> None:
    """Delete the copy, where there is one."""
    ssm = cloud.client("ssm")
    with contextlib.suppress(ssm.exceptions.ParameterNotFound):
        ssm.delete_parameter(Name=f"/covid-stats/{stage}/{_COPY}")


def kept_webhooks(stage: str, *, cloud: Cloud) -> tuple[Webhook, ...]:
    """Those of the last deployment."""
    return parse_choices(_kept(stage, cloud=cloud), f"the copy of {stage}'s file").webhooks


def _kept(stage: str, *, cloud: Cloud) -> str:
    ssm = cloud.client("ssm")
    try:
        reply = ssm.get_parameter(Name=f"/covid-stats/{stage}/{_COPY}", WithDecryption=True)
    except ssm.exceptions.ParameterNotFound:
        return ""
    return str(reply["Parameter"]["Value"])


def read_choices(stage: str, *, folder: Path = STAGES) -> Choices:
    """From `infra/stages/{stage}.toml`; nothing chosen where there is none."""
    path = folder / f"{stage}.toml"
    return parse_choices(path.read_text() if path.exists() else "", path.name)


def parse_choices(text: str, name: str) -> Choices:
    """From the text of a stage's file. Raises CommandFailed, naming the file, for a table that it may not have."""
    tables = tomllib.loads(text)
    datasets = {key: tables.pop(key) for key in ("DATASETS", "DATASET") if key in tables}
    unknown = sorted(set(tables) - {"parameters", "settings", "webhook"})
    if unknown:
        raise CommandFailed(f"{name} has {unknown}; allowed are DATASETS, parameters, settings and [[webhook]]")
    parameters = {key: _text(value) for key, value in tables.get("parameters", {}).items()}
    _check_audiences(parameters, name)
    return Choices(
        parameters=parameters,
        settings={key: _text(value) for key, value in (datasets | tables.get("settings", {})).items()},
        webhooks=read_webhooks(tables.get("webhook", []), file=name),
    )


def _check_audiences(parameters: Mapping[str, str], name: str) -> None:
    """SNS subscribes an address to a topic once, with one filter. Raises CommandFailed for one that is in two lists."""
    lists = {key: {it.strip() for it in parameters.get(key, "").split(",")} - {""} for key in _AUDIENCES}
    for one, other in itertools.combinations(lists, 2):
        for address in sorted(lists[one] & lists[other]):
            raise CommandFailed(
                f"{name} has {address} in {one} and in {other}; who is to get everything stands in AllEmails alone"
            )


def check_region(stage: str, *, cloud: Cloud) -> None:
    """A stage's buckets and roles are named for it and its account, so that it can be in one region only.

    Raises CommandFailed where it is in another one, or where its bucket's name is somebody else's.
    """
    bucket = f"covid-stats-{stage}-artefacts-{cloud.identity['Account']}"
    s3 = cloud.client("s3")
    try:
        headers = s3.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPHeaders"]
    except s3.exceptions.ClientError as error:
        headers = error.response["ResponseMetadata"].get("HTTPHeaders", {})
        if error.response["Error"]["Code"] == "404":
            return
        if "x-amz-bucket-region" not in headers:
            raise
    there = headers.get("x-amz-bucket-region", cloud.region)
    if there != cloud.region:
        raise CommandFailed(
            f"stage {stage} is in {there}, not in {cloud.region}: a stage is in one region of an account;"
            " give the other one another name"
        )


def find_names(stage: str, *, cloud: Cloud, datasets: str = DEFAULT) -> dict[str, str]:
    """What `${...}` stands for in the services' config and policies. Raises CommandFailed before it is deployed."""
    published = find_published(stage, cloud=cloud)
    if "BUCKET" not in published:
        raise CommandFailed(f"stage {stage} has no foundation yet: deploy it as a whole first")
    account = cloud.identity["Account"]
    return {
        "STAGE": stage,
        "DATASETS": datasets,
        "CLOUD": cloud.kind,
        "PARTITION": "aws" if cloud.endpoint else cloud.session.get_partition_for_region(cloud.region),
        "REGION": cloud.region,
        "ACCOUNT": account,
        "DASHBOARD_URL": "",
    } | published


def find_published(stage: str, *, cloud: Cloud) -> dict[str, str]:
    """The stage's SSM parameters by setting name; empty where there is no such stage."""
    pages = cloud.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=f"/covid-stats/{stage}")
    found = {item["Name"].rsplit("/", 1)[-1]: item["Value"] for page in pages for item in page["Parameters"]}
    return {_SETTING_OF[name]: value for name, value in found.items() if name in _SETTING_OF}


def _text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
