"""AWS in memory (moto) for tests: the foundation's table and bucket, and a look at all that is in them."""

import contextlib
import functools
import json
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import botocore.session
from moto import mock_aws
from moto.core.models import botocore_stubber

from shared import aws
from shared.attributes import from_item, to_item
from shared.ledger import Ledger

BUCKET, RUNS_TABLE = "covid-stats-test-data", "covid-stats-test-runs"

ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "STAGE": "test",
    "DATASET": "us-covid",
    "BUCKET": BUCKET,
    "RUNS_TABLE": RUNS_TABLE,
}

_EVENTS = Path(__file__).parents[1] / "events"


def event(name: str) -> Any:
    """A real event, from tests/events."""
    return json.loads((_EVENTS / f"{name}.json").read_text())


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """The data bucket, and the runs table with a stream, as the foundation makes them."""

    s3: Any
    dynamodb: Any
    sns: Any
    sqs: Any

    def ledger(self, dataset: str = "us-covid") -> Ledger:
        return Ledger(self.dynamodb, table=RUNS_TABLE, dataset=dataset)

    def put(self, **item: Any) -> None:
        """An item of the ledger, as attribute values."""
        self.dynamodb.put_item(TableName=RUNS_TABLE, Item=item)

    def item(self, partition: str, sort: str) -> dict[str, Any]:
        """One item of the ledger, as attribute values."""
        key = to_item({"dataset": partition, "run_id": sort})
        found: dict[str, Any] = self.dynamodb.get_item(TableName=RUNS_TABLE, Key=key, ConsistentRead=True)["Item"]
        return found

    def items(self) -> dict[tuple[str, str], dict[str, Any]]:
        """(partition, sort key) -> every item of the ledger's table."""
        found = self.dynamodb.scan(TableName=RUNS_TABLE, ConsistentRead=True)["Items"]
        plain = map(from_item, found)
        return {(item["dataset"], item["run_id"]): item for item in plain}

    def objects(self) -> dict[str, tuple[bytes, Mapping[str, str]]]:
        """Key -> (bytes, metadata) of every object in the bucket."""
        listed = self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        replies = {entry["Key"]: self.s3.get_object(Bucket=BUCKET, Key=entry["Key"]) for entry in listed}
        return {key: (reply["Body"].read(), reply["Metadata"]) for key, reply in replies.items()}

    def clear(self) -> None:
        """Empty the bucket and the table."""
        for key in self.objects():
            self.s3.delete_object(Bucket=BUCKET, Key=key)
        for partition, sort in self.items():
            self.dynamodb.delete_item(TableName=RUNS_TABLE, Key=to_item({"dataset": partition, "run_id": sort}))


@contextlib.contextmanager
def cloud_in_memory() -> Iterator[Cloud]:
    """A cloud of its own; the environment is that of a function there, for as long as it lives."""
    before = dict(os.environ)
    os.environ.update(ENVIRONMENT)
    forget_clients()
    try:
        with mock_aws(), one_call_at_a_time():
            cloud = Cloud(**{name: _session().create_client(name) for name in Cloud.__dataclass_fields__})
            _found(cloud)
            yield cloud
    finally:
        forget_clients()
        os.environ.clear()
        os.environ.update(before)


def forget_clients() -> None:
    """What a process keeps of AWS was made for the environment of then."""
    aws.client.cache_clear()
    aws._session.cache_clear()


@contextlib.contextmanager
def one_call_at_a_time() -> Iterator[None]:
    """moto's tables are plain dictionaries: two threads that write one item at once break each other."""
    lock, process = threading.RLock(), botocore_stubber.process_request

    def locked(request: Any) -> Any:
        with lock:
            return process(request)

    with mock.patch.object(botocore_stubber, "process_request", locked):
        yield


@functools.cache
def _session() -> Any:
    """One for all: reading the service models is most of what a client costs."""
    return botocore.session.get_session()


def _found(cloud: Cloud) -> None:
    cloud.s3.create_bucket(Bucket=BUCKET)
    cloud.dynamodb.create_table(
        TableName=RUNS_TABLE,
        KeySchema=[
            {"AttributeName": "dataset", "KeyType": "HASH"},
            {"AttributeName": "run_id", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "dataset", "AttributeType": "S"},
            {"AttributeName": "run_id", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
