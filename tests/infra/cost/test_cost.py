"""The cost page is what its inputs give, and the inputs are what the templates and configurations say."""

import json
import re
from pathlib import Path

import botocore.session
import pytest
from moto import mock_aws

from infra.cost.cost import BILLED_MEMORY, PAGE, SCENARIOS, CostItem, Inputs, Scenario, items, page, total
from infra.cost.measure import Counted, count
from infra.deploying.templates import load_template
from infra.services import ROOT, SERVICES
from infra.tracing.hops import Step, find_hops
from shared.aws_calls import CallRecorder
from shared.call_metadata import CallMetadata
from shared.tracing import first_subsegment
from tests.shared.lambda_process import lambda_process

INPUTS = Inputs(
    measured={
        "rows": 1000,
        "changed_rows": 10,
        "run": {"s3_writes": 20, "s3_reads": 10, "write_units": 30, "read_units": 5},
        "functions": {"fetcher.fetch": {"invocations": 1, "milliseconds": 500}},
        "bytes": {"raw": 200_000, "snapshots": 50_000, "changesets": 1000, "views": 30_000},
        "log_bytes": 5000,
        "visit": {"requests": 5, "bytes": 100_000},
        "watch": {"milliseconds": 500, "read_units": 20},
        "request_milliseconds": 50,
    },
    prices={
        "prices": {
            name: {"usd": 1.0, "per": "one"}
            for name in json.loads((ROOT / "infra" / "prices.json").read_text())["prices"]
        },
        "always_free": {},
    },
)


def quantities(scenario: Scenario) -> dict[str, float]:
    """`group: name` -> quantity a month."""
    return {f"{item.group}: {item.name}": round(item.quantity, 6) for item in items(scenario, INPUTS)}


def step(name: str, *, sent: int = 0, received: int = 0) -> Step:
    return Step(name=name, began=0, ended=1, metadata=CallMetadata(sent=sent, received=received).as_mapping())


def test_the_page_is_in_step_with_what_was_measured_and_what_it_costs() -> None:
    assert page(Inputs.read()) == PAGE.read_text(), "python -m infra cost --write brings it up to date"


def test_a_stage_of_the_us_feeds_stays_within_the_budget_that_is_set_by_default() -> None:
    template = load_template((ROOT / "infra" / "operations.yaml").read_text())
    assert total(SCENARIOS[0], Inputs.read()) < template["Parameters"]["MonthlyBudget"]["Default"]


def test_calls_are_counted_by_what_they_are_charged_as() -> None:
    steps = [
        step("S3 PutObject", sent=9_000_000),
        step("S3 ListObjectsV2", received=300),
        step("S3 GetObject", received=5),
        step("S3 HeadObject"),
        step("DynamoDB PutItem", sent=1024, received=2),
        step("DynamoDB PutItem", sent=9000, received=2),
        step("DynamoDB UpdateItem", sent=1025),
        step("DynamoDB UpdateItem", sent=400, received=2049),
        step("DynamoDB DeleteItem", sent=90, received=2),
        step("DynamoDB TransactWriteItems", sent=3000, received=2),
        step("DynamoDB Query", sent=5000, received=8200),
        step("DynamoDB GetItem", sent=5000, received=4096),
        step("DynamoDB GetItem"),
        step("DynamoDB BatchWriteItem", sent=500, received=30),
        step("merge"),
    ]
    assert count(steps) == Counted(s3_writes=2, s3_reads=2, write_units=1 + 9 + 2 + 3 + 1 + 2 * 3, read_units=3 + 1 + 1)


def test_the_sizes_that_count_are_those_that_a_real_client_leaves_in_a_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "us-east-1")
    key, run_id = {"pk": {"S": "run"}}, "2020-10-25T17:00:00Z"
    with lambda_process(tmp_path) as process, mock_aws():
        session = botocore.session.get_session()
        CallRecorder().listen(session)
        dynamodb = session.create_client("dynamodb")
        dynamodb.create_table(
            TableName="runs",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        )
        process.invocation()
        with first_subsegment("fetch", service="fetcher", handler="fetch", run_id=run_id):
            dynamodb.put_item(TableName="runs", Item=key | {"text": {"S": "x" * 9_000}})
            dynamodb.update_item(
                TableName="runs",
                Key=key,
                UpdateExpression="SET n = :n",
                ExpressionAttributeValues={":n": {"N": "1"}},
            )
            dynamodb.get_item(TableName="runs", Key=key)
            dynamodb.delete_item(TableName="runs", Key=key)
        process.documents(at_least=5)
        [hop] = find_hops(process.store.get(process.trace_ids), run_id)
    assert count(step for outer in hop.steps for step in outer.walk()) == Counted(write_units=9 + 1 + 1, read_units=1)


def test_a_run_a_day_and_a_watch_an_hour() -> None:
    found = quantities(Scenario(title="", visits=0))
    assert found["Lambda: runs and watch, requests"] == 30 + 720
    assert found["Lambda: runs and watch"] == 30 * 2.0 * 0.5 + 720 * 2.0 * 2
    assert found["S3: writes"] == 600
    assert found["DynamoDB: ledger and rows, writes"] == (30 + 10) * 30
    assert found["DynamoDB: ledger, reads"] == 5 * 30 + 20 * 720
    assert found["Readers: API Gateway"] == 0


def test_ten_times_the_rows_are_ten_times_what_follows_the_rows_and_no_more_of_the_rest() -> None:
    once, tenfold = quantities(Scenario(title="")), quantities(Scenario(title="", rows_factor=10))
    name = "S3: snapshots, change sets, views"
    assert round(tenfold[name] / once[name], 6) == 10
    assert tenfold["DynamoDB: ledger and rows, writes"] == (30 + 100) * 30
    same = {name for name in once if once[name] == tenfold[name]}
    assert {name.split(":")[0] for name in set(once) - same} == {"S3", "DynamoDB"}
    assert {"S3: writes", "S3: reads", "CloudWatch: alarms", "Readers: API Gateway"} <= same


def test_three_datasets_in_a_stage_cost_less_than_1_2_times_one() -> None:
    one, three = (total(Scenario(title="", datasets=number), Inputs.read()) for number in (1, 3))
    assert one < three < 1.2 * one


def test_another_dataset_adds_no_alarm_and_no_dashboard() -> None:
    one, three = (
        {(it.group, it.name): it.quantity for it in items(Scenario(title="", datasets=number), INPUTS)}
        for number in (1, 3)
    )
    same = [("CloudWatch", "alarms"), ("CloudWatch", "the one light"), ("CloudWatch", "dashboard")]
    assert [one[it] for it in same] == [three[it] for it in same]
    assert three["S3", "writes"] == 3 * one["S3", "writes"]


def test_the_visitor_is_paid_for_as_often_as_it_comes_and_for_what_it_asks() -> None:
    template = load_template((ROOT / "infra" / "operations.yaml").read_text())
    assert template["Parameters"]["VisitSchedule"]["Default"] == "rate(5 minutes)"
    visitor = template["Resources"]["Visitor"]["Properties"]
    requests = re.findall(r"(?<!def )\bget\(", visitor["Code"]["ZipFile"])
    visits = 30 * 24 * 12
    costs = quantities(SCENARIOS[0])
    assert costs["Visitor: API Gateway"] == visits * len(requests)
    assert costs["Visitor: Lambda, requests"] == visits * (1 + len(requests))
    in_its_own_function = visits * 1 * visitor["MemorySize"] / 1024
    assert costs["Visitor: Lambda"] == in_its_own_function + visits * len(requests) * 0.05 * 0.5


def test_only_who_asks_for_analytics_pays_for_them() -> None:
    without, with_them = (
        {item.group for item in items(Scenario(title="", analytics=analytics), INPUTS)} for analytics in (False, True)
    )
    assert with_them - without == {"Analytics"}


def test_free_tiers_are_taken_off_once_and_never_below_nothing() -> None:
    inputs = Inputs(
        measured={}, prices={"prices": {"alarm": {"usd": 0.1}, "metric": {"usd": 0.3}}, "always_free": {"alarm": 10}}
    )
    bill = [
        CostItem(group="", name="a", quantity=8, price="alarm"),
        CostItem(group="", name="b", quantity=7, price="alarm"),
        CostItem(group="", name="c", quantity=2, price="metric"),
    ]
    assert round(inputs.usd_beyond_free(bill), 6) == round(5 * 0.1 + 2 * 0.3, 6)


def test_memory_is_what_the_configurations_say() -> None:
    configured = {
        f"{service}.{function}": function_config["lambda_memory_size"] / 1024
        for service in SERVICES
        for function, function_config in json.loads((ROOT / service / ".chalice" / "config.json").read_text())[
            "lambda_functions"
        ].items()
    }
    assert {name: configured[name] for name in BILLED_MEMORY} == BILLED_MEMORY
