"""What AWS makes of a call: the event that follows it, the mail that comes of it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from tests.world.platform import PublishedMail

EVENTS = Path(__file__).parents[1] / "events"


def object_created(key: str) -> dict[str, Any]:
    """EventBridge's event for an object that was put."""
    event: dict[str, Any] = json.loads((EVENTS / "s3_object_created.json").read_text())
    event["detail"]["object"]["key"] = key
    return event


def wanted_event(entry: Mapping[str, str]) -> dict[str, Any]:
    """EventBridge's event for an entry that was put on the bus."""
    event: dict[str, Any] = json.loads((EVENTS / "feed_wanted.json").read_text())
    return event | {"detail": json.loads(entry["Detail"])}


def received_mail(body: Any) -> PublishedMail:
    """What subscribers get of a call of SNS."""
    fields = {name: values[0] for name, values in parse_qs(body if isinstance(body, str) else body.decode()).items()}
    attributes = {
        fields[f"MessageAttributes.entry.{n}.Name"]: fields[f"MessageAttributes.entry.{n}.Value.StringValue"]
        for n in range(1, 11)
        if f"MessageAttributes.entry.{n}.Name" in fields
    }
    return PublishedMail(
        kind=attributes["kind"],
        dataset=attributes["dataset"],
        subject=fields["Subject"],
        body=fields["Message"],
    )
