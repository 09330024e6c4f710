"""Which templates a stage was deployed with, and which of them were seen to work: what `make rollback` goes back to.

    releases/{stack}/{digest}.yaml    a template as it was deployed, with the addresses of its packages
    releases/state.json               {"current": {stack: key}, "good": {stack: key}}

In the stage's artefact bucket. The foundation is not among them: it holds data, and is never put back.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.deploying import stacks
from infra.deploying.cloud import Cloud
from infra.deploying.stage import find_published
from infra.errors import CommandFailed
from infra.progress import Report
from infra.services import all_stacks, foundation_stack

_STATE = "releases/state.json"


@dataclass(frozen=True, kw_only=True)
class Releases:
    """Stack -> key of its template."""

    current: Mapping[str, str] = field(default_factory=dict)
    """As deployed last."""
    good: Mapping[str, str] = field(default_factory=dict)
    """As deployed when the smoke test passed last."""


def read_releases(s3: Any, bucket: str) -> Releases:
    """Empty where nothing was deployed yet."""
    try:
        body = s3.get_object(Bucket=bucket, Key=_STATE)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return Releases()
    return Releases(**json.loads(body))


def record(s3: Any, bucket: str, *, stack: str, template: str) -> None:
    """Note what a stack was deployed with."""
    key = f"releases/{stack}/{hashlib.sha256(template.encode()).hexdigest()[:32]}.yaml"
    releases = read_releases(s3, bucket)
    if releases.current.get(stack) != key:
        s3.put_object(Bucket=bucket, Key=key, Body=template.encode())
        _write(s3, bucket, Releases(current={**releases.current, stack: key}, good=releases.good))


def forget(s3: Any, bucket: str, *, stack: str) -> None:
    """Note that a stack was removed."""
    releases = read_releases(s3, bucket)
    if stack in releases.current:
        left = {name: key for name, key in releases.current.items() if name != stack}
        _write(s3, bucket, Releases(current=left, good=releases.good))


def record_good(s3: Any, bucket: str) -> None:
    """Note that what is deployed now was seen to work."""
    releases = read_releases(s3, bucket)
    if releases.good != releases.current:
        _write(s3, bucket, Releases(current=releases.current, good=releases.current))


def _write(s3: Any, bucket: str, releases: Releases) -> None:
    body = json.dumps({"current": dict(releases.current), "good": dict(releases.good)}, indent=1, sort_keys=True)
    s3.put_object(Bucket=bucket, Key=_STATE, Body=body.encode())


def roll_back(stage: str, *, cloud: Cloud, report: Report = print) -> list[str]:
    """Deploy again, of services and extras, what was seen to work last; the stacks that were changed by it.

    Parameters keep their values. A stack that was not there then stays as it is. Raises CommandFailed where nothing
    was ever seen to work, or all that did is deployed.
    """
    published = find_published(stage, cloud=cloud)
    if "ARTEFACTS" not in published:
        raise CommandFailed(f"stage {stage} is not deployed")
    s3, bucket = cloud.client("s3"), published["ARTEFACTS"]
    releases = read_releases(s3, bucket)
    if not releases.good:
        raise CommandFailed(f"no release of stage {stage} has passed `make smoke` yet: there is none to go back to")
    order = [it for it in all_stacks(stage) if it != foundation_stack(stage)]
    behind = [it for it in order if it in releases.good and releases.good[it] != releases.current.get(it)]
    if not behind:
        raise CommandFailed(f"stage {stage} is at the release that passed `make smoke` last; there is nothing to undo")
    for stack in behind:
        template = s3.get_object(Bucket=bucket, Key=releases.good[stack])["Body"].read().decode()
        given = {"Stage": stage, "Cloud": cloud.kind}
        role = published.get("CLOUDFORMATION_ROLE", "")
        stacks.apply(stack, template, given=given, stage=stage, cloud=cloud, bucket=bucket, role=role)
        record(s3, bucket, stack=stack, template=template)
        report(f"{stack}: as it was when it passed `make smoke`")
    return behind
