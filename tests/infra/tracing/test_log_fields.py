"""Alarms, the dashboard and saved queries name declared fields of handlers that log them."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from infra.deploying.templates import load_template
from infra.services import SERVICES
from infra.tracing.log_fields import DIMENSIONS, HANDLERS, METRICS, NAMESPACE, field_names, fields_at_all
from tests.shared.declared import US_COVID

INFRA = Path(__file__).parents[3] / "infra"
TEMPLATES = sorted([*INFRA.glob("*.yaml"), *INFRA.glob("fragments/*.yaml")])

_WORDS = frozenset({"filter", "fields", "sort", "stats", "by", "as", "and", "or", "like", "asc", "desc"}) | {
    "count",
    "sum",
    "pct",
    "max",
    "ispresent",
}


def resources(kind: str) -> list[tuple[str, Mapping[str, Any]]]:
    """(name, properties) of every resource of a kind, in all templates."""
    return [
        (f"{path.stem}.{name}", resource["Properties"])
        for path in TEMPLATES
        for name, resource in load_template(path.read_text()).get("Resources", {}).items()
        if isinstance(resource, dict) and resource.get("Type") == kind
    ]


def alarmed() -> Iterator[tuple[str, str, str]]:
    """(alarm, metric, `service.handler`) of ours."""
    for name, properties in resources("AWS::CloudWatch::Alarm"):
        stats = [each["MetricStat"]["Metric"] for each in properties.get("Metrics", []) if "MetricStat" in each]
        for metric in [properties, *stats]:
            if metric.get("Namespace") == NAMESPACE:
                dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
                assert tuple(dimensions) == DIMENSIONS, name
                yield name, metric["MetricName"], f"{dimensions['service']}.{dimensions['handler']}"


def drawn() -> Iterator[tuple[str, str, str]]:
    """(widget, metric, `service.handler`) of ours."""
    for _, properties in resources("AWS::CloudWatch::Dashboard"):
        body = json.loads(re.sub(r"\$\{[^}]+\}", "1", properties["DashboardBody"]["Fn::Sub"]))
        for widget in body["widgets"]:
            options = widget["properties"]
            for namespace, metric, *dimensions in _written_out(options.get("metrics", [])):
                if namespace == NAMESPACE:
                    assert tuple(dimensions[::2]) == DIMENSIONS, options["title"]
                    yield options["title"], metric, ".".join(dimensions[3::2])


def _written_out(metrics: Sequence[Sequence[Any]]) -> Iterator[list[str]]:
    """A widget's metrics without CloudWatch's abbreviations: `.` is as above, `...` is all as above."""
    before: list[str] = []
    for metric in metrics:
        names = [each for each in metric if isinstance(each, str)]
        if not names:
            continue
        own = names[names.index("...") + 1 :] if "..." in names else names
        kept = before[: len(before) - len(own)] if "..." in names else []
        before = [*kept, *(before[len(kept) + n] if each == "." else each for n, each in enumerate(own))]
        yield before


LOOKED_AT = [*alarmed(), *drawn()]


@pytest.mark.parametrize(("where", "metric", "handler"), LOOKED_AT, ids=lambda each: str(each))
def test_a_metric_that_is_looked_at_is_written_by_that_handler(where: str, metric: str, handler: str) -> None:
    assert handler in HANDLERS
    assert metric in METRICS
    assert metric in fields_at_all(handler, US_COVID)


def test_the_dashboard_draws_what_the_operator_is_to_see() -> None:
    shown = {metric for _, metric, _ in drawn()}
    wanted = {"rows_added", "rows_changed", "rows_removed", "rows_rejected", "mails_sent", "views_age"}
    wanted |= {"bytes_fetched", "feeds_failed", "feed_age", "good_run_age", "open_age"}
    assert wanted | {"duration", "merge_duration"} <= shown


def test_abbreviations_are_written_out() -> None:
    metrics: list[list[Any]] = [
        ["N", "a", "stage", "x"],
        [{"expression": "1"}],
        [".", "b", ".", ".", {"id": "b"}],
        ["...", "y"],
    ]
    assert list(_written_out(metrics)) == [["N", "a", "stage", "x"], ["N", "b", "stage", "x"], ["N", "b", "stage", "y"]]


def queries() -> list[tuple[str, str, list[str]]]:
    """(name, query, log groups)"""
    return [
        (
            properties["Name"]["Fn::Sub"],
            properties["QueryString"],
            [each["Fn::Sub"] for each in properties["LogGroupNames"]],
        )
        for _, properties in resources("AWS::Logs::QueryDefinition")
    ]


@pytest.mark.parametrize(("name", "query", "groups"), queries(), ids=lambda each: str(each)[:60])
def test_a_saved_query_asks_for_declared_fields_of_groups_that_there_are(
    name: str, query: str, groups: list[str]
) -> None:
    there = {
        f"/aws/lambda/{service.function_name(function, stage='${Stage}')}": f"{service.name}.{function}"
        for service in SERVICES.values()
        for function in service.functions
    }
    assert set(groups) <= there.keys()
    handlers = [there[group].replace("api_handler", "serve") for group in groups]
    written = {field for handler in handlers for field in fields_at_all(handler, US_COVID)}
    assert _fields_of(query) <= written, name


def _fields_of(query: str) -> set[str]:
    """The fields that a query names: what is neither text, comment, keyword nor a name that it gives itself."""
    bare = re.sub(r"#.*|\"[^\"]*\"|/[^/\n]*/", " ", query)
    given = set(re.findall(r"\bas\s+(\w+)", bare))
    return {word for word in re.findall(r"[@A-Za-z_]\w*", bare) if not word.startswith("@")} - given - _WORDS


def test_there_is_a_query_for_each_question() -> None:
    saved = {name.partition("/")[2] for name, _, _ in queries()}
    assert {
        "what failed",
        "one run through all services",
        "what runs changed",
        "what feeds brought",
        "what was mailed",
        "what is slow",
        "what the watch did",
        "what was rendered",
        "what readers got",
    } <= saved


def test_fields_and_metrics_are_declared_once_each() -> None:
    declared = [*field_names(US_COVID), *METRICS]
    assert len(declared) == len(set(declared))
    possible = {field for handler in HANDLERS for field in fields_at_all(handler, US_COVID)}
    assert possible == set(declared)
