"""How final values are: figures worked out by hand, and words only where there is evidence."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import pytest

from chalicelib.vintages.completeness import describe, find_horizon, quantile
from chalicelib.vintages.newest_outlook import newest
from chalicelib.vintages.outlook import outlook
from chalicelib.vintages.value_paths import Path, value_paths
from chalicelib.vintages.version_table import Version
from shared.dataset import ONE_SERIES, Period
from shared.outlook_words import Outlook, in_words
from tests.api.committing import Committer
from tests.api.serving import ApiApp
from tests.shared.declared import US_COVID

CASES = US_COVID.measures[0]


def day(number: int) -> str:
    return str(dt.date(2020, 3, 1) + dt.timedelta(days=number))


def path(number: int, steps: Sequence[tuple[int, float | None]], *, first: int | None = 1, until: int = 99) -> Path:
    lags, values = zip(*steps, strict=True)
    return Path(
        series="all",
        date=day(number),
        first_lag=first,
        since_lag=-number,
        until_lag=until,
        lags=lags,
        values=values,
    )


def test_a_path_has_the_values_of_a_date_by_lag_and_none_before_the_first_run_or_after_the_last() -> None:
    it = path(0, [(1, 80), (3, 100)], until=5)
    assert [it.at(lag) for lag in (-1, 0, 1, 2, 3, 5, 6)] == [None, None, 80, 80, 100, 100, None]


def version(number: int, cases: int | None, known: int, until: int = 0) -> Version:
    end = f"{day(until)}T17:00:00Z" if until else ""
    start = f"{day(known)}T17:00:00Z"
    return Version(ONE_SERIES, day(number), (cases, 0, None), start, start, end, end)


def test_of_a_total_a_path_is_what_the_date_added_in_each_state() -> None:
    versions = [version(0, 100, 1, 3), version(0, 110, 3), version(1, 150, 2, 5), version(1, 170, 5)]
    [found] = value_paths(versions, US_COVID, CASES, last_run=f"{day(6)}T17:00:00Z")
    assert (found.date, found.first_lag, found.since_lag, found.until_lag) == (day(1), 1, 0, 5)
    assert (found.lags, found.values) == ((0, 1, 2, 4), (None, 50, 40, 60))


def test_a_number_that_stands_for_several_days_is_not_taken_for_one_days() -> None:
    """The third date has three days' growth until the one before it is reported; the fifth for ever."""
    versions = [
        *(version(0, 100, 1), version(1, None, 3, 5), version(1, 180, 5)),
        *(version(2, 300, 3), version(5, 900, 6), version(6, 1000, 7)),
    ]
    found = value_paths(versions, US_COVID, CASES, last_run=f"{day(8)}T17:00:00Z")
    assert [(it.date, it.first_lag, it.lags, it.values, it.reported) for it in found] == [
        (day(1), 4, (0, 4), (None, 80), True),
        (day(2), 3, (1, 3), (None, 120), True),
        (day(5), None, (1,), (None,), True),
        (day(6), 1, (0, 1), (None, 100), True),
    ]


def test_a_month_follows_the_month_before_whatever_its_days_are() -> None:
    monthly = replace(US_COVID, period=Period.MONTH)
    ends = {"2020-01-31": 10, "2020-02-01": 30, "2020-03-31": 60, "2020-05-31": 100}
    start = "2020-06-01T17:00:00Z"
    versions = [Version(ONE_SERIES, date, (total, 0, None), start, start) for date, total in ends.items()]
    found = value_paths(versions, monthly, CASES, last_run=start)
    assert [(it.date, it.values) for it in found] == [
        ("2020-02-01", (20,)),
        ("2020-03-31", (30,)),
        ("2020-05-31", (None,)),
    ]


def test_of_a_newest_number_that_stands_for_several_days_nothing_is_said() -> None:
    versions = [version(n, 100 * n + 100, n + 1) for n in range(60)] + [version(62, 9000, 63)]
    found = value_paths(versions, US_COVID, CASES, last_run=f"{day(63)}T17:00:00Z")
    nothing = {"outlook": None, "words": None}
    assert newest(found, Period.DAY) == {"date": day(62), "value": None, "lag": 1, "first_report": False} | nothing
    assert (of_one_day := newest(found[:-1], Period.DAY)) is not None and of_one_day["value"] == 100.0
    assert of_one_day["words"] == "first report; after a week 100 % of such days stood as they were (52 days)"


def test_the_horizon_is_where_values_stay_for_as_long_again() -> None:
    settled = [path(n, [(1, 90), (6, 100)]) for n in range(20)]
    assert (found := find_horizon(settled)) is not None and (found.days, found.settled) == (7, True)
    late = [path(n, [(1, 90), (12, 100)]) for n in range(20)]
    assert (found := find_horizon(late)) is not None and (found.days, found.settled) == (14, True)
    never = [path(n, [(lag, 100.0 * lag) for lag in range(1, 60)], until=60) for n in range(20)]
    assert (found := find_horizon(never)) is not None and (found.days, found.settled) == (56, False)
    assert find_horizon(settled[:19]) is None


def test_the_figures_are_those_worked_out_by_hand() -> None:
    paths = [path(n, [(1, 50 + n), (3, 98), (5, 100)]) for n in range(20)]
    found = describe(paths, period=Period.DAY)
    assert (found["horizon_days"], found["settled"], found["dates"]) == (7, True, 20)
    first = {"lag": 1, "median": 0.595, "low": 0.519, "high": 0.671, "dates": 20, "reported": 1.0}
    third = {"lag": 3, "median": 0.98, "low": 0.98, "high": 0.98, "dates": 20, "reported": 1.0}
    assert [row for row in found["by_lag"] if row["lag"] in (0, 1, 3)] == [first, third]
    assert found["days_until_within_1_percent"] == {"median": 5, "of_80_percent": 5, "dates": 20}
    assert found["days_until_within_5_percent"] == {"median": 3, "of_80_percent": 3, "dates": 20}
    ages = [(row["from_day"], row["to_day"], row["revisions"], row["dates"]) for row in found["by_age"]]
    assert ages == [(0, 6, 40, 20), (7, 13, 0, 20), (14, 27, 0, 20), (28, 55, 0, 20), (56, None, 0, 20)]
    monday = found["by_weekday"][0]
    assert (monday["weekday"], monday["revised"], monday["dates"]) == ("Monday", 1.0, 3)


def test_a_quantile_lies_between_the_two_nearest() -> None:
    assert [quantile([1.0, 2.0, 4.0], share) for share in (0, 0.25, 0.5, 1)] == [1.0, 1.5, 2.0, 4.0]


def test_the_outlook_is_the_shortest_band_that_holds_80_percent_of_values_followed_from_the_same_lag() -> None:
    paths = [path(n, [(1, 100), (5, 101 + n % 10)]) for n in range(40)]
    assert outlook(paths, lag=1, ahead=7) == Outlook(lag=1, ahead=7, low=1.01, high=1.09, unchanged=0, count=40)
    assert outlook(paths[:29], lag=1, ahead=7) is None
    assert outlook(paths, lag=1, ahead=7, on_day=dt.date.fromisoformat(day(28)).toordinal() + 8) is None
    assert outlook([path(n, [(1, 100)], first=None) for n in range(40)], lag=1, ahead=7) is None


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (1.02, 1.06, "stood 2 to 6 % higher (80 % of 143 days)"),
        (0.94, 0.98, "stood 2 to 6 % lower (80 % of 143 days)"),
        (0.99, 1.125, "stood between 1 % lower and 12 % higher (80 % of 143 days)"),
        (1.031, 1.031, "stood 3.1 % higher (80 % of 143 days)"),
    ],
)
def test_the_band_in_words(low: float, high: float, words: str) -> None:
    found = Outlook(lag=1, ahead=7, low=low, high=high, unchanged=0.1, count=143)
    assert in_words(found, is_first=True, period=Period.DAY) == f"first report; after a week such days {words}"


def test_where_most_stay_as_they_are_that_is_said() -> None:
    found = Outlook(lag=3, ahead=14, low=1, high=1, unchanged=0.92, count=50)
    expected = "known 3 days after its date; after two weeks 92 % of such weeks stood as they were (50 weeks)"
    assert in_words(found, is_first=False, period=Period.WEEK) == expected


def test_the_answer_tells_of_each_measure_and_says_nothing_without_evidence(api: ApiApp, committer: Committer) -> None:
    for number in range(1, 6):
        rows = {(ONE_SERIES, day(n)): [100 * n + min(number - n, 3), n, None] for n in range(number)}
        api.refresh(committer.commit(f"{day(number)}T17:00:00Z", rows))
    found = api.get("/revisions").json
    assert [(it["measure"], it["values"], it["horizon_days"]) for it in found] == [
        ("cases", "increments", None),
        ("deaths", "increments", None),
        ("recoveries", "increments", None),
    ]
    newest = {"date": day(4), "value": 99.0, "lag": 1, "first_report": True, "outlook": None, "words": None}
    assert [it["newest"] for it in found] == [newest, newest | {"value": 1.0}, None]
    assert [it["measure"] for it in api.get("/revisions?measure=deaths").json] == ["deaths"]
    assert api.get("/revisions?measure=beds").status == 404


def test_before_the_first_commit_there_is_nothing_to_tell(api: ApiApp) -> None:
    assert api.get("/revisions").json == []
