"""What a stage costs a month, item by item: measured calls and bytes (`measured.json`) times prices (`prices.json`).

`python -m infra cost --write` writes `infra/docs/cost.md`; a test keeps the page in step with its inputs.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.deploying.templates import load_template
from infra.services import EXTRAS, ROOT, SERVICES
from infra.tracing.log_fields import HANDLERS, METRICS, fields_always, fields_at_all
from shared.datasets import DEFAULT, find_dataset

PAGE = ROOT / "infra" / "docs" / "cost.md"

_INPUTS = ROOT / "infra"
_DAYS = 30
_HOURS = 24 * _DAYS
_GB = 10**9
_AFTER_MONTHS = 12
"""What is kept has grown for so long."""
_START_MS = 1500
"""Added to every invocation of a run: each is the first of its process, a day apart. Billed since August 2025."""
_SLOWER = 2
"""A function of 2 GB has little more than one processor; the measured machine has two faster ones."""
_FULL_SECONDS, _CSV_SECONDS = 0.66, 0.62
"""For a million rows, by `make bench`: read, join and compare all of them; write the snapshot."""
BILLED_MEMORY = {
    "fetcher.fetch": 0.5,
    "merger.on_feed_arrived": 2,
    "api.refresh_views": 2,
    "notifier.on_run_ended": 0.25,
}
"""GB, as `.chalice/config.json` has it; a test compares."""
_AT_EVERY_LOOK = ("commit_age", "views_age", "feed_age")
"""What the watch measures from the first run on."""
_VISITS_AN_HOUR, _VISITOR_REQUESTS, _VISITOR_GB = 12, 3, 0.125
"""As infra/operations.yaml has it; a test compares."""
_VISIT_SECONDS = 1
"""Three requests one after the other, and what Python takes to begin."""
_UNPACKED = 4
"""Times the bytes of a reader: the visitor does not take packed answers."""
_LINE_BYTES = 900
"""Of one invocation in the logs."""
_QUERIES = 3
"""A day, where there are analytics."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What a cost is computed for."""

    title: str
    rows_factor: int = 1
    """So many times the rows that were measured, with as many changed of each hundred."""
    visits: int = 100
    """A day; each asks for the page and all tables once, and none is answered by CloudFront alone."""
    counted: bool = False
    """Whether visits are counted (`VisitCounter`)."""
    analytics: bool = False
    """Athena, and the stream of changes."""
    datasets: int = 1
    """So many that are as the one that was measured, each with a run a day."""


SCENARIOS = (
    Scenario(title="US feeds"),
    Scenario(title="US feeds, 100 times the readers", visits=10_000),
    Scenario(title="US feeds, 100 times the readers, counted", visits=10_000, counted=True),
    Scenario(title="10,000 times the rows", rows_factor=10_000),
    Scenario(title="US feeds with analytics", analytics=True),
    Scenario(title="three datasets of that size", datasets=3),
)


@dataclass(frozen=True, kw_only=True)
class CostItem:
    """One line of the bill."""

    group: str
    name: str
    quantity: float
    """A month, in the price's unit."""
    price: str
    """Name of the price."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What was measured, and what it costs."""

    measured: Mapping[str, Any]
    prices: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path = _INPUTS) -> "Inputs":
        measured, prices = (json.loads((folder / name).read_text()) for name in ("measured.json", "prices.json"))
        return cls(measured=measured, prices=prices)

    def usd(self, item: CostItem) -> float:
        return item.quantity * float(self.prices["prices"][item.price]["usd"])

    def usd_beyond_free(self, bill: Sequence[CostItem]) -> float:
        """US dollars of a bill, less what AWS gives every account for nothing, month by month."""
        used: defaultdict[str, float] = defaultdict(float)
        for item in bill:
            used[item.price] += item.quantity
        free: Mapping[str, float] = self.prices["always_free"]
        beyond = {price: max(quantity - free.get(price, 0), 0) for price, quantity in used.items()}
        return sum(quantity * float(self.prices["prices"][price]["usd"]) for price, quantity in beyond.items())


def items(scenario: Scenario, inputs: Inputs) -> Iterator[CostItem]:
    """Every item of the bill, in the twelfth month."""
    yield from _functions(scenario, inputs.measured)
    yield from _files(scenario, inputs.measured)
    yield from _tables(scenario, inputs.measured)
    yield from _readers(scenario, inputs.measured)
    yield from _visitor(inputs.measured)
    yield from _observation(scenario, inputs.measured)
    if scenario.analytics:
        yield from _analytics(inputs.measured)


def total(scenario: Scenario, inputs: Inputs) -> float:
    """US dollars a month."""
    return sum(inputs.usd(item) for item in items(scenario, inputs))


# --- what there is to pay for ----------------------------------------------------------------------------------------


def _functions(scenario: Scenario, measured: Mapping[str, Any]) -> Iterator[CostItem]:
    invocations, gb_seconds = 0.0, 0.0
    for name, measurement in measured["functions"].items():
        seconds = (measurement["milliseconds"] + _START_MS) / 1000 + _seconds_of_rows(name, scenario, measured)
        times = measurement["invocations"] * _DAYS * scenario.datasets
        invocations += times
        gb_seconds += times * seconds * BILLED_MEMORY[name]
    watching = measured["watch"]["milliseconds"] * scenario.datasets + _START_MS
    watch = watching / 1000 * BILLED_MEMORY["merger.on_feed_arrived"]
    yield CostItem(
        group="Lambda", name="runs and watch, requests", quantity=invocations + _HOURS, price="lambda_request"
    )
    yield CostItem(
        group="Lambda", name="runs and watch", quantity=gb_seconds + _HOURS * watch, price="lambda_gb_second"
    )


def _seconds_of_rows(name: str, scenario: Scenario, measured: Mapping[str, Any]) -> float:
    """What rows beyond those measured take in one invocation; of a run's two arrivals, one merges."""
    millions = (scenario.rows_factor - 1) * float(measured["rows"]) / 10**6
    taken = {"merger.on_feed_arrived": (_FULL_SECONDS + _CSV_SECONDS) / 2, "api.refresh_views": 4 * _CSV_SECONDS}
    return _SLOWER * millions * taken.get(name, 0)


def _files(scenario: Scenario, measured: Mapping[str, Any]) -> Iterator[CostItem]:
    run, kept = measured["run"], _kept_a_run(scenario, measured)
    raw, others = kept["raw"], sum(size for kind, size in kept.items() if kind != "raw")
    raw, others, runs = raw * scenario.datasets, others * scenario.datasets, _DAYS * scenario.datasets
    months = _AFTER_MONTHS * _DAYS
    yield CostItem(group="S3", name="writes", quantity=run["s3_writes"] * runs, price="s3_put")
    yield CostItem(group="S3", name="reads", quantity=run["s3_reads"] * runs, price="s3_get")
    yield CostItem(group="S3", name="raw files moved", quantity=2 * runs, price="s3_transition")
    yield CostItem(group="S3", name="raw files of the last month", quantity=raw * _DAYS / _GB, price="s3_standard_gb")
    yield CostItem(group="S3", name="older raw files", quantity=raw * (months - _DAYS) / _GB, price="s3_ia_gb")
    name = "snapshots, change sets, views"
    yield CostItem(group="S3", name=name, quantity=others * months / _GB, price="s3_standard_gb")


def _kept_a_run(scenario: Scenario, measured: Mapping[str, Any]) -> dict[str, float]:
    """Kind of file -> bytes. Of the raw files the rows that are used grow; the others, of other places, do not."""
    sizes = {kind: float(size) for kind, size in measured["bytes"].items()}
    used = min(sizes["raw"], measured["rows"] * _BYTES_OF_A_RAW_ROW)
    grown = {kind: size * scenario.rows_factor for kind, size in sizes.items() if kind != "raw"}
    return grown | {"raw": sizes["raw"] - used + used * scenario.rows_factor}


_BYTES_OF_A_RAW_ROW = 75
"""`2020-10-24,8642909,224819` and `2020-10-24,US,,40.0,-100.0,8571943,3406656,224889` with their line ends."""


def _tables(scenario: Scenario, measured: Mapping[str, Any]) -> Iterator[CostItem]:
    run, rows = measured["run"], measured["rows"] * scenario.rows_factor
    changed = measured["changed_rows"] * scenario.rows_factor
    stored = (rows * 150 + 365 * 3000) * scenario.datasets / _GB
    yield CostItem(
        group="DynamoDB",
        name="ledger and rows, writes",
        quantity=(run["write_units"] + changed) * _DAYS * scenario.datasets,
        price="dynamodb_write",
    )
    reads = (run["read_units"] * _DAYS + measured["watch"]["read_units"] * _HOURS) * scenario.datasets
    yield CostItem(group="DynamoDB", name="ledger, reads", quantity=reads, price="dynamodb_read")
    yield CostItem(group="DynamoDB", name="stored", quantity=stored, price="dynamodb_gb")
    yield CostItem(group="DynamoDB", name="point-in-time recovery", quantity=stored, price="dynamodb_recovery_gb")


def _readers(scenario: Scenario, measured: Mapping[str, Any]) -> Iterator[CostItem]:
    visit, visits = measured["visit"], scenario.visits * _DAYS
    requests = visits * visit["requests"]
    seconds = measured["request_milliseconds"] / 1000
    yield CostItem(group="Readers", name="CloudFront, requests", quantity=requests, price="cloudfront_request")
    gigabytes = visits * visit["bytes"] / _GB
    yield CostItem(group="Readers", name="CloudFront, bytes", quantity=gigabytes, price="cloudfront_gb")
    yield CostItem(group="Readers", name="API Gateway", quantity=requests, price="api_request")
    yield CostItem(group="Readers", name="Lambda, requests", quantity=requests, price="lambda_request")
    yield CostItem(group="Readers", name="Lambda", quantity=requests * seconds * 0.5, price="lambda_gb_second")
    if scenario.counted:  # one more request that CloudFront passes on, and one write
        yield CostItem(group="Readers", name="visits counted, requests", quantity=visits, price="api_request")
        yield CostItem(group="Readers", name="visits counted, writes", quantity=visits, price="dynamodb_write")
    yield CostItem(group="Readers", name="S3, reads", quantity=requests * 2, price="s3_get")
    mails = _DAYS * scenario.datasets
    yield CostItem(group="Readers", name="mails published", quantity=mails, price="sns_publish")
    yield CostItem(group="Readers", name="mails to ten addresses", quantity=10 * mails, price="sns_email")


def _visitor(measured: Mapping[str, Any]) -> Iterator[CostItem]:
    """Who opens the public address from outside, whether or not there are readers."""
    visits = _HOURS * _VISITS_AN_HOUR
    requests = visits * _VISITOR_REQUESTS
    gb_seconds = visits * _VISIT_SECONDS * _VISITOR_GB + requests * measured["request_milliseconds"] / 1000 * 0.5
    gigabytes = visits * measured["visit"]["bytes"] * _UNPACKED / _GB
    logged = (visits + requests) * _LINE_BYTES / _GB
    yield CostItem(group="Visitor", name="Lambda, requests", quantity=visits + requests, price="lambda_request")
    yield CostItem(group="Visitor", name="Lambda", quantity=gb_seconds, price="lambda_gb_second")
    yield CostItem(group="Visitor", name="CloudFront, requests", quantity=requests, price="cloudfront_request")
    yield CostItem(group="Visitor", name="CloudFront, bytes", quantity=gigabytes, price="cloudfront_gb")
    yield CostItem(group="Visitor", name="API Gateway", quantity=requests, price="api_request")
    yield CostItem(group="Visitor", name="S3, reads", quantity=requests * 2, price="s3_get")
    yield CostItem(group="Visitor", name="logs taken in", quantity=logged, price="log_gb")
    yield CostItem(group="Visitor", name="traces", quantity=requests, price="trace")


def _observation(scenario: Scenario, measured: Mapping[str, Any]) -> Iterator[CostItem]:
    runs = measured["log_bytes"] * scenario.datasets
    logged = (runs + 23 * 1500 + scenario.visits * measured["visit"]["requests"] * _LINE_BYTES) * _DAYS / _GB
    invoked = sum(function["invocations"] for function in measured["functions"].values()) * scenario.datasets
    traced = (invoked + 24) * _DAYS
    read = 0.05 * scenario.visits * measured["visit"]["requests"] * _DAYS
    yield CostItem(group="CloudWatch", name="alarms", quantity=_alarm_metrics(), price="alarm")
    yield CostItem(group="CloudWatch", name="the one light", quantity=1, price="composite_alarm")
    yield CostItem(group="CloudWatch", name="metrics", quantity=_metric_months(), price="metric")
    yield CostItem(group="CloudWatch", name="dashboard", quantity=1, price="dashboard")
    yield CostItem(group="CloudWatch", name="logs taken in", quantity=logged, price="log_gb")
    yield CostItem(group="CloudWatch", name="logs of 90 days", quantity=3 * logged, price="log_kept_gb")
    yield CostItem(group="X-Ray", name="traces", quantity=traced + read, price="trace")


def _analytics(measured: Mapping[str, Any]) -> Iterator[CostItem]:
    read = _QUERIES * _DAYS * 365 * measured["bytes"]["snapshots"] / 10**12
    yield CostItem(group="Analytics", name="stream of changes", quantity=_HOURS, price="kinesis_shard_hour")
    yield CostItem(group="Analytics", name="queries over a year of snapshots", quantity=read, price="athena_tb")


def _alarm_metrics() -> int:
    """Metrics that alarms look at, read off the templates; those of analytics are not counted."""
    paths = [
        *(_INPUTS / "fragments" / f"{name}.yaml" for name in SERVICES),
        _INPUTS / f"{EXTRAS['operations'].name}.yaml",
    ]
    looked_at = 0
    for path in paths:
        for resource in load_template(path.read_text())["Resources"].values():
            if resource.get("Type") == "AWS::CloudWatch::Alarm":
                metrics = resource["Properties"].get("Metrics", ())
                looked_at += sum("MetricStat" in metric for metric in metrics) or 1
    return looked_at


def _metric_months() -> float:
    """Metrics by the share of hours in which they are sent: every hour, or once a day.

    Another dataset adds none: each is measured of the stage.
    """
    known, dataset = set(METRICS), find_dataset(DEFAULT)
    hourly = {handler: len(known & fields_always(handler, dataset)) for handler in ("merger.watch", "api.serve")}
    daily = {handler: len(known & fields_at_all(handler, dataset)) for handler in HANDLERS if handler not in hourly}
    return sum(hourly.values()) + len(_AT_EVERY_LOOK) + sum(daily.values()) / 24


# --- the page --------------------------------------------------------------------------------------------------------


def page(inputs: Inputs) -> str:
    """The document, with every figure in it."""
    measured, prices = inputs.measured, inputs.prices
    bills = {scenario.title: list(items(scenario, inputs)) for scenario in SCENARIOS}
    rows = [_row(group, name, bills, inputs) for group, name in _lines(bills.values())]
    totals = " | ".join(f"**{_usd(total(scenario, inputs))}**" for scenario in SCENARIOS)
    beyond = " | ".join(f"**{_usd(inputs.usd_beyond_free(bill))}**" for bill in bills.values())
    heads = " | ".join(scenario.title for scenario in SCENARIOS)
    return _TEXT.format(
        as_of=prices["as_of"],
        region=prices["region"],
        price_source=prices["source"],
        taken=measured["taken"],
        source=measured["source"],
        rows=f"{measured['rows']:,}",
        many_rows=f"{measured['rows'] * 10_000:,}",
        changed=measured["changed_rows"],
        heads=heads,
        dashes="|".join("---:" for _ in SCENARIOS),
        lines="\n".join(rows),
        totals=totals,
        beyond=beyond,
        first=_usd(measured["rows"] * 10_000 * prices["prices"]["dynamodb_write"]["usd"]),
        alarms=_alarm_metrics(),
        metrics=f"{_metric_months():.1f}",
        used="\n".join(_price(name, inputs) for name in prices["prices"]),
    )


def _lines(bills: Sequence[Sequence[CostItem]] | Any) -> list[tuple[str, str]]:
    """(group, name) of every item, in the order of their first appearance."""
    return list(dict.fromkeys((item.group, item.name) for bill in bills for item in bill))


def _row(group: str, name: str, bills: Mapping[str, Sequence[CostItem]], inputs: Inputs) -> str:
    cells = []
    for bill in bills.values():
        found = [item for item in bill if (item.group, item.name) == (group, name)]
        cells.append(_usd(sum(inputs.usd(item) for item in found)) if found else "")
    return f"| {group} | {name} | {' | '.join(cells)} |"


def _price(name: str, inputs: Inputs) -> str:
    price, free = inputs.prices["prices"][name], inputs.prices["always_free"].get(name, 0)
    usd = f"{price['usd']:.10f}".rstrip("0").rstrip(".")
    return f"| {name.replace('_', ' ')} | {usd} | {price['per']} | {f'{free:,}' if free else ''} |"


def _usd(amount: float) -> str:
    return f"{amount:,.2f}" if amount >= 0.005 else "0.00" if amount < 0.0000005 else "< 0.01"


_TEXT = """# Cost

What a stage costs a month in US dollars, item by item, in its twelfth month: what is kept has grown for a year by then.
Computed by `python -m infra cost --write` from two inputs, and kept in step with them by a test:

- **Measured** on {taken}: {source}.
  They went through the local cloud, every AWS call of every function counted by its trace and every object by its
  size (`infra/measured.json`, made by `python -m infra measure`): {rows} rows, of which {changed} change a day in
  the mean.
- **Prices** of {as_of}, {region}: {price_source}
  (`infra/prices.json`). Taken from public pages, not asked of AWS.

| | | {heads} |
|---|---|{dashes}|
{lines}
| | **a month** | {totals} |
| | **beyond the free tiers that do not end** | {beyond} |

## How it is computed

- A **run** a day. Every invocation is taken to start a process anew (1.5 s, billed). The **watch** looks every hour.
- **Readers**: 100 visits a day, in the second column 10,000; each asks for the page and all four tables, and CloudFront
  is taken to answer none of them by itself. It does answer most: the page and the tables are the same for everyone.
- The **visitor** opens the public address every five minutes, with three requests, also where nobody else does; each of
  them is traced. `VisitSchedule` in the stage's file has it come less often.
- **Alarms**: {alarms} metrics are looked at. **Metrics**: {metrics}, by the hours in which they are sent; those of a
  run are sent in one hour of twenty-four. Another dataset adds no metric, alarm, log group or dashboard.
- **Raw files** are kept for ever (`RawExpiryDays = 0`), after a month in cheaper storage.

## Ten thousand times the rows

{many_rows} rows, in files with as many times the rows that are used, the same share of them changed a day. Writing
all of them for the first time costs {first} once. Reading, joining and comparing a million rows takes 0.66 s and
writing the snapshot 0.62 s (`make bench`), doubled for Lambda's processor; four times the latter is taken for the
views. What a run writes is what changed, so that keeping costs more than computing: a snapshot and views for every
run. Levers, in this order: `RawExpiryDays`, and fewer old views.

Readers are taken to ask for as much as before, a series or a range of dates: a whole table would be larger than
the 6 MB that Lambda answers with, and would have to be fetched from S3. A merge has to fit into its 15 minutes and
2 GB (`merger/.chalice/config.json`). Neither was tried on AWS.

## Prices used

| price | US dollars | per | free every month |
|---|---:|---|---:|
{used}
"""


def main(arguments: list[str]) -> int:
    """What a stage costs a month, by scenario; --write brings the page up to date."""
    parser = argparse.ArgumentParser(prog="python -m infra cost", description=main.__doc__)
    parser.add_argument("--write", action="store_true", help="write infra/docs/cost.md")
    inputs = Inputs.read()
    if parser.parse_args(arguments).write:
        PAGE.write_text(page(inputs))
    for scenario in SCENARIOS:
        print(f"{_usd(total(scenario, inputs)):>12}  {scenario.title}")
    return 0
