"""What a stage is called, what its operator has set, and what the foundation has named its things."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.deploying.cloud import Cloud
from infra.errors import CommandFailed
from infra.services import ROOT
from shared.datasets import DEFAULT

_NAME = re.compile(r"[a-z][a-z0-9-]{0,19}")

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
    "api-url": "DASHBOARD_URL",
}
"""SSM parameter below `/covid-stats/{stage}/` -> the name under which the services' config and policies use it."""


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What an operator chose for a stage; all of it is optional."""

    parameters: Mapping[str, str] = field(default_factory=dict)
    """Template parameters: `Emails`, `LogRetentionDays`, `DomainName` and so on."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the services: `SCHEDULE`, `DEADLINE_HOURS` and so on."""


def check_stage(name: str) -> str:
    """The stage's name. Raises CommandFailed for one that bucket, stacks and functions cannot be named after."""
    if not _NAME.fullmatch(name):
        raise CommandFailed(f"STAGE is {name!r}; allowed are 1 to 20 of a-z, 0-9 and -, beginning with a letter")
    return name


def read_choices(stage: str) -> Choices:
    """From `infra/stages/{stage}.toml`, tables `parameters` and `settings`; nothing chosen where there is none."""
    path = ROOT / "infra" / "stages" / f"{stage}.toml"
    declared = tomllib.loads(path.read_text()) if path.exists() else {}
    unknown = sorted(set(declared) - {"parameters", "settings"})
    if unknown:
        raise CommandFailed(f"{path.name} has {unknown}; allowed are parameters and settings")
    return Choices(
        parameters={name: _text(value) for name, value in declared.get("parameters", {}).items()},
        settings={name: _text(value) for name, value in declared.get("settings", {}).items()},
    )


def find_names(stage: str, *, cloud: Cloud, dataset: str = DEFAULT) -> dict[str, str]:
    """What `${...}` stands for in the services' config and policies. Raises CommandFailed before it is deployed."""
    published = find_published(stage, cloud=cloud)
    if "BUCKET" not in published:
        raise CommandFailed(f"stage {stage} has no foundation yet: deploy it as a whole first")
    account = cloud.identity["Account"]
    return {
        "STAGE": stage,
        "DATASET": dataset,
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
