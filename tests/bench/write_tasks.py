"""The contenders of the writing benchmarks, each a task of `tests.bench.workers`: rows into a slow table."""

import os
from collections.abc import Callable, Iterator
from typing import Any

ROWS = 10_000

type Task = Callable[[], object]


def rows() -> list[dict[str, Any]]:
    return [
        {"date": f"{2000 + n // 365}-01-01", "cases": 7_487_091 + n, "deaths": 209_603 + n, "recoveries": None}
        for n in range(ROWS)
    ]


def ours(endpoint: str) -> Task:
    """As the merger writes: `store_rows` and the handlers' own client."""
    os.environ |= {"AWS_ENDPOINT_URL": endpoint}
    from chalicelib.storing.row_writes import put_request, write_rows
    from shared.aws import client

    changed, dynamodb = rows(), client("dynamodb")

    def run() -> object:
        requests = (put_request(row, dataset="us-covid", series="US", run_id="2020-10-25T17:00:00Z") for row in changed)
        return write_rows(dynamodb, "observations", requests, check=lambda: None)

    return run


def first_load(endpoint: str, count: str) -> Task:
    """As the merger writes a first load of counties: 400 dates of each."""
    os.environ |= {"AWS_ENDPOINT_URL": endpoint}
    from chalicelib.storing.row_writes import WriteRequest, put_request, write_rows
    from shared.aws import client

    dynamodb = client("dynamodb")
    dates = [f"{2020 + n // 336}-{n // 28 % 12 + 1:02}-{n % 28 + 1:02}" for n in range(400)]

    def requests() -> Iterator[WriteRequest]:
        for n in range(int(count)):
            row = {"date": dates[n % 400], "cases": n % 100_000, "deaths": n % 1000}
            series = f"County {n // 400:04}, State {n // 400 % 50:02}"
            yield put_request(row, dataset="counties", series=series, run_id="2020-10-25T17:00:00Z")

    def run() -> object:
        return write_rows(dynamodb, "observations", requests(), check=lambda: None)

    return run


def plain(endpoint: str) -> Task:
    """As boto3's documentation has it."""
    import boto3

    table = boto3.resource("dynamodb", endpoint_url=endpoint).Table("observations")
    changed = rows()

    def run() -> object:
        with table.batch_writer() as batch:
            for row in changed:
                batch.put_item(Item={"series": "US", "run_id": "2020-10-25T17:00:00Z", **row})
        return len(changed)

    return run
