"""The table that the ledger is in, and how an item of it is read and written."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from shared.attributes import Value, from_attribute, from_item, to_item
from shared.errors import ItemMalformed
from shared.observation import pass_over
from shared.tracing import current_header


class LedgerTable:
    """The runs of one dataset in one table, through a low-level DynamoDB client.

    `service` is who writes, where that is one of the services.
    """

    def __init__(self, client: Any, *, table: str, dataset: str, service: str = "") -> None:
        self._client, self._table, self._dataset, self._service = client, table, dataset, service

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

    def _each[T](self, query: dict[str, Any], make: Callable[[dict[str, Any]], T]) -> Iterator[T]:
        """What `make` makes of each item; one that is not as the ledger writes it is named and passed over."""
        for values in self._pages(query):
            try:
                yield make(values)
            except ItemMalformed as error:
                pass_over(f"{values.get('dataset')} {values.get('run_id')}", str(error))

    def _read(self, partition: str, sort: str) -> dict[str, Any]:
        key = to_item({"dataset": partition, "run_id": sort})
        reply = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return _plain(reply.get("Item", {}))

    def _pages(self, query: dict[str, Any]) -> Iterator[dict[str, Any]]:
        start: dict[str, Any] = {}
        while True:
            page = self._client.query(**query, **start)
            yield from map(_plain, page["Items"])
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


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    """An item as Python values; of one that holds something else, those that it has."""
    values = dict[str, Any]()
    for name, attribute in item.items():
        with contextlib.suppress(ValueError, TypeError):
            values[name] = from_attribute(attribute)
    return values


def only_fields[T](kind: type[T], values: Mapping[str, Any]) -> T:
    """An object of this type from those values that are its fields. Raises ItemMalformed where they make none."""
    fields: Mapping[str, Any] = kind.__dataclass_fields__  # type: ignore[attr-defined]
    try:
        return kind(**{name: values[name] for name in fields if name in values})
    except (TypeError, ValueError, AttributeError) as error:
        raise ItemMalformed(f"it is no {kind.__name__}: {error}") from error
