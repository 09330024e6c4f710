"""Writing rows to `observations`: make the table hold, for some keys, what the snapshot holds.

The request is a wish for a state, not a list of steps: writing it again changes nothing, and putting right what an
interrupted run left behind is the same request with another snapshot.
"""

import concurrent.futures
import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from shared.attributes import to_attribute, to_item
from shared.errors import TransientError
from shared.tracing import carried

_BATCH = 25
_THREADS = 12
_TRIES = 8
_FIRST_PAUSE = 0.05

type WriteRequest = dict[str, Any]


KEY = "dataset#series"
"""The name of the table's partition key, and what it is made of."""


def put_request(row: dict[str, Any], *, dataset: str, series: str, run_id: str) -> WriteRequest:
    """A row as in the change set, under its dataset and series, with the run that last changed it."""
    return {"PutRequest": {"Item": to_item({**row, KEY: f"{dataset}#{series}", "run_id": run_id})}}


def delete_request(*, dataset: str, series: str, date: str) -> WriteRequest:
    return {"DeleteRequest": {"Key": {KEY: to_attribute(f"{dataset}#{series}"), "date": to_attribute(date)}}}


def write_rows(
    client: Any,
    table: str,
    requests: Iterable[WriteRequest],
    *,
    check: Callable[[], None],
    pause: Callable[[float], None] = time.sleep,
) -> int:
    """Send all requests, 25 a call, 12 calls at a time; how many there were.

    `check` is called before every call and raises when this writer's time is up. Raises TransientError where
    DynamoDB leaves requests unprocessed again and again.
    """

    def send(batch: list[WriteRequest]) -> int:
        left = batch
        for attempt in range(_TRIES):
            check()
            reply = client.batch_write_item(RequestItems={table: left})
            left = reply.get("UnprocessedItems", {}).get(table, [])
            if not left:
                return len(batch)
            pause(_FIRST_PAUSE * 2**attempt)
        raise TransientError(f"DynamoDB left {len(left)} rows unwritten after {_TRIES} tries; table {table}")

    batches = _batched(requests)
    first = list(itertools.islice(batches, 1))
    second = list(itertools.islice(batches, 1))
    if not second:
        return sum(map(send, first))
    return _send_all(itertools.chain(first, second, batches), send)


def _send_all(batches: Iterator[list[WriteRequest]], send: Callable[[list[WriteRequest]], int]) -> int:
    """In threads, never more than twice as many batches in hand as there are threads."""
    done, send = 0, carried(send)
    with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
        waiting: set[concurrent.futures.Future[int]] = set()
        for batch in batches:
            waiting.add(pool.submit(send, batch))
            if len(waiting) >= 2 * _THREADS:
                finished, waiting = concurrent.futures.wait(waiting, return_when=concurrent.futures.FIRST_COMPLETED)
                done += sum(future.result() for future in finished)
        return done + sum(future.result() for future in concurrent.futures.as_completed(waiting))


def _batched(requests: Iterable[WriteRequest]) -> Iterator[list[WriteRequest]]:
    iterator = iter(requests)
    while batch := list(itertools.islice(iterator, _BATCH)):
        yield batch
