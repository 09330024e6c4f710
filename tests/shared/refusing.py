"""AWS that refuses, as it words it: for what an emulator never refuses."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def refused(client: Any, operation: str, raise_error: Callable[[], None]) -> Iterator[None]:
    """Before each call of this operation (`dynamodb.PutItem`) `raise_error` is called; the call has no effect."""

    def refuse(**_: Any) -> None:
        raise_error()

    name = f"before-call.{operation}"
    client.meta.events.register_first(name, refuse)
    try:
        yield
    finally:
        client.meta.events.unregister(name, refuse)


@contextlib.contextmanager
def transactions_are_cancelled(client: Any, code: str) -> Iterator[None]:
    """Every transaction of this DynamoDB client is cancelled, for the reason of its second action."""

    def cancel() -> None:
        message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [None, {code}]"
        response = {
            "Error": {"Code": "TransactionCanceledException", "Message": message},
            "CancellationReasons": [{"Code": "None"}, {"Code": code}],
        }
        raise client.exceptions.TransactionCanceledException(response, "TransactWriteItems")

    with refused(client, "dynamodb.TransactWriteItems", cancel):
        yield
