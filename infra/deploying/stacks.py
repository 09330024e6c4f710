"""One CloudFormation stack, by change set: created, updated, left alone where nothing changed, or deleted."""

import time
from collections.abc import Mapping
from typing import Any

from infra.deploying.cloud import Cloud
from infra.errors import CommandFailed

_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_UNCHANGED = ("didn't contain changes", "No updates are to be performed")
_LARGEST_BODY = 51_200
"""Bytes; a larger template must be in S3 (a CloudFormation limit)."""


class DeploymentFailed(CommandFailed):
    """A stack did not reach its end state; the message holds CloudFormation's own reasons."""


def apply(
    stack: str,
    template: str,
    *,
    parameters: Mapping[str, str],
    stage: str,
    cloud: Cloud,
    bucket: str = "",
    role: str = "",
) -> bool:
    """Bring the stack to the template; whether anything changed. Raises DeploymentFailed; CloudFormation rolls back.

    `bucket` is where a template beyond CloudFormation's limit for inline ones is put; `role` is the ARN of the role
    that CloudFormation makes things with, where it is not to use the caller's own rights.
    """
    client = cloud.client("cloudformation")
    status = _clear(stack, cloud=cloud)
    change_set = "deploy"
    client.delete_change_set(StackName=stack, ChangeSetName=change_set) if status else None
    client.create_change_set(
        StackName=stack,
        ChangeSetName=change_set,
        ChangeSetType="UPDATE" if status else "CREATE",
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in sorted(parameters.items())],
        Capabilities=_CAPABILITIES,
        Tags=[{"Key": "project", "Value": "covid-stats"}, {"Key": "stage", "Value": stage}],
        **_where(stack, template, bucket=bucket, cloud=cloud),
        **({"RoleARN": role} if role else {}),
    )
    if not _has_changes(stack, change_set, cloud=cloud):
        client.delete_change_set(StackName=stack, ChangeSetName=change_set)
        return False
    began = time.time()
    client.execute_change_set(StackName=stack, ChangeSetName=change_set)
    ended = _wait(stack, cloud=cloud)
    if ended not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise DeploymentFailed(f"{stack} ended as {ended}:\n{_reasons(stack, since=began, cloud=cloud)}")
    return True


def delete(stack: str, *, cloud: Cloud) -> bool:
    """Delete the stack; whether there was one. Raises DeploymentFailed where something of it stays."""
    status = find_status(stack, cloud=cloud)
    if not status:
        return False
    began = time.time()
    cloud.client("cloudformation").delete_stack(StackName=stack)
    ended = _wait(stack, cloud=cloud)
    if ended not in ("", "DELETE_COMPLETE"):
        raise DeploymentFailed(f"{stack} ended as {ended}:\n{_reasons(stack, since=began, cloud=cloud)}")
    return True


def outputs(stack: str, *, cloud: Cloud) -> dict[str, str]:
    """The stack's outputs; empty where there is no such stack."""
    described = _describe(stack, cloud=cloud)
    return {item["OutputKey"]: item["OutputValue"] for item in (described or {}).get("Outputs", [])}


def find_status(stack: str, *, cloud: Cloud) -> str:
    """The stack's status; empty where there is none."""
    described = _describe(stack, cloud=cloud)
    status = str(described["StackStatus"]) if described else ""
    return "" if status == "DELETE_COMPLETE" else status


def _describe(stack: str, *, cloud: Cloud) -> dict[str, Any] | None:
    client = cloud.client("cloudformation")
    try:
        [described] = client.describe_stacks(StackName=stack)["Stacks"]
    except client.exceptions.ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return dict(described)


def _clear(stack: str, *, cloud: Cloud) -> str:
    """Remove what an earlier failed creation left, which cannot be updated; the status that is there then."""
    status = find_status(stack, cloud=cloud)
    if status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"):
        delete(stack, cloud=cloud)
        return ""
    return "" if status == "REVIEW_IN_PROGRESS" else status


def _where(stack: str, template: str, *, bucket: str, cloud: Cloud) -> dict[str, str]:
    if len(template.encode()) <= _LARGEST_BODY or not bucket:
        return {"TemplateBody": template}
    key = f"templates/{stack}.yaml"
    s3 = cloud.client("s3")
    s3.put_object(Bucket=bucket, Key=key, Body=template.encode())
    return {"TemplateURL": f"{s3.meta.endpoint_url}/{bucket}/{key}"}


def _has_changes(stack: str, change_set: str, *, cloud: Cloud) -> bool:
    while True:
        response = cloud.client("cloudformation").describe_change_set(StackName=stack, ChangeSetName=change_set)
        reason = response.get("StatusReason", "")
        if response["Status"] == "CREATE_COMPLETE":
            return True
        if response["Status"] == "FAILED":
            if any(words in reason for words in _UNCHANGED):
                return False
            raise DeploymentFailed(f"the change set for {stack} failed: {reason}")
        time.sleep(cloud.patience)


def _wait(stack: str, *, cloud: Cloud) -> str:
    """The status once nothing is in progress any more."""
    while True:
        status = find_status(stack, cloud=cloud)
        if not status.endswith("_IN_PROGRESS"):
            return status
        time.sleep(cloud.patience)


def _reasons(stack: str, *, since: float, cloud: Cloud) -> str:
    """What failed first, oldest first: later failures are mostly cancellations that follow from it."""
    events = cloud.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    failures = [
        f"  {event['LogicalResourceId']}: {event.get('ResourceStatusReason', event['ResourceStatus'])}"
        for event in reversed(events)
        if event["ResourceStatus"].endswith("_FAILED") and event["Timestamp"].timestamp() >= since - 5
    ]
    return "\n".join(failures[:10]) or "  CloudFormation gave no reason"
