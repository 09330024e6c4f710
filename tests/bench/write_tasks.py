"""The contenders of `write_10k`, each a task of `tests.bench.workers`: 10,000 changed rows into a slow table."""

import os
from collections.abc import Callable
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
