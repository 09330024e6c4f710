"""The cost page is what its inputs give, and the inputs are what the templates and configurations say."""

import json

from infra.cost.cost import BILLED_MEMORY, PAGE, SCENARIOS, Inputs, Item, Scenario, items, page, total
from infra.cost.measure import Counted, count
from infra.deploying.templates import load_template
from infra.services import ROOT, SERVICES
from infra.tracing.hops import Step

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


def step(name: str, size: int = 0) -> Step:
    return Step(name=name, began=0, ended=1, said={"bytes": size} if size else {})


def test_the_page_is_in_step_with_what_was_measured_and_what_it_costs() -> None:
    assert page(Inputs.read()) == PAGE.read_text(), "python -m infra cost --write brings it up to date"


def test_a_stage_of_the_us_feeds_stays_within_the_budget_that_is_set_by_default() -> None:
    template = load_template((ROOT / "infra" / "operations.yaml").read_text())
    assert total(SCENARIOS[0], Inputs.read()) < template["Parameters"]["MonthlyBudget"]["Default"]


def test_calls_are_counted_by_what_they_are_charged_as() -> None:
    steps = [
        step("S3 PutObject", 9_000_000),
        step("S3 ListObjectsV2"),
        step("S3 GetObject", 5),
        step("S3 HeadObject"),
        step("DynamoDB PutItem", 1024),
        step("DynamoDB UpdateItem", 1025),
        step("DynamoDB TransactWriteItems", 3000),
        step("DynamoDB Query", 8200),
        step("DynamoDB GetItem"),
        step("DynamoDB BatchWriteItem", 500),
        step("merge"),
    ]
    assert count(steps) == Counted(s3_writes=2, s3_reads=2, write_units=1 + 2 + 2 * 3, read_units=3 + 1)


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


def test_only_who_asks_for_analytics_pays_for_them() -> None:
    without, with_them = (
        {item.group for item in items(Scenario(title="", analytics=asked), INPUTS)} for asked in (False, True)
    )
    assert with_them - without == {"Analytics"}


def test_free_tiers_are_taken_off_once_and_never_below_nothing() -> None:
    inputs = Inputs(
        measured={}, prices={"prices": {"alarm": {"usd": 0.1}, "metric": {"usd": 0.3}}, "always_free": {"alarm": 10}}
    )
    bill = [
        Item(group="", name="a", quantity=8, price="alarm"),
        Item(group="", name="b", quantity=7, price="alarm"),
        Item(group="", name="c", quantity=2, price="metric"),
    ]
    assert round(inputs.usd_beyond_free(bill), 6) == round(5 * 0.1 + 2 * 0.3, 6)


def test_memory_is_what_the_configurations_say() -> None:
    configured = {
        f"{service}.{function}": said["lambda_memory_size"] / 1024
        for service in SERVICES
        for function, said in json.loads((ROOT / service / ".chalice" / "config.json").read_text())[
            "lambda_functions"
        ].items()
    }
    assert {name: configured[name] for name in BILLED_MEMORY} == BILLED_MEMORY
