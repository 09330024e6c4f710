"""Readers subscribe themselves: off unless the operator wants it, seldom, and never saying who is subscribed."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.subscribing.addresses import mailbox_digest, read_address
from chalicelib.web.problems import Problem
from shared import datasets
from tests.api.edge import Front
from tests.api.serving import Answer, ApiApp
from tests.shared.apps import load_app
from tests.shared.in_memory import Cloud
from tests.shared.regions import REGIONS

TABLE = "covid-stats-test-subscriptions"
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def topic(cloud: Cloud) -> str:
    return str(cloud.sns.create_topic(Name="covid-stats-test-digest")["TopicArn"])


@pytest.fixture
def open_stage(served: ApiApp, cloud: Cloud, topic: str, monkeypatch: pytest.MonkeyPatch) -> ApiApp:
    """A stage with `PublicSubscriptions = "yes"` that takes three requests an hour."""
    cloud.dynamodb.create_table(
        TableName=TABLE,
        AttributeDefinitions=[{"AttributeName": "counted", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "counted", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    monkeypatch.setenv("SUBSCRIPTIONS_TABLE", TABLE)
    monkeypatch.setenv("SUBSCRIPTIONS_AN_HOUR", "3")
    monkeypatch.setenv("TOPIC_ARN", topic)
    return ApiApp(module=load_app("api"))


@pytest.fixture
def refusing(open_stage: ApiApp) -> list[str]:
    """Codes of errors: while there is one, SNS answers with it."""
    codes: list[str] = []
    subscriptions = open_stage.module.subscriptions()
    inner = subscriptions._sns

    class Sns:
        def subscribe(self, **request: Any) -> Any:
            if codes:
                raise ClientError({"Error": {"Code": codes[-1], "Message": "reader@example.org"}}, "Subscribe")
            return inner.subscribe(**request)

    subscriptions._sns = Sns()
    return codes


def send(app: ApiApp | Front, address: str, *, path: str = "/subscriptions", page: bool = False) -> Answer:
    headers = PAGE if page else {"Accept": "*/*"}
    return app.ask("POST", path, headers=headers, body=urlencode({"email": address}))


def subscribed(cloud: Cloud, topic: str) -> Sequence[tuple[str, str]]:
    found = cloud.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    return [(it["Protocol"], it["Endpoint"]) for it in found]


def forget(cloud: Cloud) -> None:
    """As after a day."""
    for item in cloud.dynamodb.scan(TableName=TABLE)["Items"]:
        cloud.dynamodb.delete_item(TableName=TABLE, Key={"counted": item["counted"]})


def test_a_stage_that_takes_no_subscriptions_has_no_form(served: ApiApp) -> None:
    assert "subscriptions" not in served.get("/").text
    assert served.get("/subscriptions").json["detail"] == "this stage takes no subscriptions"
    assert send(served, "reader@example.org").status == 404


def test_an_address_is_given_to_sns_with_the_filter_of_digests(open_stage: ApiApp, cloud: Cloud, topic: str) -> None:
    answer = send(open_stage, "reader@example.org")
    assert (answer.status, list(answer.json)) == (202, ["detail"])
    assert answer.headers["cache-control"] == "no-store"
    assert subscribed(cloud, topic) == [("email", "reader@example.org")]
    [one] = cloud.sns.list_subscriptions()["Subscriptions"]
    attributes = cloud.sns.get_subscription_attributes(SubscriptionArn=one["SubscriptionArn"])["Attributes"]
    assert attributes["FilterPolicy"] == '{"kind": ["digest"]}'


def test_the_answer_is_the_same_whoever_is_subscribed(open_stage: ApiApp, cloud: Cloud, topic: str) -> None:
    """Unknown, the same again, subscribed to something else: byte for byte, with all headers."""
    cloud.sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="operator@example.org")
    unknown = send(open_stage, "reader@example.org")
    again = send(open_stage, "reader@example.org")
    forget(cloud)
    waiting, otherwise = send(open_stage, "reader@example.org"), send(open_stage, "operator@example.org")
    assert [again, waiting, otherwise] == [unknown, unknown, unknown]


def test_a_mailbox_is_written_to_once_a_day_however_it_is_written(open_stage: ApiApp, cloud: Cloud, topic: str) -> None:
    for address in ("reader@example.org", "READER@Example.org", "reader+1@example.org", "reader@example.org"):
        assert send(open_stage, address).status == 202
    assert subscribed(cloud, topic) == [("email", "reader@example.org")]


def test_beyond_its_requests_an_hour_the_stage_says_when_to_come_again(
    open_stage: ApiApp, cloud: Cloud, topic: str
) -> None:
    answers = [send(open_stage, f"reader{n}@example.org") for n in range(4)]
    assert [answer.status for answer in answers] == [202, 202, 202, 429]
    assert 0 < int(answers[3].headers["retry-after"]) <= 3600
    assert len(subscribed(cloud, topic)) == 3
    forget(cloud)
    assert send(open_stage, "reader3@example.org").status == 202


@pytest.mark.parametrize("code", ["InvalidParameter", "SubscriptionLimitExceeded", "FilterPolicyLimitExceeded"])
def test_what_sns_says_of_an_address_goes_no_further(open_stage: ApiApp, refusing: list[str], code: str) -> None:
    taken = send(open_stage, "reader@example.org")
    refusing.append(code)
    assert send(open_stage, "other@example.org") == taken


def test_an_address_that_sns_could_not_take_may_be_tried_again(
    open_stage: ApiApp, cloud: Cloud, topic: str, refusing: list[str]
) -> None:
    refusing.append("InternalError")
    assert send(open_stage, "reader@example.org").status == 503
    refusing.clear()
    assert send(open_stage, "reader@example.org").status == 202
    assert subscribed(cloud, topic) == [("email", "reader@example.org")]


def test_neither_the_store_nor_the_log_has_the_address(
    open_stage: ApiApp, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    send(open_stage, "reader@example.org")
    items = cloud.dynamodb.scan(TableName=TABLE)["Items"]
    assert sorted(re.sub("#.*", "", item["counted"]["S"]) for item in items) == ["address", "hour"]
    assert all("expires" in item for item in items)
    assert "reader" not in f"{items}{capsys.readouterr().out}"


def test_people_are_answered_with_a_page_and_the_form_needs_no_script(open_stage: ApiApp) -> None:
    form = '<form class="known mail" action="subscriptions" method="post">'
    for page in (open_stage.get("/").text, open_stage.get("/subscriptions").text):
        assert form in page
        assert '<label for="email">' in page
        assert 'aria-describedby="by-mail-how"' in page and 'id="by-mail-how"' in page
    sent = send(open_stage, "reader@example.org", page=True)
    assert (sent.status, sent.headers["content-type"]) == (202, "text/html; charset=utf-8")
    assert '<p role="status">' in sent.text
    wrong = send(open_stage, "reader", page=True)
    assert (wrong.status, wrong.headers["content-type"]) == (400, "text/html; charset=utf-8")


def test_through_cloudfront_the_form_arrives(open_stage: ApiApp, cloud: Cloud, topic: str) -> None:
    front = Front(open_stage)
    assert send(front, "reader@example.org").status == 202
    assert send(front, "reader@example.org", path="/data").status == 403
    assert subscribed(cloud, topic) == [("email", "reader@example.org")]


def test_with_several_datasets_it_is_one_subscription_from_any_of_their_pages(
    open_stage: ApiApp, cloud: Cloud, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(datasets._REGISTRY, REGIONS.name, REGIONS)
    monkeypatch.setenv("DATASETS", f"us-covid,{REGIONS.name}")
    both = ApiApp(module=load_app("api"))
    for path in ("/", "/us-covid/", f"/{REGIONS.name}/"):
        assert 'action="subscriptions"' in both.get(path).text
        assert "of all datasets here" in both.get(path).text
    for path in ("/subscriptions", "/us-covid/subscriptions", f"/{REGIONS.name}/subscriptions"):
        assert send(both, "reader@example.org", path=path).status == 202
    assert subscribed(cloud, topic) == [("email", "reader@example.org")]


@pytest.mark.parametrize(
    "body",
    [
        "email=",
        "email=reader",
        "email=reader@localhost",
        "email=a@example.org&email=b@example.org",
        "email=reader@example.org&name=Reader",
        "email=reader%40example.org%0Aother%40example.org",
        "email=" + "a" * 65 + "@example.org",
        "email=" + "a" * 2000 + "@example.org",
        "email=%ff@example.org",
        "&".join(f"email{n}=" for n in range(9)),
        '{"email": "reader@example.org"}',
    ],
)
def test_what_is_no_form_with_one_address_is_refused(body: str) -> None:
    with pytest.raises(Problem) as refused:
        read_address(body, route="/subscriptions")
    assert refused.value.status == 400


@given(st.emails())
def test_addresses_are_read_as_they_were_written(address: str) -> None:
    if "+" not in address:
        assert mailbox_digest(address, salt="") == mailbox_digest(f"{address.replace('@', '+tag@')}".upper(), salt="")
    assert read_address(urlencode({"email": address}), route="/subscriptions") == address
