"""The ledger: the runs of one dataset, the head pointer, what is known of each feed, and notices, in one table.

| partition `dataset`  | sort `run_id`     | item |
|----------------------|-------------------|------|
| `us-covid`           | a run's id        | a run |
| `us-covid#head`      | `head`            | which run is committed, and who is writing |
| `us-covid#head`      | `watch`           | since when a run is expected, where there was none yet |
| `us-covid#feeds`     | a feed's name     | the last copy of the feed |
| `us-covid#notices`   | `{kind}#{about}`  | something to mail that is not a run's end |

Every write is conditional: repeating it, or doing it late, changes nothing. What a service writes of a run carries the
trace header of its invocation (`traces`), so that whoever takes the run up next can name its upstream.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from shared.attributes import Value, from_item, to_item
from shared.errors import HeadMoved, LeaseHeld, NotAllowed, UnknownRun
from shared.expressions import assignments, clauses_while
from shared.ledger_items import FEEDS, HEAD, NOTICES, FeedState, Head, Notice
from shared.runs import Delivery, Run, State
from shared.tracing import current_header

_NONE_ARRIVED = "attribute_not_exists(arrived)"


class Ledger:
    """Reads and writes the runs table through a low-level DynamoDB client.

    `service` is who writes, where that is one of the services.
    """

    def __init__(self, client: Any, *, table: str, dataset: str, service: str = "") -> None:
        self._client, self._table, self._dataset, self._service = client, table, dataset, service

    # --- reading -----------------------------------------------------------------------------------------------

    def get(self, run_id: str) -> Run:
        """The run of this id. Raises UnknownRun."""
        values = self._read(self._dataset, run_id)
        if not values:
            raise UnknownRun(f"there is no run {run_id}")
        return Run.from_values(values)

    def head(self) -> Head:
        """The head pointer; an empty one before the first commit."""
        return _only_fields(Head, self._read(self._dataset + HEAD, "head"))

    def newest_first(
        self, *, upto: str = "9", since: str = "", state: State | None = None, page: int = 0
    ) -> Iterator[Run]:
        """Runs with since <= id <= upto, newest first, by query, page by page as they are taken.

        `page` is how many are read at a time, for readers who want a few; 0 is what fits into an answer (1 MB).
        """
        values: dict[str, Value] = {":d": self._dataset, ":from": since or "0", ":to": upto}
        query: dict[str, Any] = {
            "TableName": self._table,
            "ConsistentRead": True,
            "ScanIndexForward": False,
            "KeyConditionExpression": "dataset = :d AND run_id BETWEEN :from AND :to",
        }
        if page:
            query["Limit"] = page
        if state:
            query |= {"FilterExpression": "#state = :state", "ExpressionAttributeNames": {"#state": "state"}}
            values[":state"] = state.value
        query["ExpressionAttributeValues"] = to_item(values)
        yield from (Run.from_values(values) for values in self._pages(query))

    def oldest_first(self, *, after: str) -> Iterator[Run]:
        """Committed runs with an id greater than `after`, oldest first; all of them where it is empty."""
        query = {
            "TableName": self._table,
            "KeyConditionExpression": "dataset = :d AND run_id > :after",
            "FilterExpression": "#state = :state",
            "ExpressionAttributeNames": {"#state": "state"},
            "ExpressionAttributeValues": to_item(
                {":d": self._dataset, ":after": after or "0", ":state": State.COMMITTED}
            ),
        }
        yield from (Run.from_values(values) for values in self._pages(query))

    def feed_states(self) -> dict[str, FeedState]:
        """What is known of each feed that was ever seen."""
        query = {
            "TableName": self._table,
            "ConsistentRead": True,
            "KeyConditionExpression": "dataset = :d",
            "ExpressionAttributeValues": to_item({":d": self._dataset + FEEDS}),
        }
        states = (_only_fields(FeedState, values | {"feed": values["run_id"]}) for values in self._pages(query))
        return {state.feed: state for state in states}

    def watched_since(self, now: str) -> str:
        """The first time that this was called with; from then on a run was to be expected."""
        reply = self._client.update_item(
            TableName=self._table,
            Key=to_item({"dataset": self._dataset + HEAD, "run_id": "watch"}),
            UpdateExpression="SET since = if_not_exists(since, :now)",
            ExpressionAttributeValues=to_item({":now": now}),
            ReturnValues="ALL_NEW",
        )
        return str(from_item(reply["Attributes"])["since"])

    def notices(self) -> Iterator[Notice]:
        """All notices, in order of kind and subject."""
        query = {
            "TableName": self._table,
            "KeyConditionExpression": "dataset = :d",
            "ExpressionAttributeValues": to_item({":d": self._dataset + NOTICES}),
        }
        yield from (_only_fields(Notice, values) for values in self._pages(query))

    # --- collecting --------------------------------------------------------------------------------------------

    def begin(self, run_id: str) -> bool:
        """Open the run; False where it is there already: it stays as it is."""
        values: dict[str, Value] = {
            "dataset": self._dataset,
            "run_id": run_id,
            "state": State.COLLECTING,
            "known_from": run_id,
        }
        maps: dict[str, Value] = {"deliveries": {}, "traces": self._own_trace()}
        return self._try(
            self._client.put_item,
            TableName=self._table,
            Item=to_item(values | maps),
            ConditionExpression="attribute_not_exists(run_id)",
        )

    def record_delivery(self, run_id: str, feed: str, delivery: Delivery) -> None:
        """Write down what became of a feed. The run must have begun."""
        names, values = {"#feed": feed}, dict[str, Value]({":it": delivery.as_map()})
        traced = self._traced(names, values)
        self._update(run_id, f"SET deliveries.#feed = :it{traced}", values, names=names)

    def arrive(self, run_id: str, feed: str) -> Run:
        """Add a feed's arrival; the run as it is then. Whoever sees the last arrival goes on to `claim`."""
        values: dict[str, Value] = {":feed": frozenset({feed}), ":collecting": State.COLLECTING, ":id": run_id}
        maps: dict[str, Value] = {":none": {}, ":nothing": {}}  # MiniStack makes one map of two attributes set to one
        reply = self._client.update_item(
            TableName=self._table,
            Key=self._key(run_id),
            UpdateExpression=(
                "ADD arrived :feed SET #state = if_not_exists(#state, :collecting),"
                " known_from = if_not_exists(known_from, :id),"
                " deliveries = if_not_exists(deliveries, :none), traces = if_not_exists(traces, :nothing)"
            ),
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues=to_item(values | maps),
            ReturnValues="ALL_NEW",
        )
        return Run.from_values(from_item(reply["Attributes"]))

    def save_feed_state(self, state: FeedState) -> bool:
        """Remember the last copy of a feed, unless a newer run has; says whether it was written."""
        values: dict[str, Value] = {name: value for name, value in vars(state).items() if name != "feed"}
        key: dict[str, Value] = {"dataset": self._dataset + FEEDS, "run_id": state.feed}
        return self._try(
            self._client.put_item,
            TableName=self._table,
            Item=to_item(key | values),
            ConditionExpression="attribute_not_exists(last_run_id) OR last_run_id <= :run",
            ExpressionAttributeValues=to_item({":run": state.last_run_id}),
        )

    # --- merging -----------------------------------------------------------------------------------------------

    def claim(self, run_id: str, *, owner: str, now: int, until: int) -> Run | None:
        """Take the run for merging; None where it has ended already.

        Free are a COLLECTING run, and a MERGING one that is this owner's or whose lease ran out.
        `now` and `until` are wall-clock milliseconds. Raises LeaseHeld where another owner is at work.
        """
        names = dict[str, str]()
        values: dict[str, Value] = {
            ":merging": State.MERGING,
            ":collecting": State.COLLECTING,
            ":owner": owner,
            ":until": until,
            ":now": now,
            ":one": 1,
        }
        traced = self._traced(names, values)
        taken = self._update(
            run_id,
            f"SET #state = :merging, lease_owner = :owner, lease_until = :until{traced} ADD attempts :one",
            values,
            names=names,
            condition="#state = :collecting OR (#state = :merging AND (lease_owner = :owner OR lease_until < :now))",
        )
        if taken:
            return Run.from_values(taken)
        run = self.get(run_id)
        if run.state.ended:
            return None
        raise LeaseHeld(f"run {run_id} is being merged by {run.lease_owner}")

    def let_go(self, run_id: str, *, owner: str, attempts: int, forgiven: bool) -> None:
        """Give a claimed run back before its lease runs out: whoever comes next takes it up at once.

        `attempts` as the claim answered them; 0 where its answer got lost. `forgiven`: this attempt is not counted; it
        had to give way to another run, which is no fault of this one. The right to write rows is kept until its time
        is up: a call that got no answer may have its effect yet.
        """
        values: dict[str, Value] = {":free": 0, ":forgiven": int(forgiven), ":merging": State.MERGING, ":owner": owner}
        self._update(
            run_id,
            "SET lease_until = :free ADD attempts_forgiven :forgiven",
            values | ({":attempts": attempts} if attempts else {}),
            condition="#state = :merging AND lease_owner = :owner" + (" AND attempts = :attempts" if attempts else ""),
        )

    def begin_writing(self, run: Run, *, base: str, now: int, until: int) -> Head:
        """Become the one writer of rows; the head as it was before.

        Its `dirty` names the runs that died while they wrote: the rows they touched must be put right as well.
        Raises LeaseHeld while another run writes, HeadMoved where the head is not at `base`.
        """
        reply = self._try_for_old(
            Key=to_item({"dataset": self._dataset + HEAD, "run_id": "head"}),
            UpdateExpression="SET writing = :me, writing_until = :until ADD dirty :mine",
            ConditionExpression=(
                f"{_head_is(base)} AND (attribute_not_exists(writing) OR writing = :me OR writing_until < :now)"
            ),
            ExpressionAttributeValues=to_item(
                _with_base({":me": run.run_id, ":mine": frozenset({run.run_id}), ":until": until, ":now": now}, base)
            ),
        )
        if reply is not None:
            return _only_fields(Head, reply)
        head = self.head()
        if head.head != base:
            raise HeadMoved(f"run {run.run_id} was compared with {base or 'nothing'}, the head is {head.head}")
        raise LeaseHeld(f"run {head.writing} is writing")

    def end_writing(self, run: Run, *, base: str) -> None:
        """Stop being the writer without a commit: the rows are those of `base` again."""
        self._try(
            self._client.update_item,
            TableName=self._table,
            Key=to_item({"dataset": self._dataset + HEAD, "run_id": "head"}),
            UpdateExpression="REMOVE writing, writing_until, dirty",
            ConditionExpression=f"{_head_is(base)} AND writing = :me",
            ExpressionAttributeValues=to_item(_with_base({":me": run.run_id}, base)),
        )

    def commit(
        self, run: Run, *, head: Head, base: str, ended: Mapping[str, Value], told: Iterable[Notice] = ()
    ) -> None:
        """The commit point: in one transaction the head moves from `base` and the run ends.

        `ended` holds the run's last attributes, its `state` (COMMITTED or UNCHANGED) among them; `told` are notices
        whose recovery this run's digest tells.
        Raises HeadMoved where another run was committed meanwhile, a newer one was found unchanged, or this owner's
        lease was taken.
        """
        moved = {name: value for name, value in vars(head).items() if name not in ("writing", "writing_until", "dirty")}
        sets, names, values = assignments(moved)
        wrote_rows = State(str(ended["state"])) is State.COMMITTED
        mine = "writing = :me" if wrote_rows else "(attribute_not_exists(writing) OR writing = :me)"
        move = {
            "TableName": self._table,
            "Key": to_item({"dataset": self._dataset + HEAD, "run_id": "head"}),
            "UpdateExpression": f"SET {sets} REMOVE writing, writing_until, dirty",
            "ConditionExpression": (f"{_head_is(base)} AND {mine} AND (attribute_not_exists(latest) OR latest <= :me)"),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": to_item(_with_base(values | {":me": run.run_id}, base)),
        }
        try:
            self._client.transact_write_items(
                TransactItems=[{"Update": move}, {"Update": self._ending(run, ended)}, *self._telling(run, told)]
            )
        except self._client.exceptions.TransactionCanceledException as error:
            raise HeadMoved(f"run {run.run_id} lost its place: {error}") from error

    def _telling(self, run: Run, told: Iterable[Notice]) -> list[dict[str, Any]]:
        return [
            {
                "Update": {
                    "TableName": self._table,
                    "Key": to_item({"dataset": self._dataset + NOTICES, "run_id": f"{notice.kind}#{notice.about}"}),
                    "UpdateExpression": "SET recovered_by = :run",
                    "ExpressionAttributeValues": to_item({":run": run.run_id}),
                }
            }
            for notice in told
        ]

    def end(self, run: Run, ended: Mapping[str, Value]) -> bool:
        """End a run that commits nothing; says whether this call did it.

        False: it had ended or changed hands, or a feed has arrived since `run` was read.
        """
        ending = self._ending(run, ended)
        if run.state is State.COLLECTING:
            ending["ConditionExpression"] += " AND " + ("arrived = :arrived" if run.arrived else _NONE_ARRIVED)
            ending["ExpressionAttributeValues"] |= to_item({":arrived": run.arrived} if run.arrived else {})
        return self._try(self._client.update_item, **ending)

    def _ending(self, run: Run, ended: Mapping[str, Value]) -> dict[str, Any]:
        sets, names, values = assignments(ended)
        sets += self._traced(names, values)
        return {
            "TableName": self._table,
            "Key": self._key(run.run_id),
            "UpdateExpression": f"SET {sets} REMOVE lease_owner, lease_until, mail",
            "ConditionExpression": "#now = :was AND attempts = :attempts"
            if run.attempts
            else "#now = :was AND attribute_not_exists(attempts)",
            "ExpressionAttributeNames": names | {"#now": "state"},
            "ExpressionAttributeValues": to_item(
                values | {":was": run.state} | ({":attempts": run.attempts} if run.attempts else {})
            ),
        }

    # --- commands and consumers --------------------------------------------------------------------------------

    def reopen(self, run_id: str, *, allowed: frozenset[State], marks: Mapping[str, Value], known_from: str) -> Run:
        """Put a run that ended badly back to COLLECTING, with what it has collected.

        A run that bears these very marks already is left as it is: the same command, told twice, is one. Raises
        NotAllowed.
        """
        sets, names, values = assignments(dict(marks) | {"state": State.COLLECTING, "known_from": known_from})
        sets += self._traced(names, values)
        states = {f":was{n}": state.value for n, state in enumerate(sorted(allowed))}
        reopened = self._update(
            run_id,
            f"SET {sets}, attempts_forgiven = if_not_exists(attempts, :zero) REMOVE mail, reason, rejected_by",
            values | states | {":zero": 0},
            names=names,
            condition=f"#now IN ({', '.join(states)})",
        )
        if reopened:
            return Run.from_values(reopened)
        run = self.get(run_id)
        if all(getattr(run, name) == mark for name, mark in marks.items()):
            return run
        raise NotAllowed(f"run {run_id} is {run.state}; this needs {' or '.join(sorted(allowed))}")

    def notify(self, notice: Notice) -> bool:
        """Write a notice, once; says whether it is new."""
        key = {"dataset": self._dataset + NOTICES, "run_id": f"{notice.kind}#{notice.about}"}
        return self._try(
            self._client.put_item,
            TableName=self._table,
            Item=to_item(key | {name: value for name, value in vars(notice).items() if value != "" and name != "mail"}),
            ConditionExpression="attribute_not_exists(run_id)",
        )

    def claim_mail(
        self, key: Mapping[str, Any], *, still: Mapping[str, Value | None], owner: str, now: int, until: int
    ) -> bool:
        """Take the right to mail about an item (its key as attribute values); False where there is nothing to mail.

        That is: it was mailed, or it is not `still` as told (None: has no such attribute), so that the mail would
        be of the past. Raises LeaseHeld where another owner has the right and may still be publishing; the same
        owner may take it again.
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

    def mark_views(self, run_id: str, state: str) -> None:
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

    # --- the table ---------------------------------------------------------------------------------------------

    def _own_trace(self) -> dict[str, Value]:
        header = current_header()
        return {self._service: header} if self._service and header else {}

    def _traced(self, names: dict[str, str], values: dict[str, Value]) -> str:
        """What a run's update sets beside: the trace it is made in; adds the name and the value for it."""
        for service, header in self._own_trace().items():
            names["#service"], values[":trace"] = service, header
            return ", traces.#service = :trace"
        return ""

    def _key(self, run_id: str) -> dict[str, Any]:
        return to_item({"dataset": self._dataset, "run_id": run_id})

    def _read(self, partition: str, sort: str) -> dict[str, Any]:
        key = to_item({"dataset": partition, "run_id": sort})
        reply = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return from_item(reply.get("Item", {}))

    def _pages(self, query: dict[str, Any]) -> Iterator[dict[str, Any]]:
        start: dict[str, Any] = {}
        while True:
            page = self._client.query(**query, **start)
            yield from map(from_item, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def _update(
        self,
        run_id: str,
        expression: str,
        values: Mapping[str, Value],
        *,
        names: Mapping[str, str] | None = None,
        condition: str = "attribute_exists(run_id)",
    ) -> dict[str, Any] | None:
        """The item after the update; None where the condition does not hold."""
        used = {"#state": "state", "#now": "state"}
        text = f"{expression} {condition}"
        all_names = dict(names or {}) | {name: real for name, real in used.items() if name in text}
        options = {"ExpressionAttributeNames": all_names} if all_names else {}
        try:
            reply = self._client.update_item(
                TableName=self._table,
                Key=self._key(run_id),
                UpdateExpression=expression,
                ConditionExpression=condition,
                ExpressionAttributeValues=to_item(values),
                ReturnValues="ALL_NEW",
                **options,
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return None
        return from_item(reply["Attributes"])

    def _try_for_old(self, **update: Any) -> dict[str, Any] | None:
        """The item before the update; None where the condition does not hold."""
        try:
            reply = self._client.update_item(TableName=self._table, ReturnValues="ALL_OLD", **update)
        except self._client.exceptions.ConditionalCheckFailedException:
            return None
        return from_item(reply.get("Attributes", {}))

    def _try(self, call: Any, **arguments: Any) -> bool:
        """Whether the condition held."""
        try:
            call(**arguments)
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True


def _with_base(values: dict[str, Value], base: str) -> dict[str, Value]:
    return values | {":base": base} if base else values


def _head_is(base: str) -> str:
    return "head = :base" if base else "attribute_not_exists(head)"


def _only_fields[T](kind: type[T], values: Mapping[str, Any]) -> T:
    known = {name: values[name] for name in kind.__dataclass_fields__ if name in values}  # type: ignore[attr-defined]
    return kind(**known)
