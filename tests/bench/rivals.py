"""What our stage is measured against in the local cloud: the plain way's API, a constant answer, empty functions."""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.deploying import stacks
from infra.deploying.cloud import Cloud
from infra.local.local_cloud import LocalCloud
from tests.bench.packages import chalice_package

_PLAIN_API = """
import os

import boto3
import pandas as pd
from boto3.dynamodb.conditions import Key
from chalice import Chalice, Response

app = Chalice(app_name="bench-plain-api")
table = boto3.resource("dynamodb", region_name="us-east-1").Table(os.environ.get("TABLE", "packaging"))
MEASURES = ["cases", "deaths", "recoveries"]


@app.route("/daily")
def daily():
    items, page = [], {"LastEvaluatedKey": None}
    while "LastEvaluatedKey" in page:
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]} if page["LastEvaluatedKey"] else {}
        page = table.query(KeyConditionExpression=Key("series").eq("US"), **start)
        items += page["Items"]
    frame = pd.DataFrame(items).sort_values("date").set_index("date")[MEASURES].astype("Int64")
    frame = frame.diff().fillna(frame).reset_index()
    print("answered")
    return Response(frame.to_json(orient="records"), headers={"Content-Type": "application/json"})
"""

_CONSTANT_API = """
from chalice import Chalice, Response

app = Chalice(app_name="bench-constant-api")
BODY = "[" + "0" * (%d - 2) + "]"


@app.route("/daily")
def daily():
    print("answered")
    return Response(BODY, headers={"Content-Type": "application/json"})
"""


def plain_api(cloud: LocalCloud, *, bucket: str, table: str) -> str:
    """Deploy it; its address. All rows are queried, and pandas makes the answer, at every request."""
    return _deploy("plain-api", _PLAIN_API, cloud=cloud, bucket=bucket, needed=("boto3", "pandas"), TABLE=table)


def constant_api(cloud: LocalCloud, *, bucket: str, size: int) -> str:
    """Deploy it; its address. It answers with as many bytes as are asked for."""
    return _deploy("constant-api", _CONSTANT_API % size, cloud=cloud, bucket=bucket)


def _deploy(
    name: str, app: str, *, cloud: LocalCloud, bucket: str, needed: tuple[str, ...] = (), **variables: str
) -> str:
    made = chalice_package(name, app=app, needed=needed)
    key = f"bench/{name}.zip"
    cloud.client("s3").upload_file(str(made / "deployment.zip"), bucket, key)
    template = json.loads((made / "sam.json").read_text())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"] |= {"CodeUri": f"s3://{bucket}/{key}", "MemorySize": 1024}
            resource["Properties"]["Environment"] = {"Variables": variables}
    where = Cloud.local(cloud.endpoint)
    stacks.apply(f"bench-{name}", json.dumps(template), parameters={}, stage="bench", cloud=where, bucket=bucket)
    api = stacks.outputs(f"bench-{name}", cloud=where)["RestAPIId"]
    return f"{cloud.endpoint}/_aws/execute-api/{api}/api"


_HOPS = """
import os

import botocore.session

session = botocore.session.get_session()
s3, dynamodb, sns = (session.create_client(name) for name in ("s3", "dynamodb", "sns"))


def first(event, context):
    for feed in ("left", "right"):
        s3.put_object(Bucket=os.environ["BUCKET"], Key=f"raw/us-covid/{event['time']}/{feed}.csv", Body=b"")


def second(event, context):
    key = event["detail"]["object"]["key"]
    if key.endswith("right.csv"):
        dynamodb.put_item(TableName=os.environ["TABLE"], Item={"id": {"S": key}})


def third(event, context):
    for record in event["Records"]:
        sns.publish(TopicArn=os.environ["TOPIC"], Message=record["dynamodb"]["Keys"]["id"]["S"])
"""
_SAYING = """

def saying(function):
    return lambda event, context: (print("called"), function(event, context))


first, second, third = map(saying, (first, second, third))
"""
"""A function that prints nothing is answered for 55 ms later by the local cloud: it waits for a line in vain."""


@dataclass(frozen=True, kw_only=True)
class Hops:
    """The chain's hops with functions that do nothing but start the next."""

    name: str
    invoke: Any
    """The client for functions."""
    sqs: Any
    queue: str

    def begin(self, time: str) -> None:
        """Send the event that starts them."""
        self.invoke.invoke(FunctionName=f"{self.name}-first", Payload=json.dumps({"time": time}).encode())

    def arrived(self) -> bool:
        """Whether a mail has come; it is taken out."""
        messages = self.sqs.receive_message(QueueUrl=self.queue).get("Messages", [])
        for message in messages:
            self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return bool(messages)


def empty_hops(cloud: LocalCloud, name: str, *, say: bool = False) -> Hops:
    """Function, S3, EventBridge, function, DynamoDB stream, function, SNS, queue. `say`: each prints a line."""
    made = {service: cloud.client(service) for service in ("s3", "dynamodb", "sns", "sqs", "lambda", "events")}
    made["s3"].create_bucket(Bucket=name)
    made["s3"].put_bucket_notification_configuration(
        Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    stream = made["dynamodb"].create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]["LatestStreamArn"]
    topic = made["sns"].create_topic(Name=name)["TopicArn"]
    queue = made["sqs"].create_queue(QueueName=name)["QueueUrl"]
    arn = made["sqs"].get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    made["sns"].subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    for handler in ("first", "second", "third"):
        variables = {"BUCKET": name, "TABLE": name, "TOPIC": topic}
        _create(made["lambda"], f"{name}-{handler}", handler, _HOPS + (_SAYING if say else ""), variables)
    pattern = {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": {"bucket": {"name": [name]}}}
    made["events"].put_rule(Name=name, EventPattern=json.dumps(pattern))
    target = {"Id": "second", "Arn": f"arn:aws:lambda:us-east-1:000000000000:function:{name}-second"}
    made["events"].put_targets(Rule=name, Targets=[target])
    made["lambda"].create_event_source_mapping(
        EventSourceArn=stream, FunctionName=f"{name}-third", StartingPosition="LATEST", BatchSize=10
    )
    return Hops(name=name, invoke=made["lambda"], sqs=made["sqs"], queue=queue)


def _create(client: Any, name: str, handler: str, text: str, variables: Mapping[str, str]) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("hops.py", text)
    client.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role="arn:aws:iam::000000000000:role/bench",
        Handler=f"hops.{handler}",
        Code={"ZipFile": code.getvalue()},
        Environment={"Variables": dict(variables)},
        Timeout=30,
    )
