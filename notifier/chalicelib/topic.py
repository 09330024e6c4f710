"""The SNS topic that mails go out by."""

from typing import Any

from botocore.exceptions import ConnectionError as NotConnected
from botocore.exceptions import HTTPClientError

from chalicelib.letterhead import Mail
from shared.errors import AnswerLost


class Topic:
    """Publishes through a low-level SNS client."""

    def __init__(self, client: Any, *, arn: str, stage: str, dataset: str) -> None:
        self._client, self._arn = client, arn
        self._place = {"stage": stage, "dataset": dataset}

    def publish(self, mail: Mail) -> None:
        """Send to all subscribers whose filter takes the mail's `kind`, this `stage` and this `dataset`.

        Raises AnswerLost where the request went out and nothing came back; the mail may be out as well.
        """
        attributes = {"kind": mail.kind} | self._place
        try:
            self._client.publish(
                TopicArn=self._arn,
                Subject=mail.subject,
                Message=mail.body,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                },
            )
        except NotConnected:
            raise
        except HTTPClientError as error:
            raise AnswerLost(f"SNS did not answer to the {mail.kind}: {error}") from error
