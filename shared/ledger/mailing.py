"""What those write who follow the ledger's stream: notices, mails that are out, and views that are rendered."""

from collections.abc import Mapping
from typing import Any

from shared.attributes import Value, from_item, to_item
from shared.errors import LeaseHeld
from shared.expressions import clauses_while
from shared.ledger.items import NOTICES, Notice
from shared.ledger.table import LedgerTable
from shared.runs import ViewsState
from shared.sizes import DETAIL, REASON, cut


class Mailing(LedgerTable):
    """One mail for each item that gives occasion to one."""

    def notify(self, notice: Notice) -> bool:
        """Write a notice, once; says whether it is new."""
        key = {"dataset": self._dataset + NOTICES, "run_id": f"{notice.kind}#{notice.about}"}
        return self._try(
            self._client.put_item,
            TableName=self._table,
            Item=to_item(key | {name: value for name, value in _bounded(notice).items() if value != ""}),
            ConditionExpression="attribute_not_exists(run_id)",
        )

    def claim_mail(
        self, key: Mapping[str, Any], *, still: Mapping[str, Value | None], owner: str, now: int, until: int
    ) -> bool:
        """Take the right to mail about an item (its key as attribute values); False where there is nothing to mail.

        That is: it was mailed, or its attributes are not these `still` (None: it has no such attribute), so that the
        mail would be of the past. Raises LeaseHeld where another owner has the right and may still be publishing; the
        same owner may take it again.
        """
        same, names, same_values = clauses_while(still)
        values: dict[str, Value] = {":sending": "SENDING", ":owner": owner, ":until": until, ":now": now}
        taken = self._try_for_old(
            Key=dict(key),
            UpdateExpression="SET mail = :sending, mail_owner = :owner, mail_until = :until",
            ConditionExpression=(
                "attribute_exists(run_id) AND (attribute_not_exists(mail)"
                f" OR (mail = :sending AND (mail_owner = :owner OR mail_until < :now))){same}"
            ),
            ExpressionAttributeValues=to_item(values | same_values),
            **({"ExpressionAttributeNames": names} if names else {}),
        )
        if taken is not None:
            return True
        reply = self._client.get_item(TableName=self._table, Key=dict(key), ConsistentRead=True)
        item = from_item(reply.get("Item", {}))
        if item.get("mail") == "SENDING" and all(item.get(name) == value for name, value in still.items()):
            raise LeaseHeld(f"{item['mail_owner']} is mailing about {item['run_id']}")
        return False

    def mark_mailed(self, key: Mapping[str, Any], *, owner: str) -> None:
        """Say that the mail is out."""
        names, values = dict[str, str](), dict[str, Value]({":sent": "SENT", ":sending": "SENDING", ":owner": owner})
        traced = self._traced(names, values) if key["dataset"] == {"S": self._dataset} else ""  # a run, not a notice
        self._try(
            self._client.update_item,
            TableName=self._table,
            Key=dict(key),
            UpdateExpression=f"SET mail = :sent{traced} REMOVE mail_owner, mail_until",
            ConditionExpression="mail = :sending AND mail_owner = :owner",
            ExpressionAttributeValues=to_item(values),
            **({"ExpressionAttributeNames": names} if names else {}),
        )

    def mark_views(self, run_id: str, state: ViewsState) -> None:
        """Say what became of the run's views: RENDERED or FAILED; RENDERED stays."""
        names, values = {"#views": "views"}, dict[str, Value]({":state": state, ":rendered": "RENDERED"})
        traced = self._traced(names, values)
        self._update(
            run_id,
            f"SET #views = :state{traced}",
            values,
            names=names,
            condition="attribute_exists(run_id) AND (attribute_not_exists(#views) OR #views <> :rendered)",
        )


def _bounded(notice: Notice) -> dict[str, Value]:
    """What is written of a new notice."""
    details = {name: cut(value, DETAIL) if isinstance(value, str) else value for name, value in notice.details.items()}
    return {name: value for name, value in vars(notice).items() if name != "mail"} | {
        "text": cut(notice.text, REASON),
        "details": details,
    }
