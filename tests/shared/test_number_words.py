"""Numbers, dates and names of measures in words."""

from decimal import Decimal

import pytest

from shared import number_words as words
from shared.dataset import Kind, Measure, Period
from shared.exact import Number


@pytest.mark.parametrize(
    ("value", "decimals", "number", "signed"),
    [
        (None, None, "not reported", "not reported"),
        (0, None, "0", "+0"),
        (7487091, 0, "7,487,091", "+7,487,091"),
        (-1234, None, "-1,234", "-1,234"),
        (Decimal("66.3"), 2, "66.30", "+66.30"),
        (Decimal("-1234.5"), 2, "-1,234.50", "-1,234.50"),
        (5, 1, "5.0", "+5.0"),
    ],
)
def test_numbers_have_separators_and_their_decimals_and_differences_a_sign(
    value: Number | None, decimals: int | None, number: str, signed: str
) -> None:
    assert (words.number(value, decimals=decimals), words.signed(value, decimals=decimals)) == (number, signed)


@pytest.mark.parametrize(
    ("value", "increment", "expected"),
    [
        (1067, 33, "+3.2 %"),
        (0, -5, "-100.0 %"),
        (5, 5, ""),
        (5, 0, "0.0 %"),
        (99_990, -10, "0.0 %"),
        (30000, 29000, "+2,900.0 %"),
    ],
)
def test_a_share_is_of_what_there_was_before(value: int, increment: int, expected: str) -> None:
    assert words.percent(value, increment) == expected


@pytest.mark.parametrize(
    ("label", "kind", "expected"),
    [
        ("Cases", Kind.TOTAL, "cases"),
        ("COVID-19 admissions", Kind.COUNT, "COVID-19 admissions"),
        ("Influenza admissions", Kind.COUNT, "influenza admissions"),
        ("Brent", Kind.LEVEL, "Brent"),
    ],
)
def test_within_a_sentence_common_nouns_are_small_and_names_as_they_are(label: str, kind: Kind, expected: str) -> None:
    assert words.noun(Measure(name="x", label=label, kind=kind)) == expected


@pytest.mark.parametrize(
    ("period", "dated", "span", "longer"),
    [
        (Period.DAY, "on 2 Mar 2020", "in 3 days", " in 3 days"),
        (Period.WEEK, "in the week to 2 Mar 2020", "on the week before", ""),
        (Period.MONTH, "in Mar 2020", "on the month before", ""),
    ],
)
def test_dates_and_spans_are_worded_by_the_period(period: Period, dated: str, span: str, longer: str) -> None:
    found = words.when("2020-03-02", period), words.before(3, period), words.longer(3, period)
    assert found == (dated, span, longer)


def test_a_span_of_several_periods_is_counted_in_them() -> None:
    assert (words.before(14, Period.WEEK), words.before(61, Period.MONTH)) == ("in 2 weeks", "in 2 months")


def test_a_range_of_dates_has_its_year_once_where_it_is_one() -> None:
    assert words.days("2021-12-22", "2022-07-09") == "22 Dec 2021 to 9 Jul 2022"
    assert words.days("2022-01-01", "2022-07-09") == "1 Jan to 9 Jul 2022"
    assert words.days("2022-01-01", "2022-01-01") == "1 Jan 2022"
