"""Tear a stage down so that nothing is left: services first, then files, then the foundation."""

import argparse
import contextlib
import functools
from collections.abc import Sequence
from typing import Any

from infra.deploying import stacks
from infra.deploying.cloud import Cloud
from infra.deploying.stage import find_published, forget_choices, kept_webhooks
from infra.deploying.stage_names import check_stage
from infra.errors import CommandFailed
from infra.progress import Report
from infra.services import EXTRAS, SERVICES, foundation_stack
from infra.waiting import wait_for


class NotEmpty(CommandFailed):
    """The data bucket holds files and `force` was not given."""


def destroy(stage: str, *, endpoint: str = "", force: bool = False, report: Report = print) -> None:
    """Delete all of the stage's stacks, and with `force` its data. Raises NotEmpty before anything is deleted."""
    check_stage(stage)
    cloud = Cloud.local(endpoint) if endpoint else Cloud.aws()
    names = find_published(stage, cloud=cloud)
    s3 = cloud.client("s3")
    if "BUCKET" in names and not force and _holds_anything(s3, names["BUCKET"]):
        raise NotEmpty(f"the bucket {names['BUCKET']} of stage {stage} holds data; FORCE=1 deletes it for good")
    named = [(f"webhook {one.name}", one.stack(stage)) for one in kept_webhooks(stage, cloud=cloud)]
    named += [(extra.name, extra.stack(stage)) for extra in reversed(EXTRAS.values())]
    named += [(service.name, service.stack(stage)) for service in reversed(SERVICES.values())]
    for name, stack in named:
        done = stacks.delete(stack, cloud=cloud)
        report(f"{name}: {'deleted' if done else 'nothing to do'}")
    for bucket in (names[name] for name in ("BUCKET", "ARTEFACTS") if name in names):
        _empty(s3, bucket)
    _unprotect([names[name] for name in ("OBSERVATIONS_TABLE", "RUNS_TABLE") if name in names], cloud=cloud)
    done = stacks.delete(foundation_stack(stage), cloud=cloud)
    forget_choices(stage, cloud=cloud)
    report(f"foundation: {'deleted' if done else 'nothing to do'}")
    _sweep_logs(stage, cloud=cloud)


def _unprotect(tables: Sequence[str], *, cloud: Cloud) -> None:
    """Tables on AWS refuse to be deleted until they are told that this is meant."""
    client = cloud.client("dynamodb")
    for table in tables:
        with contextlib.suppress(client.exceptions.ResourceNotFoundException):
            if client.describe_table(TableName=table)["Table"].get("DeletionProtectionEnabled"):
                client.update_table(TableName=table, DeletionProtectionEnabled=False)
                wait_for(functools.partial(_is_active, client, table), seconds=300, what=f"{table} can be deleted")


def _is_active(client: Any, table: str) -> bool:
    return bool(client.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE")


def _sweep_logs(stage: str, *, cloud: Cloud) -> None:
    """An invocation that was under way when its function was deleted makes its log group anew when it ends.

    By the functions' own names: what begins like them may be another stage's.
    """
    logs = cloud.client("logs")
    for service in SERVICES.values():
        for function in service.functions:
            with contextlib.suppress(logs.exceptions.ResourceNotFoundException):
                logs.delete_log_group(logGroupName=f"/aws/lambda/{service.function_name(function, stage=stage)}")


def _holds_anything(s3: Any, bucket: str) -> bool:
    reply = s3.list_object_versions(Bucket=bucket, MaxKeys=1)
    return bool(reply.get("Versions") or reply.get("DeleteMarkers"))


def _empty(s3: Any, bucket: str) -> None:
    """Delete every version of every object."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        objects = [
            {"Key": item["Key"], "VersionId": item["VersionId"]}
            for item in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
        ]
        if objects:
            reply = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
            if reply.get("Errors"):
                raise stacks.DeploymentFailed(f"{bucket} cannot be emptied: {reply['Errors'][:3]}")


def main(arguments: list[str]) -> int:
    """Tear a stage down in the AWS account of the environment's credentials."""
    parser = argparse.ArgumentParser(prog="python -m infra destroy", description=main.__doc__)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--force", action="store_true", help="also where the data bucket holds files")
    parser.add_argument("--endpoint", default="", help="a local cloud's address, instead of AWS")
    args = parser.parse_args(arguments)
    destroy(args.stage, endpoint=args.endpoint, force=args.force)
    return 0
