"""The SNS topic that mails go out by."""

from typing import Any

from chalicelib.letterhead import Mail


class Topic:
    """Publishes through a low-level SNS client."""

    def __init__(self, client: Any, *, arn: str, stage: str) -> None:
        self._client, self._arn, self._stage = client, arn, stage

    def publish(self, mail: Mail) -> None:
        """Send to all subscribers whose filter takes the mail's `kind` and this `stage`."""
        attributes = {"kind": mail.kind, "stage": self._stage}
        self._client.publish(
            TopicArn=self._arn,
            Subject=mail.subject,
            Message=mail.body,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        )
