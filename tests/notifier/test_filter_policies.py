"""Filter policies on the attributes of real mails, as SNS (moto's) applies them: the lists of the template, and the
examples of the document."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.digests import digest
from chalicelib.failures import failure, notice_mail
from chalicelib.letterhead import Letterhead, Mail
from chalicelib.topic import Topic, message_attribute
from infra.deploying.templates import load_template
from infra.operating.status import READERS
from shared.dataset import Dataset
from shared.datasets import find_dataset
from shared.ledger.items import Head, Notice
from shared.runs import Run, State
from tests.shared.declared import US_COVID
from tests.shared.in_memory import Cloud
from tests.shared.regions import REGIONS
from tests.test_house import ROOT

DOCUMENT = ROOT / "infra" / "docs" / "mails.md"
RUN = Run(run_id="2020-10-25T17:00:00Z", state=State.COMMITTED, added=1)
LETTERHEAD = Letterhead(stage="dev", dataset=US_COVID)
SUM = {"date": "2020-10-24", "series": "2 series"}


def committed(dataset: Dataset = US_COVID, **summary: Any) -> Mail:
    nothing: dict[str, Any] = {
        "latest": {"date": "2020-10-24"}, "latest_increments": {}, "rows": 9, "first_load": False, "warnings": [],
        "recovered": [], "added": [], "changed": [], "removed": [],
    }  # fmt: skip
    return digest(replace(RUN, summary=nothing | summary), letterhead=replace(LETTERHEAD, dataset=dataset))


MAILS: Mapping[str, Mail] = {
    "new": committed(new_dates=1, largest_revision_percent=Decimal("4.9")),
    "revised": committed(largest_revision_percent=Decimal("5.0")),
    "odd": committed(new_dates=2, warnings=["odd"]),
    "admissions": committed(
        find_dataset("us-hospital-admissions"), largest_revision_percent=Decimal("1234567890123.4")
    ),
    "oil": committed(find_dataset("oil-prices"), new_dates=1),
    "regions": committed(REGIONS, latest=SUM, touched=["New York", "\u6771\u4eac"]),
    "all regions": committed(REGIONS, latest=SUM, touched=["Alabama", "*"]),
    "failure": failure(replace(RUN, state=State.FAILED, reason="killed"), head=Head(), letterhead=LETTERHEAD),
    "stale": notice_mail(
        Notice(kind="stale", about="x", text="x", time="", details={"feed": "nyt", "since": "2020-10-12", "days": 3}),
        head=Head(),
        letterhead=LETTERHEAD,
    ),
}
EXAMPLES = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)]


def received(cloud: Cloud, policy: Mapping[str, Any]) -> set[str]:
    """Which of the mails a subscriber with this filter policy gets."""
    topic = cloud.sns.create_topic(Name="mails")["TopicArn"]
    queue = cloud.sqs.create_queue(QueueName="subscriber")["QueueUrl"]
    arn = cloud.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    attributes = {"FilterPolicy": json.dumps(policy)} if policy else {}
    cloud.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
    for mail in MAILS.values():
        Topic(cloud.sns, arn=topic).publish(mail)
    bodies = set[str]()
    while messages := cloud.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
        envelopes = [json.loads(message["Body"]) for message in messages]
        bodies |= {json.dumps([it["Subject"], it["Message"], _values(it["MessageAttributes"])]) for it in envelopes}
        for message in messages:
            cloud.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    keys = {json.dumps([it.subject, it.body, _texts(it.attributes)]): name for name, it in MAILS.items()}
    return {keys[body] for body in bodies}


def _values(attributes: Mapping[str, Any]) -> dict[str, str]:
    return {name: attributes[name]["Value"] for name in sorted(attributes)}


def _texts(attributes: Mapping[str, Any]) -> dict[str, str]:
    return {name: message_attribute(attributes[name])["StringValue"] for name in sorted(attributes)}


@pytest.mark.parametrize(
    ("example", "expected"),
    list(
        enumerate(
            [
                {"revised", "admissions"},
                {"new", "odd", "oil"},
                {"admissions"},
                set(MAILS) - {"oil"},
                {"failure", "stale", "odd"},
                {"regions", "all regions"},
            ]
        )
    ),
)
def test_each_example_of_the_document_lets_through_what_it_says(cloud: Cloud, example: int, expected: set[str]) -> None:
    assert received(cloud, EXAMPLES[example]) == expected
    assert len(EXAMPLES) == 6


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        ("Emails", set(MAILS) - {"failure", "stale"}),
        ("OperatorEmails", {"failure", "stale"}),
        ("AllEmails", set(MAILS)),
    ],
)
def test_each_list_of_the_stage_gets_what_is_for_it(cloud: Cloud, addresses: str, expected: set[str]) -> None:
    [policy] = [policy for topic, listed, policy in READERS if (topic, listed) == ("digest", addresses)]
    assert received(cloud, policy) == expected


def test_the_template_subscribes_the_lists_with_the_policies_that_the_commands_know() -> None:
    resources = load_template((ROOT / "infra" / "foundation.yaml").read_text())["Resources"]
    loops = [loop for name, loop in resources.items() if name.startswith("Fn::ForEach")]
    topics = {"Digest": "digest", "Operators": "operators"}
    found = []
    for _, listed, made in loops:
        [properties] = [it["Properties"] for it in made.values()]
        found.append((topics[properties["TopicArn"]["Ref"]], listed["Ref"], properties.get("FilterPolicy", {})))
    assert sorted(found, key=str) == sorted(READERS, key=str)


def test_every_attribute_is_documented_and_within_what_sns_takes() -> None:
    documented = dict(
        re.findall(r"^\| `(\w+)` \| (String|Number|String\.Array) \|", DOCUMENT.read_text(), re.MULTILINE)
    )
    assert documented["series"] == "String.Array"
    for mail in MAILS.values():
        types = {name: message_attribute(value)["DataType"] for name, value in mail.attributes.items()}
        assert {"series": "String.Array"} | types == documented
        numbers = [value for value in mail.attributes.values() if isinstance(value, int | Decimal)]
        assert all(0 <= value < 10**9 for value in numbers)
