"""The SNS topic that mails go out by."""

import json
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ConnectionError as NotConnected
from botocore.exceptions import HTTPClientError

from chalicelib.letterhead import Attribute, Mail
from shared.errors import AnswerLost


class Topic:
    """Publishes through a low-level SNS client."""

    def __init__(self, client: Any, *, arn: str) -> None:
        self._client, self._arn = client, arn

    def publish(self, mail: Mail) -> None:
        """Send to all subscribers whose filter policy takes the mail's attributes.

        Raises AnswerLost where the request went out and nothing came back; the mail may be out as well.
        """
        try:
            self._client.publish(
                TopicArn=self._arn,
                Subject=mail.subject,
                Message=mail.body,
                MessageAttributes={name: message_attribute(value) for name, value in mail.attributes.items()},
            )
        except NotConnected:
            raise
        except HTTPClientError as error:
            raise AnswerLost(f"SNS did not answer to the {mail.kind}: {error}") from error


def message_attribute(value: Attribute) -> dict[str, str]:
    """As SNS takes it: a filter policy compares a number as a number only where its type says so, and so a list."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return {"DataType": "String.Array", "StringValue": json.dumps(list(value), ensure_ascii=False)}
    kind = "String" if isinstance(value, str) else "Number"
    return {"DataType": kind, "StringValue": str(value)}
