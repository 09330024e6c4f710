"""Subscribing oneself: SNS is asked to send its confirmation, seldom enough that nobody can be pestered by it.

Nothing here says whether an address is subscribed: what SNS answers of an address goes no further. SNS sends nothing to
an address until its owner has followed the link, and every mail has SNS's own link to end it.
"""

import datetime as dt
import json
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.subscribing.addresses import mailbox_digest
from chalicelib.web.problems import TooMany
from shared.observation import pass_over

FILTER = json.dumps({"kind": ["digest"]})
"""What subscribers get: digests and nothing else, the same as `Emails` of the stage's file."""

_ADDRESS_HOURS, _COUNT_HOURS = 24, 2
"""For how long an address is not written to again, and for how long an hour's count is kept."""

_OF_THE_ADDRESS = frozenset({"InvalidParameter", "InvalidParameterException"})
"""SNS has the address already, with another filter; or takes it for none."""
_FULL = frozenset({"SubscriptionLimitExceeded", "FilterPolicyLimitExceeded"})
"""Beyond SNS's quotas, which operators can have raised."""


class Subscriptions:
    """Those of one stage's topic, and the table that says how often they were asked for."""

    def __init__(self, dynamodb: Any, sns: Any, *, table: str, topic_arn: str, an_hour: int) -> None:
        self._dynamodb, self._sns = dynamodb, sns
        self._table, self._topic_arn, self._an_hour = table, topic_arn, an_hour

    def request(self, address: str, *, now: dt.datetime) -> None:
        """Have SNS send its confirmation to an address, at most once a day to each.

        Raises TooMany where the stage had enough requests in this hour. Returns the same whether the address is
        unknown, waits for its owner, or is subscribed.
        """
        claimed = self._claim(address, now)
        if not claimed:
            return
        try:
            self._sns.subscribe(
                TopicArn=self._topic_arn,
                Protocol="email",
                Endpoint=address,
                Attributes={"FilterPolicy": FILTER},
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _FULL:
                pass_over("a subscription", f"SNS refuses it: {code}")
            elif code not in _OF_THE_ADDRESS:
                self._dynamodb.delete_item(TableName=self._table, Key=self._address_key(address))
                raise

    def _claim(self, address: str, now: dt.datetime) -> bool:
        """Count one more in this hour and note the address, both or neither; False where it was noted before."""
        seconds = int(now.timestamp())
        hour = {"counted": {"S": f"hour#{now:%Y-%m-%dT%H}"}}
        noted = self._address_key(address) | _until(seconds, hours=_ADDRESS_HOURS)
        try:
            self._dynamodb.transact_write_items(
                TransactItems=[
                    {
                        "Put": {
                            "TableName": self._table,
                            "Item": noted,
                            "ConditionExpression": "attribute_not_exists(counted) OR expires <= :now",
                            "ExpressionAttributeValues": {":now": {"N": str(seconds)}},
                        }
                    },
                    {
                        "Update": {
                            "TableName": self._table,
                            "Key": hour,
                            "UpdateExpression": "ADD requests :one SET expires = :until",
                            "ConditionExpression": "attribute_not_exists(requests) OR requests < :most",
                            "ExpressionAttributeValues": {
                                ":one": {"N": "1"},
                                ":most": {"N": str(self._an_hour)},
                                ":until": _until(seconds, hours=_COUNT_HOURS)["expires"],
                            },
                        }
                    },
                ]
            )
        except ClientError as error:
            reasons = [reason.get("Code") for reason in error.response.get("CancellationReasons", ())]
            if not reasons:
                raise
            if reasons[0] == "ConditionalCheckFailed":
                return False
            beyond = reasons[1] == "ConditionalCheckFailed"
            raise TooMany(wait_seconds=3600 - seconds % 3600 if beyond else 1) from error
        return True

    def _address_key(self, address: str) -> dict[str, Any]:
        return {"counted": {"S": f"address#{mailbox_digest(address, salt=self._topic_arn)}"}}


def _until(seconds: int, *, hours: int) -> dict[str, Any]:
    """When DynamoDB may forget an item."""
    return {"expires": {"N": str(seconds + hours * 3600)}}
