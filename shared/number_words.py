"""Numbers, dates and names of measures in words, by what the dataset declares of them: decimals, kind, unit, period.

All of it is plain ASCII where the declaration is.
"""

import datetime as dt
from decimal import Decimal

from shared.dataset import Dataset, Kind, Measure, Period
from shared.exact import Number

NOT_REPORTED = "not reported"
_DAYS_OF_A_MONTH = Decimal("30.44")


def number(value: Number | None, *, decimals: int | None = None) -> str:
    """`7,487,091`, `66.30` with two decimals, or `not reported`. A store may have lost the zeros at the end."""
    return NOT_REPORTED if value is None else f"{_with_decimals(value, decimals):,}"


def signed(value: Number | None, *, decimals: int | None = None) -> str:
    """`+20,608`, `-5`, `+0`, or `not reported`."""
    return NOT_REPORTED if value is None else f"{_with_decimals(value, decimals):+,}"


def percent(value: Number, increment: Number) -> str:
    """`+3.2 %`, of what there was before, `0.0 %` for hardly anything; empty where that was nothing."""
    earlier = Decimal(value) - increment
    if not earlier:
        return ""
    shown = f"{Decimal(increment) * 100 / abs(earlier):+,.1f} %"
    return shown[1:] if shown[1:] == "0.0 %" else shown


def noun(measure: Measure) -> str:
    """Its label within a sentence: `cases`, but `COVID-19 admissions`, and levels such as `Brent` as they are."""
    label = measure.label
    common = measure.kind in (Kind.TOTAL, Kind.COUNT) and label[1:2].islower()
    return label[:1].lower() + label[1:] if common else label


def step(measure: Measure, value: Number | None, increment: Number | None) -> str:
    """How it moved: `+78,702`, `+3.2 %` of what happens in a period; empty where nothing is known."""
    if value is None or increment is None:
        return ""
    share = percent(value, increment) if measure.kind is Kind.COUNT else ""
    return share or signed(increment, decimals=measure.decimals)


def before(days: int | None, period: Period, *, fewest: int | None = None) -> str:
    """What a difference is to: `on the week before`, or as `longer` has it where it spans more than one period."""
    return longer(days, period, fewest=fewest).lstrip() or f"on the {period} before"


def longer(days: int | None, period: Period, *, fewest: int | None = None) -> str:
    """` in 3 days` where a difference spans more than one period; else empty.

    ` in 1 to 3 days` where it is a sum of several, and the shortest of them spans the fewest days.
    """
    if days is None or days <= period.longest_days:
        return ""
    most = _periods(days, period)
    least = most if fewest is None else _periods(fewest, period)
    return f" in {most}" if least == most else f" in {least.partition(' ')[0]} to {most}"


def when(date: str, period: Period, *, year: bool = True) -> str:
    """`on 2 Mar 2020`, `in the week to 22 Nov`, `in Nov 2026`."""
    shown = day(date, year=year)
    match period:
        case Period.WEEK:
            return f"in the week to {shown}"
        case Period.MONTH:
            return f"in {shown.partition(' ')[2]}"
    return f"on {shown}"


def day(date: str, *, year: bool = True) -> str:
    """`2 Mar 2020`, or `2 Mar`. A text that is no date stays as it is."""
    try:
        parsed = dt.date.fromisoformat(date)
    except ValueError:
        return date
    return f"{parsed.day} {_MONTHS[parsed.month - 1]}" + (f" {parsed.year}" if year else "")


def days(first: str, last: str) -> str:
    """`22 Dec 2021 to 9 Jul 2022`, `2 Mar to 9 Jul 2022`, `2 Mar 2022`."""
    return day(last) if first == last else f"{day(first, year=first[:4] != last[:4])} to {day(last)}"


def counted(count: int, word: str) -> str:
    """`1 day`, `1,200 days`; `2 series`, which has no other plural."""
    return f"{count:,} {word}{'' if count == 1 or word.endswith('series') else 's'}"


def dates(count: int, dataset: Dataset) -> str:
    """`18 days`, `3 weeks`."""
    return counted(count, dataset.period)


def _periods(days: int, period: Period) -> str:
    length = {Period.DAY: Decimal(1), Period.WEEK: Decimal(7), Period.MONTH: _DAYS_OF_A_MONTH}[period]
    return counted(round(days / length), period)


def _with_decimals(value: Number, decimals: int | None) -> Number:
    return value if decimals is None else round(Decimal(value), decimals) if decimals else value


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
