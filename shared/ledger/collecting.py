"""The beginning of a run: it is opened, feeds are received and arrive, and an operator may open it again."""

from collections.abc import Mapping

from shared.attributes import Value, from_item, to_item
from shared.errors import NotAllowed
from shared.expressions import assignments
from shared.ledger.items import FEEDS, FeedState
from shared.ledger.reading import Reading
from shared.runs import Delivery, Run, State
from shared.sizes import ADDRESS, VALIDATOR, cut, whole


class Collecting(Reading):
    """What is written of a run until all of its feeds are there."""

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
        values["source_url"] = cut(state.source_url, ADDRESS)
        values |= {"etag": whole(state.etag, VALIDATOR), "last_modified": whole(state.last_modified, VALIDATOR)}
        key: dict[str, Value] = {"dataset": self._dataset + FEEDS, "run_id": state.feed}
        return self._try(
            self._client.put_item,
            TableName=self._table,
            Item=to_item(key | values),
            ConditionExpression="attribute_not_exists(last_run_id) OR last_run_id <= :run",
            ExpressionAttributeValues=to_item({":run": state.last_run_id}),
        )

    def reopen(self, run_id: str, *, allowed: frozenset[State], command: Mapping[str, Value], known_from: str) -> Run:
        """Put a run that ended badly back to COLLECTING, with what it has collected.

        A run that has the attributes of this `command` already is left as it is: the same command twice is one.
        Raises NotAllowed.
        """
        sets, names, values = assignments(dict(command) | {"state": State.COLLECTING, "known_from": known_from})
        sets += self._traced(names, values)
        states = {f":was{n}": state.value for n, state in enumerate(sorted(allowed))}
        reopened = self._update(
            run_id,
            f"SET {sets}, attempts_forgiven = if_not_exists(attempts, :zero)"
            " REMOVE mail, mail_owner, mail_until, mail_tries, reason, rejected_by",
            values | states | {":zero": 0},
            names=names,
            condition=f"#now IN ({', '.join(states)})",
        )
        if reopened:
            return Run.from_values(reopened)
        run = self.get(run_id)
        if all(getattr(run, name) == value for name, value in command.items()):
            return run
        raise NotAllowed(f"run {run_id} is {run.state}; this needs {' or '.join(sorted(allowed))}")
