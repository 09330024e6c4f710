"""The watch over several datasets: what is measured is the worst of all, as if each had a run a day."""

import datetime as dt

import pytest

from chalicelib.runs.watching import Watched
from chalicelib.runs.watching_all import as_if_daily, combined

NOW = dt.datetime(2020, 10, 27, 18, tzinfo=dt.UTC)
"""A Tuesday."""


def hours(number: float) -> dt.timedelta:
    return dt.timedelta(hours=number)


def test_a_dataset_of_wednesdays_and_fridays_is_no_older_on_a_tuesday_than_a_daily_one() -> None:
    friday = Watched(good_run_age=hours(4 * 24 + 1))
    assert as_if_daily(friday, NOW, schedule="cron(0 17 ? * WED,FRI *)").good_run_age == hours(1)
    missed = as_if_daily(Watched(good_run_age=hours(5 * 24 + 7)), NOW + hours(30), schedule="cron(0 17 ? * WED,FRI *)")
    assert missed.good_run_age == hours(24 + 7)


@pytest.mark.parametrize("schedule", ["cron(0 17 * * ? *)", "rate(1 day)", "rate(6 hours)", "cron(0 17 L * ? *)"])
def test_the_age_of_a_daily_one_and_of_one_that_is_not_understood_stays_as_it_is(schedule: str) -> None:
    assert as_if_daily(Watched(good_run_age=hours(25)), NOW, schedule=schedule).good_run_age == hours(25)


def test_the_longest_ages_count_and_the_views_that_lag_most() -> None:
    fresh_but_not_served = Watched(commit_age=hours(1), views_age=hours(25), good_run_age=hours(1), open_age=hours(0))
    old_and_served = Watched(commit_age=hours(100), views_age=hours(100), good_run_age=hours(2), open_age=hours(7))
    together = combined([fresh_but_not_served, old_and_served])
    assert (together.commit_age, together.views_age) == (hours(100), hours(124))
    assert (together.good_run_age, together.open_age, together.feed_age) == (hours(2), hours(7), None)
    seen = [Watched(feed_age=hours(30)), Watched(), Watched(feed_age=hours(50))]
    assert combined(seen).feed_age == hours(50)


def test_before_the_first_commit_there_is_no_age_of_one() -> None:
    assert (combined([Watched()]).commit_age, combined([Watched()]).views_age) == (None, None)
