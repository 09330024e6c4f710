"""CloudWatch's alarms by the rules of its documentation, computed from data points: no cloud, no waiting."""

import ast
import bisect
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

type Points = Mapping[str, Sequence[tuple[float, float]]]
"""Metric -> (second, value), in order of time."""

_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
}


@dataclass
class Alarm:
    """One alarm of a template, with its parameters put in, and the state it is in."""

    name: str
    properties: Mapping[str, Any]
    parameters: Mapping[str, float]
    state: str = "INSUFFICIENT_DATA"
    history: list[tuple[float, str]] = field(default_factory=list)
    """(second, state) of each change."""

    @property
    def period(self) -> int:
        return int(self.properties.get("Period") or self._stats()[0]["Period"])

    def look(self, now: float, points: Points) -> None:
        """Evaluate the alarm at the end of a period."""
        count = self.properties["EvaluationPeriods"]
        values = [self._value(now - (back + 1) * self.period, points) for back in range(count)]
        state = self._judge(values)
        if state != self.state:
            self.state = state
            self.history.append((now, state))

    def _judge(self, values: Sequence[float | None]) -> str:
        treatment = self.properties.get("TreatMissingData", "missing")
        there = [value for value in values if value is not None]
        if not there and treatment in ("ignore", "missing"):
            return self.state if treatment == "ignore" else "INSUFFICIENT_DATA"
        breaching = [
            self._breaches(value) if value is not None else treatment == "breaching"
            for value in (values if treatment in ("breaching", "notBreaching") else there)
        ]
        return "ALARM" if all(breaching) else "OK"

    def _breaches(self, value: float) -> bool:
        threshold = self.properties["Threshold"]
        limit = self.parameters[threshold["Ref"]] if isinstance(threshold, Mapping) else float(threshold)
        return _COMPARE[self.properties["ComparisonOperator"]](value, limit)

    def _stats(self) -> list[Mapping[str, Any]]:
        return [it["MetricStat"] for it in self.properties["Metrics"] if "MetricStat" in it]

    def _value(self, since: float, points: Points) -> float | None:
        """Of the period that begins then; None where a metric that is needed has no data."""
        upto = since + self.period
        if "MetricName" in self.properties:
            stat = self.properties.get("Statistic") or self.properties["ExtendedStatistic"]
            return aggregate(points.get(_key(self.properties), ()), since, upto, stat)
        named: dict[str, float | None] = {
            it["Id"]: aggregate(points.get(_key(it["MetricStat"]["Metric"]), ()), since, upto, it["MetricStat"]["Stat"])
            for it in self.properties["Metrics"]
            if "MetricStat" in it
        }
        if any(value is None for value in named.values()):
            return None
        [expression] = [it["Expression"] for it in self.properties["Metrics"] if "Expression" in it]
        text = expression["Fn::Sub"] if isinstance(expression, Mapping) else expression
        for name, value in self.parameters.items():
            text = text.replace(f"${{{name}}}", str(value))
        return calculate(text, {name: value for name, value in named.items() if value is not None})


def _key(metric: Mapping[str, Any]) -> str:
    """`namespace metric function-or-handler`."""
    names = {it["Name"]: it["Value"] for it in metric.get("Dimensions", ())}
    who = names.get("handler") or names.get("FunctionName") or ""
    who = who.get("Fn::Sub") or who.get("Ref") if isinstance(who, Mapping) else who
    return f"{metric['Namespace']} {metric['MetricName']} {who}".strip()


def aggregate(points: Sequence[tuple[float, float]], since: float, upto: float, stat: str) -> float | None:
    """The statistic of the points of a period."""
    first = bisect.bisect_left(points, since, key=_at)
    values = sorted(value for _, value in points[first : bisect.bisect_left(points, upto, key=_at)])
    if not values:
        return None
    if stat.startswith("p"):
        return values[min(math.ceil(len(values) * float(stat[1:]) / 100), len(values)) - 1]
    return {"Sum": sum(values), "Maximum": values[-1], "Minimum": values[0]}[stat]


def calculate(expression: str, values: Mapping[str, float]) -> float:
    """Metric math, as far as the templates use it: arithmetic, comparison, IF and MAX."""

    def value(node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=number):
                return number
            case ast.Name(id=name):
                return values[name]
            case ast.List(elts=items):
                return [value(it) for it in items]
            case ast.BinOp(left=left, op=operator, right=right):
                return _arithmetic(operator, value(left), value(right))
            case ast.Compare(left=left, ops=[ast.GtE()], comparators=[right]):
                return value(left) >= value(right)
            case ast.Call(func=ast.Name(id="IF"), args=[test, then, other]):
                return value(then) if value(test) else value(other)
            case ast.Call(func=ast.Name(id="MAX"), args=[items]):
                return max(value(items))
        raise ValueError(f"{expression}: {ast.dump(node)} is not known here")

    return float(value(ast.parse(expression, mode="eval").body))


def _arithmetic(operator: ast.operator, left: float, right: float) -> float:
    match operator:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.Div():
            return left / right
    raise ValueError(f"{type(operator).__name__} is not known here")


def run(alarms: Sequence[Alarm], points: Points, *, days: float) -> None:
    """Let the time pass: every alarm is looked at at the end of each of its periods."""
    for now, alarm in sorted(_looks(alarms, days * 86400), key=lambda it: it[0]):
        alarm.look(now, points)


def _looks(alarms: Sequence[Alarm], seconds: float) -> Iterator[tuple[float, Alarm]]:
    for alarm in alarms:
        for number in range(1, int(seconds // alarm.period) + 1):
            yield number * alarm.period, alarm


def _at(point: tuple[float, float]) -> float:
    return point[0]
