"""AWS calls as subsegments, made by real clients against AWS in memory."""

import io
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from moto import mock_aws

from shared import aws_calls
from shared.aws_calls import CallRecorder
from shared.call_metadata import CallMetadata
from shared.tracing import carried, first_subsegment, record_call
from tests.shared.lambda_process import Process


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        session = botocore.session.get_session()
        CallRecorder().listen(session)
        session.create_client("s3").create_bucket(Bucket="data")
        yield session


def call(process: Process, number: int, work: Any) -> list[Any]:
    """The documents of an invocation that makes `number` calls."""
    process.invocation()
    with first_subsegment("handler"):
        work()
    return [each for each in process.documents(at_least=number + 1) if each.get("namespace") == "aws"]


def test_a_call_says_what_it_asked_of_which_object_and_how_many_bytes_went(process: Process, session: Any) -> None:
    s3 = session.create_client("s3")

    def work() -> None:
        s3.put_object(Bucket="data", Key="raw/us.csv", Body=b"date,cases\n")
        s3.get_object(Bucket="data", Key="raw/us.csv")["Body"].read()
        s3.head_object(Bucket="data", Key="raw/us.csv")

    put, got, head = call(process, 3, work)
    place = {"bucket_name": "data", "key": "raw/us.csv"}
    assert [(each["name"], each["aws"]["operation"]) for each in (put, got, head)] == [
        ("S3", "PutObject"),
        ("S3", "GetObject"),
        ("S3", "HeadObject"),
    ]
    assert all(place.items() <= each["aws"].items() for each in (put, got, head))
    assert [each.get("metadata", {}).get("default", {}) for each in (put, got, head)] == [
        {"sent": 11},
        {"received": 11},
        {},
    ]
    assert [each["http"]["response"]["status"] for each in (put, got, head)] == [200, 200, 200]


@pytest.mark.parametrize("make", [tempfile.TemporaryFile, tempfile.SpooledTemporaryFile, io.BytesIO])
def test_a_file_that_is_sent_is_measured_and_left_where_it_stood(process: Process, session: Any, make: Any) -> None:
    s3 = session.create_client("s3")

    def work() -> None:
        with make() as file:
            file.write(b"header\nbody\n")
            file.seek(7)
            s3.put_object(Bucket="data", Key="part", Body=file)

    [put] = call(process, 1, work)
    assert put["metadata"]["default"] == {"sent": 5}
    assert s3.get_object(Bucket="data", Key="part")["Body"].read() == b"body\n"


def test_an_answer_that_was_not_the_one_asked_for_is_an_error_with_its_code(process: Process, session: Any) -> None:
    s3 = session.create_client("s3")

    def work() -> None:
        with pytest.raises(s3.exceptions.NoSuchKey):
            s3.get_object(Bucket="data", Key="absent")

    [got] = call(process, 1, work)
    assert (got["error"], got.get("fault"), got["metadata"]["default"]["code"]) == (True, None, "NoSuchKey")


def test_a_call_without_an_answer_is_a_fault_with_its_reason(process: Process, session: Any) -> None:
    once = Config(retries={"total_max_attempts": 1}, connect_timeout=1)
    nobody = session.create_client("dynamodb", endpoint_url="http://127.0.0.1:1", config=once)

    def work() -> None:
        with pytest.raises(Exception, match="Could not connect"):
            nobody.get_item(TableName="runs", Key={})

    [got] = call(process, 1, work)
    assert (got["fault"], got["aws"]["operation"], got["aws"]["table_name"]) == (True, "GetItem", "runs")
    assert got["metadata"]["default"]["reason"].startswith("EndpointConnectionError: Could not connect")


def test_a_query_says_how_many_rows_came(process: Process, session: Any) -> None:
    dynamodb = session.create_client("dynamodb")
    key = {"AttributeName": "dataset"}
    dynamodb.create_table(
        TableName="runs",
        KeySchema=[key | {"KeyType": "HASH"}],
        AttributeDefinitions=[key | {"AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName="runs", Item={"dataset": {"S": "us-covid"}})

    def work() -> None:
        dynamodb.query(
            TableName="runs",
            KeyConditionExpression="dataset = :d",
            ExpressionAttributeValues={":d": {"S": "us-covid"}},
        )

    [query] = call(process, 1, work)
    assert (query["aws"]["table_name"], query["metadata"]["default"]["rows"]) == ("runs", 1)


def test_only_the_first_calls_of_an_invocation_get_a_subsegment(
    process: Process, session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws_calls, "MOST", 3)
    s3 = session.create_client("s3")

    def work() -> None:
        for _ in range(5):
            s3.list_objects_v2(Bucket="data")

    assert len(call(process, 3, work)) == 3
    assert len(call(process, 7, work)) == 6


def test_outside_a_trace_calls_go_through_untouched(session: Any) -> None:
    s3 = session.create_client("s3")
    s3.put_object(Bucket="data", Key="k", Body=b"x")
    assert s3.get_object(Bucket="data", Key="k")["Body"].read() == b"x"


def test_a_call_does_not_wait_for_the_end_of_a_long_invocation(
    process: Process, session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3 = session.create_client("s3")
    monkeypatch.setattr("shared.tracing._LONGEST_WAIT", -1.0)
    process.invocation()
    with first_subsegment("handler"):
        s3.head_bucket(Bucket="data")
        assert [each["aws"]["operation"] for each in process.documents(at_least=1)] == ["HeadBucket"]


def test_calls_of_many_threads_are_each_sent_once(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.tracing._LONGEST_WAIT", -1.0)
    process.invocation()

    def work(number: int) -> None:
        for place in range(10):
            record_call("S3", 1.0, aws={"key": f"{number}/{place}"}, status=200, failure="", metadata=CallMetadata())

    with first_subsegment("handler"), ThreadPoolExecutor(8) as threads:
        list(threads.map(carried(work), range(8)))
    sent = [each["aws"]["key"] for each in process.documents(at_least=81) if "aws" in each]
    assert sorted(sent) == sorted(f"{number}/{place}" for number in range(8) for place in range(10))
