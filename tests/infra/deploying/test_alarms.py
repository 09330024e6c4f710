"""Forty days of a stage, hour by hour, well and ill: which alarms ring, when, and whether they stop too soon."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from infra.deploying.templates import load_template
from infra.services import ROOT
from tests.infra.deploying.alarm_clock import Alarm, aggregate, calculate, run

DAYS, DAY, HOUR, QUARTER = 40, 86400, 3600, 900
HORIZON = 30 * DAY
"""How far the watch looks back (test_watching.py shows what it measures then)."""

OPERATIONS = load_template((ROOT / "infra" / "operations.yaml").read_text())
PARAMETERS = {
    name: float(it["Default"]) for name, it in OPERATIONS["Parameters"].items() if it.get("Type") == "Number"
} | {"UnchangedDays": 3}

type When = Callable[[float], bool]
"""Whether something holds at a second since the beginning."""


@dataclass(frozen=True, kw_only=True)
class Life:
    """What happens to a stage. It runs at 17:00, is watched hourly and visited every five minutes."""

    commits: When = lambda at: at < DAY  # a run that finds something new
    runs: When = lambda at: True  # the schedule fires and the run ends well
    watches: When = lambda at: True
    status: Callable[[float], int] = lambda at: 200  # what a reader is answered
    renders: When = lambda at: True

    def points(self) -> dict[str, list[tuple[float, float]]]:
        """What CloudWatch has of it."""
        found = defaultdict[str, list[tuple[float, float]]](list)
        good = commit = views = 0.0  # a first load, at the beginning
        for hour in range(DAYS * 24):
            at = hour * HOUR
            if hour % 24 == 17 and self.runs(at):
                good = at
                commit = at if self.commits(at) else commit
                views = commit if self.renders(at) else views
            if self.watches(at):
                found["AWS/Lambda Invocations covid-stats-merger-${Stage}-watch"].append((at, 1))
                found["covid-stats good_run_age watch"].append((at, min(at - good, HORIZON)))
                found["covid-stats commit_age watch"].append((at, at - commit))
                found["covid-stats views_age watch"].append((at, at - views))
                found["covid-stats feed_age watch"].append((at, at - commit))
                found["covid-stats open_age watch"].append((at, 0))
            for visit in range(12):
                self._visit(at + visit * 300, found)
        return found

    def _visit(self, at: float, found: dict[str, list[tuple[float, float]]]) -> None:
        status = self.status(at)
        found["AWS/Lambda Invocations Visitor"].append((at, 1))
        found["AWS/Lambda Errors Visitor"].append((at, float(status != 200)))
        for _ in range(3 if status == 200 else 1):  # a visit ends with its first bad answer
            found["AWS/ApiGateway Count"].append((at, 1))
            found["AWS/ApiGateway 5XXError"].append((at, float(status >= 500)))
            found["AWS/ApiGateway 4XXError"].append((at, float(400 <= status < 500)))
            found["AWS/ApiGateway Latency"].append((at, 40))


def rung(life: Life) -> dict[str, list[tuple[float, str]]]:
    """Alarm -> (day, state) of each change, without the first OK; alarms that never rang are left out."""
    alarms = [
        Alarm(
            name=it["Properties"]["AlarmName"]["Fn::Sub"].split("/")[1],
            properties=it["Properties"],
            parameters=PARAMETERS,
        )
        for it in OPERATIONS["Resources"].values()
        if it["Type"] == "AWS::CloudWatch::Alarm"
    ]
    run(alarms, life.points(), days=DAYS)
    reported = {it.name: [(round(at / DAY, 2), state) for at, state in it.history] for it in alarms}
    return {name: changes for name, changes in reported.items() if any(state == "ALARM" for _, state in changes)}


def test_forty_days_of_news_ring_nothing() -> None:
    assert rung(Life(commits=lambda _: True)) == {}


def test_a_dataset_at_rest_rings_nothing_but_that_its_feeds_stand_still() -> None:
    """Which `UnchangedDays = 0` takes away."""
    assert set(rung(Life())) == {"feed-unchanged"}


def test_a_chain_that_broke_rings_after_two_days_and_to_the_end() -> None:
    broken = rung(Life(commits=lambda _: True, runs=lambda at: at < 3 * DAY))
    [(day, state)] = [change for change in broken["no-good-run"] if change[1] != "INSUFFICIENT_DATA"][1:]
    assert state == "ALARM" and 4 < day < 5


def test_a_stage_that_is_dead_altogether_rings_at_once_and_nothing_says_that_it_is_well_again() -> None:
    dead = rung(Life(commits=lambda _: True, runs=lambda at: at < 3 * DAY, watches=lambda at: at < 3 * DAY))
    assert [change for change in dead["watch-silent"] if change[0] > 2] == [(3.12, "ALARM")]
    assert all(changes[-1][1] == "ALARM" for changes in dead.values())


def test_an_alarm_that_rings_when_the_watch_falls_silent_goes_on_ringing() -> None:
    """The mail that all is well again is sent when it is, not when nobody measures any more."""
    ill = rung(Life(commits=lambda _: True, runs=lambda at: at < 3 * DAY, watches=lambda at: at < 8 * DAY))
    assert ill["no-good-run"][-1][1] == "ALARM"


def test_views_that_are_not_rendered_ring_after_hours() -> None:
    lagging = rung(Life(commits=lambda _: True, renders=lambda at: at < 5 * DAY))
    assert lagging["views-lag"][-1] == (5.79, "ALARM")


@pytest.mark.parametrize(
    ("status", "expected"),
    [(502, {"api-failing", "visit-failed"}), (403, {"visit-failed"})],
    ids=["an outage", "a secret that is not shared"],
)
def test_what_readers_do_not_get_rings_at_the_traffic_of_a_small_stage(status: int, expected: set[str]) -> None:
    """Beside the visitor nobody asks at all: some thirty requests an hour, and each alarm rings within the hour."""
    began, ended = 10 * DAY, 10 * DAY + 6 * HOUR
    ill = rung(Life(commits=lambda _: True, status=lambda at: status if began <= at < ended else 200))
    assert set(ill) == expected
    for name in expected:
        rang, over = ill[name][-2:]
        assert rang[1] == "ALARM" and 0 <= rang[0] * DAY - began <= HOUR
        assert over[1] == "OK" and 0 <= over[0] * DAY - ended <= HOUR


def test_a_storm_of_refusals_rings_by_itself_where_there_are_readers() -> None:
    alarm = OPERATIONS["Resources"]["ApiRefusing"]["Properties"]
    storm = [(float(at), 1.0) for at in range(0, QUARTER, 60)]
    made = Alarm(name="api-refusing", properties=alarm, parameters={})
    made.look(QUARTER, {"AWS/ApiGateway Count": storm, "AWS/ApiGateway 4XXError": storm})
    assert made.state == "ALARM"


def test_one_bad_answer_rings_nobody() -> None:
    moment = 10 * DAY
    assert rung(Life(commits=lambda _: True, status=lambda at: 502 if at == moment else 200)) == {}


def test_statistics_and_metric_math_are_cloudwatchs() -> None:
    points = [(at, float(at)) for at in range(10)]
    assert [aggregate(points, 0, 10, stat) for stat in ("Sum", "Maximum", "p90")] == [45, 9, 8]
    assert aggregate(points, 20, 30, "Sum") is None
    assert calculate("IF(failed >= 3, 100 * failed / requests, 0)", {"failed": 3, "requests": 4}) == 75
    assert calculate("IF(failed >= 3, 100 * failed / requests, 0)", {"failed": 0, "requests": 0}) == 0
    assert calculate("MAX([nyt, jhu]) / 86400", {"nyt": 86400, "jhu": 1}) == 1


def test_missing_data_are_treated_as_declared() -> None:
    def alarm(treatment: str, state: str) -> str:
        properties: dict[str, Any] = {
            "Namespace": "N", "MetricName": "m", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1,
            "Threshold": 0, "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": treatment,
        }  # fmt: skip
        made = Alarm(name="it", properties=properties, parameters={}, state=state)
        made.look(60, {})
        return made.state

    assert [alarm("breaching", "OK"), alarm("notBreaching", "ALARM")] == ["ALARM", "OK"]
    assert [alarm("ignore", "OK"), alarm("ignore", "ALARM"), alarm("missing", "ALARM")] == [
        "OK",
        "ALARM",
        "INSUFFICIENT_DATA",
    ]
