"""What readers of the ledger see: runs, the head, what is known of each feed, and notices."""

from collections.abc import Iterator
from typing import Any

from shared.attributes import Value, from_item, to_item
from shared.errors import ItemMalformed, UnknownRun
from shared.ledger.items import FEEDS, HEAD, NOTICES, FeedState, Head, Notice
from shared.ledger.table import LedgerTable, only_fields
from shared.runs import Run, State


class Reading(LedgerTable):
    """Queries and consistent reads; never a scan.

    A query passes over items that are not as the ledger writes them: the invocation's line names and counts them.
    """

    def get(self, run_id: str) -> Run:
        """The run of this id. Raises UnknownRun, and ItemMalformed for an item that is no run."""
        values = self._read(self._dataset, run_id)
        if not values:
            raise UnknownRun(f"there is no run {run_id}")
        return _run(values)

    def head(self) -> Head:
        """The head pointer; an empty one before the first commit."""
        return only_fields(Head, self._read(self._dataset + HEAD, "head"))

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
        yield from self._each(query, _run)

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
        yield from self._each(query, _run)

    def feed_states(self) -> dict[str, FeedState]:
        """What is known of each feed that was ever seen."""
        query = {
            "TableName": self._table,
            "ConsistentRead": True,
            "KeyConditionExpression": "dataset = :d",
            "ExpressionAttributeValues": to_item({":d": self._dataset + FEEDS}),
        }
        states = self._each(query, lambda values: only_fields(FeedState, values | {"feed": values["run_id"]}))
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

    def open_long(self) -> frozenset[str]:
        """Ids of the runs that the last watch knew to be open for long; see `remember_open`."""
        return frozenset(self._read(self._dataset + HEAD, "watch").get("open") or ())

    def remember_open(self, run_ids: frozenset[str]) -> None:
        """Keep what `open_long` gives: a watch does not query far back, and finds such runs by their ids."""
        listed: list[Value] = [*sorted(run_ids)]
        self._client.update_item(
            TableName=self._table,
            Key=to_item({"dataset": self._dataset + HEAD, "run_id": "watch"}),
            UpdateExpression="SET #open = :open",
            ExpressionAttributeNames={"#open": "open"},
            ExpressionAttributeValues=to_item({":open": listed}),
        )

    def notices(self) -> Iterator[Notice]:
        """All notices, in order of kind and subject."""
        query = {
            "TableName": self._table,
            "KeyConditionExpression": "dataset = :d",
            "ExpressionAttributeValues": to_item({":d": self._dataset + NOTICES}),
        }
        yield from self._each(query, lambda values: only_fields(Notice, values))


def _run(values: dict[str, Any]) -> Run:
    try:
        return Run.from_values(values)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ItemMalformed(f"it is no run: {type(error).__name__}: {error}") from error
