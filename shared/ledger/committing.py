"""The end of a run: it is claimed, its rows are written by one writer at a time, and the head moves."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.attributes import Value, to_item
from shared.errors import HeadMoved, LeaseHeld, LeaseLost
from shared.expressions import assignments
from shared.ledger.items import ANNOTATIONS, HEAD, NOTICES, Annotation, Head, Notice, writer
from shared.ledger.reading import Reading
from shared.ledger.table import only_fields
from shared.runs import Run, State, engine_owner
from shared.sizes import REASON, cut

_OPEN = "attribute_not_exists(closed)"
_NONE_ARRIVED = "attribute_not_exists(arrived)"


class Committing(Reading):
    """What is written of a run from its claim to its end."""

    def claim(self, run_id: str, *, owner: str, now: int, until: int, result_of: int = 0) -> Run | None:
        """Take the run for merging; None where it has ended already.

        Free are a COLLECTING run, and a MERGING one that is this owner's or whose lease ran out; and one that waits
        for the engine, for whoever has the result of that attempt (`result_of`): what the engine was ordered for, and
        the claim for it, are one attempt.
        `now` and `until` are wall-clock milliseconds. Raises LeaseHeld where another owner is at work.
        """
        if result_of and (taken := self._claim_from_engine(run_id, owner=owner, until=until, attempt=result_of)):
            return Run.from_values(taken)
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

    def _claim_from_engine(self, run_id: str, *, owner: str, until: int, attempt: int) -> dict[str, Any] | None:
        names = dict[str, str]()
        values: dict[str, Value] = {
            ":merging": State.MERGING,
            ":engine": engine_owner(attempt),
            ":owner": owner,
            ":until": until,
            ":one": 1,
        }
        traced = self._traced(names, values)
        return self._update(
            run_id,
            f"SET lease_owner = :owner, lease_until = :until{traced} ADD attempts :one, attempts_forgiven :one",
            values,
            names=names,
            condition="#state = :merging AND lease_owner = :engine",
        )

    def order(self, run: Run) -> None:
        """Write down that this attempt of a claimed run is the engine's. Raises LeaseLost where it was taken."""
        values: dict[str, Value] = {":merging": State.MERGING, ":attempts": run.attempts}
        ordered = self._update(
            run.run_id,
            "SET engine_attempt = :attempts REMOVE engine_job",
            values,
            condition="#state = :merging AND attempts = :attempts",
        )
        if ordered is None:
            raise LeaseLost(f"run {run.run_id} changed hands before its job was started")

    def await_engine(self, run: Run, *, job: str, until: int) -> None:
        """Give a claimed run to the engine, whose job has been started, until its time is up."""
        self._update(
            run.run_id,
            "SET engine_job = :job, lease_owner = :engine, lease_until = :until",
            {
                ":job": job,
                ":engine": engine_owner(run.attempts),
                ":until": until,
                ":merging": State.MERGING,
                ":attempts": run.attempts,
            },
            condition="#state = :merging AND attempts = :attempts",
        )

    def engine_failed(self, run: Run, *, why: str) -> None:
        """Take a run back from a job that came to no result: whoever comes next takes it up at once."""
        self._update(
            run.run_id,
            "SET engine_trouble = :why, lease_until = :free",
            {":why": why, ":free": 0, ":merging": State.MERGING, ":engine": engine_owner(run.engine_attempt)},
            condition="#state = :merging AND lease_owner = :engine",
        )

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

        Its `dirty` and `late` name the writers whose rows must be put right as well.
        Raises LeaseHeld while another run writes, HeadMoved where the head is not at `base`.
        """
        reply = self._try_for_old(
            Key=to_item({"dataset": self._dataset + HEAD, "run_id": "head"}),
            UpdateExpression="SET writing = :me, writing_until = :until ADD dirty :mine",
            ConditionExpression=(
                f"{_head_is(base)} AND {_OPEN}"
                " AND (attribute_not_exists(writing) OR writing = :me OR writing_until < :now)"
            ),
            ExpressionAttributeValues=to_item(
                _with_base(
                    {
                        ":me": run.run_id,
                        ":mine": frozenset({writer(run.run_id, base=base)}),
                        ":until": until,
                        ":now": now,
                    },
                    base,
                )
            ),
        )
        if reply is not None:
            return only_fields(Head, reply)
        head = self.head()
        if head.closed:
            raise LeaseHeld(head.closed)
        if head.head != base:
            raise HeadMoved(f"run {run.run_id} was compared with {base or 'nothing'}, the head is {head.head}")
        raise LeaseHeld(f"run {head.writing} is writing")

    def left_rows(self, run: Run, *, base: str) -> None:
        """Write down that a writer whose time was up may have written since: its rows are to be put right."""
        self._client.update_item(
            TableName=self._table,
            Key=to_item({"dataset": self._dataset + HEAD, "run_id": "head"}),
            UpdateExpression="ADD dirty :mine",
            ExpressionAttributeValues=to_item({":mine": frozenset({writer(run.run_id, base=base)})}),
        )

    def end_writing(self, run: Run, *, base: str, late: frozenset[str]) -> None:
        """Stop being the writer without a commit: the rows are those of `base` again, but for what is `late`."""
        sets, values = ("SET late = :late REMOVE", {":late": late}) if late else ("REMOVE late,", dict[str, Value]())
        self._try(
            self._client.update_item,
            TableName=self._table,
            Key=to_item({"dataset": self._dataset + HEAD, "run_id": "head"}),
            UpdateExpression=f"{sets} writing, writing_until, dirty",
            ConditionExpression=f"{_head_is(base)} AND writing = :me",
            ExpressionAttributeValues=to_item(_with_base(values | {":me": run.run_id}, base)),
        )

    def commit(
        self,
        run: Run,
        *,
        head: Head,
        base: str,
        ended: Mapping[str, Value],
        recovered: Iterable[Notice] = (),
        annotations: Iterable[Annotation] = (),
    ) -> None:
        """The commit point: in one transaction the head moves from `base` and the run ends.

        `ended` holds the run's last attributes, its `state` (COMMITTED or UNCHANGED) among them; `recovered` are the
        notices whose recovery this run's digest reports, `annotations` the operators' notes that it has.
        Raises HeadMoved where another run was committed meanwhile, a newer one was found unchanged, or this owner's
        lease was taken.
        """
        removed = {"writing", "writing_until", "dirty"} | (set() if head.late else {"late"})
        moved = {name: value for name, value in vars(head).items() if name not in removed | {"closed"}}
        sets, names, values = assignments(moved)
        wrote_rows = State(str(ended["state"])) is State.COMMITTED
        mine = "writing = :me" if wrote_rows else "(attribute_not_exists(writing) OR writing = :me)"
        move = {
            "TableName": self._table,
            "Key": to_item({"dataset": self._dataset + HEAD, "run_id": "head"}),
            "UpdateExpression": f"SET {sets} REMOVE {', '.join(sorted(removed))}",
            "ConditionExpression": (
                f"{_head_is(base)} AND {_OPEN} AND {mine} AND (attribute_not_exists(latest) OR latest <= :me)"
            ),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": to_item(_with_base(values | {":me": run.run_id}, base)),
        }
        try:
            self._client.transact_write_items(
                TransactItems=[
                    {"Update": move},
                    {"Update": self._ending(run, ended)},
                    *self._recoveries(run, recovered),
                    *self._reported(run, annotations),
                ]
            )
        except self._client.exceptions.TransactionCanceledException as error:
            if not _lost_its_place(error.response.get("CancellationReasons", ())):
                raise
            raise HeadMoved(f"run {run.run_id} lost its place: {error}") from error

    def _recoveries(self, run: Run, recovered: Iterable[Notice]) -> list[dict[str, Any]]:
        return [
            {
                "Update": {
                    "TableName": self._table,
                    "Key": to_item({"dataset": self._dataset + NOTICES, "run_id": f"{notice.kind}#{notice.about}"}),
                    "UpdateExpression": "SET recovered_by = :run",
                    "ExpressionAttributeValues": to_item({":run": run.run_id}),
                }
            }
            for notice in recovered
        ]

    def _reported(self, run: Run, annotations: Iterable[Annotation]) -> list[dict[str, Any]]:
        return [
            {
                "Update": {
                    "TableName": self._table,
                    "Key": to_item({"dataset": self._dataset + ANNOTATIONS, "run_id": note.key}),
                    "UpdateExpression": "SET reported_by = :run",
                    "ExpressionAttributeValues": to_item({":run": run.run_id}),
                }
            }
            for note in annotations
        ]

    def close(self, why: str) -> None:
        """From now on no run can write rows or commit, until `open`; runs can begin, and wait."""
        self._set_closed("SET closed = :why", {":why": why})

    def open(self) -> None:
        """Runs can write and commit again."""
        self._set_closed("REMOVE closed", {})

    def _set_closed(self, expression: str, values: Mapping[str, Value]) -> None:
        self._client.update_item(
            TableName=self._table,
            Key=to_item({"dataset": self._dataset + HEAD, "run_id": "head"}),
            UpdateExpression=expression,
            **({"ExpressionAttributeValues": to_item(values)} if values else {}),
        )

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
        bounded = dict(ended) | {"reason": cut(str(ended.get("reason", "")), REASON)}
        sets, names, values = assignments(bounded)
        sets += self._traced(names, values)
        return {
            "TableName": self._table,
            "Key": self._key(run.run_id),
            "UpdateExpression": f"SET {sets} REMOVE lease_owner, lease_until, mail, mail_owner, mail_until, mail_tries",
            "ConditionExpression": "#now = :was AND attempts = :attempts"
            if run.attempts
            else "#now = :was AND attribute_not_exists(attempts)",
            "ExpressionAttributeNames": names | {"#now": "state"},
            "ExpressionAttributeValues": to_item(
                values | {":was": run.state} | ({":attempts": run.attempts} if run.attempts else {})
            ),
        }


def _lost_its_place(reasons: Iterable[Mapping[str, Any]]) -> bool:
    """Whether another was there first. An item that is too large, say, has nothing to do with the head."""
    codes = {reason.get("Code", "None") for reason in reasons} - {"None"}
    return bool(codes) and codes <= {"ConditionalCheckFailed", "TransactionConflict"}


def _with_base(values: dict[str, Value], base: str) -> dict[str, Value]:
    return values | {":base": base} if base else values


def _head_is(base: str) -> str:
    return "head = :base" if base else "attribute_not_exists(head)"
