"""Rows are sent in batches, again where DynamoDB leaves some, and never after the writer's time is up."""

from typing import Any

import pytest

from chalicelib.storing.row_writes import delete_request, put_request, write_rows
from shared.errors import LeaseLost, TransientError


class RecordingTable:
    """Takes requests, and leaves some of them unprocessed."""

    def __init__(self, *, leaves: int = 0) -> None:
        self.calls: list[int] = []
        self.taken: list[Any] = []
        self._leaves = leaves

    def batch_write_item(self, *, RequestItems: dict[str, list[Any]]) -> dict[str, Any]:  # noqa: N803  # boto's name
        [requests] = RequestItems.values()
        self.calls.append(len(requests))
        kept, left = requests[self._leaves :], requests[: self._leaves]
        self.taken += kept
        return {"UnprocessedItems": {"rows": left} if left else {}}


def _requests(count: int) -> list[Any]:
    return [
        put_request({"date": f"2020-03-{n:02d}", "n": n}, dataset="us-covid", series="US", run_id="r")
        for n in range(count)
    ]


def test_all_rows_are_sent_in_batches_of_25() -> None:
    table = RecordingTable()
    assert write_rows(table, "rows", _requests(1_030), check=lambda: None) == 1_030
    assert sorted(table.calls) == [5] + [25] * 41
    assert sorted(table.taken, key=str) == sorted(_requests(1_030), key=str)


def test_rows_that_were_left_are_sent_again_after_growing_pauses() -> None:
    table, pauses = RecordingTable(leaves=1), list[float]()
    with pytest.raises(TransientError, match="left 1 rows unwritten after 8 tries"):
        write_rows(table, "rows", _requests(3), check=lambda: None, pause=pauses.append)
    assert table.calls == [3] + [1] * 7
    assert pauses == [0.05 * 2**n for n in range(8)]


def test_nothing_is_sent_once_the_time_is_up() -> None:
    table, checks = RecordingTable(), list[int]()

    def check() -> None:
        checks.append(1)
        if len(checks) > 2:
            raise LeaseLost("too late")

    with pytest.raises(LeaseLost):
        write_rows(table, "rows", _requests(500), check=check)
    assert len(table.calls) == 2


def test_requests_are_as_dynamodb_wants_them() -> None:
    put = put_request({"date": "2020-03-01", "cases": 5, "deaths": None}, dataset="us-covid", series="US", run_id="r1")
    item = {"date": {"S": "2020-03-01"}, "cases": {"N": "5"}, "deaths": {"NULL": True}}
    assert put == {"PutRequest": {"Item": item | {"dataset#series": {"S": "us-covid#US"}, "run_id": {"S": "r1"}}}}
    delete = delete_request(dataset="us-covid", series="US", date="2020-03-01")
    assert delete == {"DeleteRequest": {"Key": {"dataset#series": {"S": "us-covid#US"}, "date": {"S": "2020-03-01"}}}}
