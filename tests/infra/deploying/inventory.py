"""What there is in an account, told by asking every service rather than CloudFormation."""

from collections.abc import Callable, Iterable
from typing import Any

from infra.local.local_cloud import LocalCloud


def inventory(cloud: LocalCloud) -> set[str]:
    """`service name-or-ARN` of everything that a stage may consist of."""
    return {f"{service} {name}" for service, look in _LOOKS.items() for name in look(cloud.client)}


def of_stage(things: Iterable[str], stage: str) -> set[str]:
    """Those named for the stage."""
    return {thing for thing in things if stage in thing}


type _Client = Callable[[str], Any]


def _all(service: str, call: str, key: str, name: str) -> Callable[[_Client], list[str]]:
    def look(client: _Client) -> list[str]:
        pages = client(service).get_paginator(call).paginate()
        return [item if isinstance(item, str) else str(item[name]) for page in pages for item in page.get(key, ())]

    return look


def _buckets(client: _Client) -> list[str]:
    return [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]]


def _apis(client: _Client) -> list[str]:
    return [api["name"] for api in client("apigateway").get_rest_apis()["items"]]


def _rules(client: _Client) -> list[str]:
    return [rule["Name"] for rule in client("events").list_rules()["Rules"]]


def _dashboards(client: _Client) -> list[str]:
    return [entry["DashboardName"] for entry in client("cloudwatch").list_dashboards()["DashboardEntries"]]


def _parameters(client: _Client) -> list[str]:
    pages = client("ssm").get_paginator("get_parameters_by_path").paginate(Path="/", Recursive=True)
    return [item["Name"] for page in pages for item in page["Parameters"]]


def _stacks(client: _Client) -> list[str]:
    pages = client("cloudformation").get_paginator("describe_stacks").paginate()
    return [stack["StackName"] for page in pages for stack in page["Stacks"]]


def _work_groups(client: _Client) -> list[str]:
    return [group["Name"] for group in client("athena").list_work_groups()["WorkGroups"]]


def _own_policies(client: _Client) -> list[str]:
    return [policy["PolicyName"] for policy in client("iam").list_policies(Scope="Local")["Policies"]]


_LOOKS: dict[str, Callable[[_Client], list[str]]] = {
    "athena": _work_groups,
    "apigateway": _apis,
    "cloudformation": _stacks,
    "alarm": _all("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    "dashboard": _dashboards,
    "dynamodb": _all("dynamodb", "list_tables", "TableNames", ""),
    "events": _rules,
    "glue": _all("glue", "get_databases", "DatabaseList", "Name"),
    "kinesis": _all("kinesis", "list_streams", "StreamNames", ""),
    "lambda": _all("lambda", "list_functions", "Functions", "FunctionName"),
    "mapping": _all("lambda", "list_event_source_mappings", "EventSourceMappings", "FunctionArn"),
    "logs": _all("logs", "describe_log_groups", "logGroups", "logGroupName"),
    "policy": _own_policies,
    "role": _all("iam", "list_roles", "Roles", "RoleName"),
    "s3": _buckets,
    "sns": _all("sns", "list_topics", "Topics", "TopicArn"),
    "sqs": _all("sqs", "list_queues", "QueueUrls", ""),
    "ssm": _parameters,
}
