"""A mailbox for a stage: a queue subscribed to its topic, because locally an e-mail goes nowhere."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class ReceivedMail:
    """A message as its readers get it."""

    subject: str
    body: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Message attributes, by which subscribers filter: `kind`, `stage`, `dataset`."""

    @property
    def kind(self) -> str:
        """`digest`, `failure` or `stale`; empty where the sender did not say."""
        return self.attributes.get("kind", "")

    @property
    def dataset(self) -> str:
        """Name of the dataset it is about."""
        return self.attributes.get("dataset", "")


class Mailbox:
    """Receives everything that is published to a topic from `open` on."""

    def __init__(self, sqs: Any, *, queue_url: str) -> None:
        self._sqs, self._queue_url = sqs, queue_url

    @classmethod
    def open(cls, *, sns: Any, sqs: Any, topic_arn: str, name: str) -> Self:
        """Make a queue of this name and subscribe it; one that exists is emptied and used again."""
        queue_url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"Policy": _policy(arn, topic_arn)})
        sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn)
        mailbox = cls(sqs, queue_url=queue_url)
        mailbox.read()
        return mailbox

    def read(self) -> list[ReceivedMail]:
        """Take out all mails that are there, in the order of their arrival."""
        mails: list[ReceivedMail] = []
        while messages := self._receive():
            mails += [_mail(json.loads(message["Body"])) for message in messages]
        return mails

    def _receive(self) -> list[dict[str, Any]]:
        reply = self._sqs.receive_message(QueueUrl=self._queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=0)
        messages: list[dict[str, Any]] = reply.get("Messages", [])
        if messages:
            entries = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
            self._sqs.delete_message_batch(QueueUrl=self._queue_url, Entries=entries)
        return messages


def _policy(queue_arn: str, topic_arn: str) -> str:
    """Lets the topic, and nobody else, put mails into the queue."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _mail(envelope: Mapping[str, Any]) -> ReceivedMail:
    """The mail in the envelope in which SNS hands it to a queue."""
    attributes = {name: attribute["Value"] for name, attribute in envelope.get("MessageAttributes", {}).items()}
    return ReceivedMail(subject=envelope.get("Subject") or "", body=envelope["Message"], attributes=attributes)
