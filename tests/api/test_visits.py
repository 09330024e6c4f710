"""The counter of visits: off unless the operator wants it, counted when it is seen, and nothing kept but the number."""

import re

import pytest

from tests.api.serving import ApiApp
from tests.shared.apps import load_app
from tests.shared.in_memory import Cloud

TABLE = "covid-stats-test-visits"


@pytest.fixture
def counting(served: ApiApp, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> ApiApp:
    assert served.get("/visits.svg").status == 404
    cloud.dynamodb.create_table(
        TableName=TABLE,
        AttributeDefinitions=[{"AttributeName": "dataset", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "dataset", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    monkeypatch.setenv("VISITS_TABLE", TABLE)
    return ApiApp(module=load_app("api"))


def shown(svg: str) -> str:
    return "".join(re.findall(r">(\d)</text>", svg))


def test_without_a_counter_the_page_shows_none(served: ApiApp) -> None:
    assert "visits.svg" not in served.get("/").text
    assert served.get("/visits.svg").json["detail"] == "this stage counts no visits"


def test_each_visit_is_counted_and_shown_and_no_cache_keeps_it(counting: ApiApp) -> None:
    assert '<img src="visits.svg"' in counting.get("/").text
    answers = [counting.get("/visits.svg") for _ in range(3)]
    assert [shown(answer.text) for answer in answers] == ["000001", "000002", "000003"]
    assert answers[0].headers["content-type"] == "image/svg+xml"
    assert answers[0].headers["cache-control"] == "no-store"
    assert "set-cookie" not in answers[0].headers
    assert 'aria-label="3 visits"' in answers[2].text


def test_only_the_number_is_kept(counting: ApiApp, cloud: Cloud) -> None:
    counting.get("/visits.svg", headers={"Accept": "*/*", "User-Agent": "a browser", "X-Forwarded-For": "192.0.2.1"})
    assert cloud.dynamodb.scan(TableName=TABLE)["Items"] == [{"dataset": {"S": "us-covid"}, "visits": {"N": "1"}}]


def test_looking_without_seeing_does_not_count(counting: ApiApp) -> None:
    assert counting.ask("HEAD", "/visits.svg").status == 200
    assert counting.ask("OPTIONS", "/visits.svg").status == 204
    assert shown(counting.get("/visits.svg").text) == "000001"
