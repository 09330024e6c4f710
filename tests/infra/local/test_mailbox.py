from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.local.mailbox import Mailbox, ReceivedMail


@pytest.fixture
def sns(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield boto3.client("sns", region_name="us-east-1")


def open_mailbox(sns: Any, topic: str) -> Mailbox:
    return Mailbox.open(sns=sns, sqs=boto3.client("sqs", region_name="us-east-1"), topic_arn=topic, name="mailbox")


def test_mails_are_read_once_and_in_the_order_of_their_arrival(sns: Any) -> None:
    topic = sns.create_topic(Name="digest")["TopicArn"]
    mailbox = open_mailbox(sns, topic)
    kinds = ["digest", "failure", "stale"] * 5
    for n, kind in enumerate(kinds):
        attributes = {"kind": {"DataType": "String", "StringValue": kind}}
        sns.publish(TopicArn=topic, Subject=f"mail {n}", Message=f"line 1\n{n}", MessageAttributes=attributes)
    assert mailbox.read() == [
        ReceivedMail(subject=f"mail {n}", body=f"line 1\n{n}", attributes={"kind": kind})
        for n, kind in enumerate(kinds)
    ]
    assert mailbox.read() == []


def test_a_mail_without_attributes_has_no_kind(sns: Any) -> None:
    topic = sns.create_topic(Name="digest")["TopicArn"]
    mailbox = open_mailbox(sns, topic)
    sns.publish(TopicArn=topic, Subject="bare", Message="hello")
    assert [(mail.subject, mail.body, mail.kind) for mail in mailbox.read()] == [("bare", "hello", "")]


def test_a_mailbox_that_is_opened_again_begins_empty(sns: Any) -> None:
    topic = sns.create_topic(Name="digest")["TopicArn"]
    open_mailbox(sns, topic)
    sns.publish(TopicArn=topic, Subject="old", Message="old")
    assert open_mailbox(sns, topic).read() == []
