"""The lines of two states compared."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chalicelib.vintage_pages.two_states import two_lines
from shared.dataset import Kind, Period
from tests.shared.declared import US_COVID

CASES = US_COVID.measures[0]


def line(values: Mapping[str, int | None], *, kind: Kind = Kind.TOTAL, period: Period = Period.DAY) -> dict[str, Any]:
    state = {date: (value, None, None) for date, value in values.items()}
    measure = replace(CASES, kind=kind)
    dataset = replace(US_COVID, period=period, measures=(measure, *US_COVID.measures[1:]))
    [found, _] = two_lines({"one": state, "other": {}}, dataset, measure)["data"]
    return dict(zip(found["x"], found["y"], strict=True))


def test_what_was_added_over_a_gap_is_its_mean_a_day_and_the_line_breaks() -> None:
    days = {f"2020-10-{day:02}": 10 * day for day in range(1, 13)} | {"2020-10-15": 180, "2020-10-16": None}
    assert line({**days, "2020-10-17": 200}) == {
        "2020-10-01": None,
        **{f"2020-10-{day:02}": 10 for day in range(2, 13)},
        "2020-10-13": None,
        "2020-10-15": 20,
        "2020-10-16": None,
        "2020-10-17": 10,
    }


def test_what_is_no_total_breaks_too() -> None:
    days = {f"2020-10-{day:02}": 10 for day in range(1, 13)}
    assert line({**days, "2020-10-15": 7}, kind=Kind.COUNT) == {**days, "2020-10-13": None, "2020-10-15": 7}


def test_weeks_and_months_that_follow_one_another_have_no_gap_between_them() -> None:
    weeks = {"2020-10-04": 10, "2020-10-11": 20, "2020-10-25": 50}
    assert line(weeks, period=Period.WEEK) == {
        "2020-10-04": None,
        "2020-10-11": 10,
        "2020-10-12": None,
        "2020-10-25": 15,
    }
    months = {"2020-02-01": 10, "2020-03-01": 20, "2020-04-01": 30, "2020-05-01": 45}
    assert line(months, period=Period.MONTH) == {
        "2020-02-01": None,
        "2020-03-01": 10,
        "2020-04-01": 10,
        "2020-05-01": 15,
    }
