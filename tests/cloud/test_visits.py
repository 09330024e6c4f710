"""The counter of visits in a real store, where clients come at once."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.local.local_cloud import LocalCloud
from infra.services import ROOT

pytestmark = pytest.mark.cloud

CLIENTS, VISITS = 8, 25
TABLE = "covid-stats-visits-visits"


def test_eight_clients_at_once_are_counted_exactly(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(ROOT, "api")))
    for name in [name for name in sys.modules if name.partition(".")[0] == "chalicelib"]:
        monkeypatch.delitem(sys.modules, name)
    from chalicelib.routes.visit_answers import VisitCounter

    cloud.client("dynamodb").create_table(
        TableName=TABLE,
        AttributeDefinitions=[{"AttributeName": "dataset", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "dataset", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )

    def visit(_client: int) -> list[int]:
        counter = VisitCounter(cloud.client("dynamodb"), table=TABLE)
        return [counter.count("us-covid") for _ in range(VISITS)]

    with ThreadPoolExecutor(CLIENTS) as clients:
        given = [number for numbers in clients.map(visit, range(CLIENTS)) for number in numbers]
    assert sorted(given) == list(range(1, CLIENTS * VISITS + 1))
