"""What those write who follow the ledger's stream: notices, mails that are out, and views that are rendered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.attributes import Value, from_item, to_item
from shared.errors import LeaseHeld
from shared.expressions import clauses_while
from shared.ledger.items import NOTICES, Notice
from shared.ledger.table import LedgerTable
from shared.runs import MailState, Run, State, ViewsState
from shared.sizes import DETAIL, REASON, cut


@dataclass(frozen=True, kw_only=True)
class MailClaim:
    """The right to mail about an item."""

    unanswered: int
    """How often it was published before, as far as anyone knows, without an answer: it may be out."""


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
    ) -> MailClaim | None:
        """Take the right to mail about an item (its key as attribute values); None where there is nothing to mail.

        That is: it was mailed, or its attributes are not these `still` (None: it has no such attribute), so that the
        mail would be of the past. Raises LeaseHeld where another owner has the right and may still be publishing; the
        same owner may take it again.
        """
        same, names, same_values = clauses_while(still)
        values: dict[str, Value] = {":again": "AGAIN", ":sending": "SENDING", ":owner": owner, ":until": until}
        before = self._try_for_old(
            Key=dict(key),
            UpdateExpression="SET mail = :sending, mail_owner = :owner, mail_until = :until ADD mail_tries :one",
            ConditionExpression=(
                "attribute_exists(run_id) AND (attribute_not_exists(mail) OR mail = :again"
                f" OR (mail = :sending AND (mail_owner = :owner OR mail_until < :now))){same}"
            ),
            ExpressionAttributeValues=to_item(values | same_values | {":now": now, ":one": 1}),
            **({"ExpressionAttributeNames": names} if names else {}),
        )
        if before is not None:
            return MailClaim(unanswered=int(before.get("mail_tries", 0)))
        reply = self._client.get_item(TableName=self._table, Key=dict(key), ConsistentRead=True)
        item = from_item(reply.get("Item", {}))
        if item.get("mail") == "SENDING" and all(item.get(name) == value for name, value in still.items()):
            raise LeaseHeld(f"{item['mail_owner']} is mailing about {item['run_id']}")
        return None

    def publish_refused(self, key: Mapping[str, Any], *, owner: str) -> None:
        """The mail was certainly not sent: the try does not count."""
        self._try(
            self._client.update_item,
            TableName=self._table,
            Key=dict(key),
            UpdateExpression="ADD mail_tries :back",
            ConditionExpression="mail = :sending AND mail_owner = :owner AND mail_tries > :none",
            ExpressionAttributeValues=to_item({":back": -1, ":sending": "SENDING", ":owner": owner, ":none": 0}),
        )

    def record_mailed(self, key: Mapping[str, Any], *, owner: str, mail: MailState = "SENT") -> None:
        """Write down that the mail is out; UNSURE where nobody knows."""
        names, values = dict[str, str](), dict[str, Value]({":sent": mail, ":sending": "SENDING", ":owner": owner})
        traced = self._traced(names, values) if key["dataset"] == {"S": self._dataset} else ""  # a run, not a notice
        self._try(
            self._client.update_item,
            TableName=self._table,
            Key=dict(key),
            UpdateExpression=f"SET mail = :sent{traced} REMOVE mail_owner, mail_until, mail_tries",
            ConditionExpression="mail = :sending AND mail_owner = :owner",
            ExpressionAttributeValues=to_item(values),
            **({"ExpressionAttributeNames": names} if names else {}),
        )

    def announced(self, run_id: str) -> str:
        """Which end of the run programs were notified of last; empty where of none."""
        reply = self._client.get_item(
            TableName=self._table, Key=self._key(run_id), ConsistentRead=True, ProjectionExpression="announced"
        )
        return str(from_item(reply.get("Item", {})).get("announced", ""))

    def record_announced(self, run_id: str, *, end: str) -> None:
        """Write down that programs were notified of this end of the run; nothing where the run is gone."""
        self._try(
            self._client.update_item,
            TableName=self._table,
            Key=self._key(run_id),
            UpdateExpression="SET announced = :end",
            ConditionExpression="attribute_exists(run_id)",
            ExpressionAttributeValues=to_item({":end": end}),
        )

    def mail_again(self, item: Run | Notice, *, at: str, now: int, also_unsure: bool = False) -> bool:
        """Ask the notifier for a mail that is not out; says whether it was asked.

        It is not while the mail is being sent. `at` is when it is asked (an event's time), `now` the clock's
        milliseconds. `also_unsure`: also where it may be out, which nobody but an operator decides.
        """
        partition, sort = (
            (self._dataset, item.run_id)
            if isinstance(item, Run)
            else (self._dataset + NOTICES, f"{item.kind}#{item.about}")
        )
        free = "attribute_not_exists(mail) OR mail = :again OR (mail = :sending AND mail_until < :now)"
        same, names, state = clauses_while({"state": item.state}) if isinstance(item, Run) else ("", {}, {})
        values: dict[str, Value] = {":again": "AGAIN", ":sending": "SENDING", ":now": now, ":at": at}
        return self._try(
            self._client.update_item,
            TableName=self._table,
            Key=to_item({"dataset": partition, "run_id": sort}),
            UpdateExpression="SET mail = :again, mail_again_at = :at REMOVE mail_owner, mail_until"
            + (", mail_tries" if also_unsure else ""),
            ConditionExpression=(
                f"attribute_exists(run_id) AND ({free}{' OR mail = :unsure' if also_unsure else ''}){same}"
            ),
            ExpressionAttributeValues=to_item(values | state | ({":unsure": "UNSURE"} if also_unsure else {})),
            **({"ExpressionAttributeNames": names} if names else {}),
        )

    def render_again(self, run: Run, *, at: str) -> bool:
        """Ask for the views of a committed run that has none; says whether it was asked."""
        return self._try(
            self._client.update_item,
            TableName=self._table,
            Key=self._key(run.run_id),
            UpdateExpression="SET #views = :again, views_again_at = :at",
            ConditionExpression="#state = :committed AND (attribute_not_exists(#views) OR #views <> :rendered)",
            ExpressionAttributeNames={"#views": "views", "#state": "state"},
            ExpressionAttributeValues=to_item(
                {":again": "AGAIN", ":at": at, ":committed": State.COMMITTED, ":rendered": "RENDERED"}
            ),
        )

    def record_views(self, run_id: str, state: ViewsState) -> None:
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
