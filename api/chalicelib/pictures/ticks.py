"""Where an axis has its ticks and what stands at them: few, round, and readable at any width."""

import datetime as dt
import math

type Tick = tuple[float, str]
"""Where it is, in the axis's own unit (of dates: the day's ordinal), and its label."""

_STEPS = (1, 2, 5, 10)
_DAYS = (1, 2, 7, 14)
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600)


def number_ticks(low: float, high: float, *, most: int) -> list[Tick]:
    """At most so many round numbers between two, these included; 20k, 3M and 1B from a thousand on."""
    if not high > low:
        return [(low, number_label(low, step=1))]
    rough = (high - low) / most
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * size for factor in _STEPS if factor * size >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [(n * step, number_label(n * step, step=step)) for n in range(first, last + 1)]


def logarithmic_ticks(low: float, high: float, *, most: int) -> list[Tick]:
    """The same between two logarithms: powers of ten, or where there are fewer than two of them, 1, 2 and 5 of each."""
    powers = range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)
    if len(powers) >= 2:
        shown = powers[:: -(-len(powers) // most)]
        return [(float(n), number_label(10.0**n, step=10.0**n)) for n in shown]
    steps = [(n, factor) for n in range(math.floor(low), math.ceil(high) + 1) for factor in (1, 2, 5)]
    ticks = [(n + math.log10(factor), number_label(factor * 10.0**n, step=10.0**n)) for n, factor in steps]
    inside = [tick for tick in ticks if low - 1e-9 <= tick[0] <= high + 1e-9]
    return inside[:: max(1, -(-len(inside) // most))]


def number_label(value: float, *, step: float) -> str:
    """`step`: how far two ticks are from one another, which says how many decimals are needed."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{_trimmed(value / size, step / size)}{letter}"
    return _trimmed(value, step)


def _trimmed(value: float, step: float) -> str:
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    text = f"{value:.{decimals}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "\N{MINUS SIGN}")


def date_ticks(first: int, last: int, *, most: int) -> list[Tick]:
    """At most so many beginnings of days, weeks, months or years between two days (ordinals)."""
    for step in _DAYS:
        if (last - first) / step < most:
            days = range(first + (-first % step) if step < 7 else first + (1 - first) % 7, last + 1, step)
            return [(day, _day_label(dt.date.fromordinal(day))) for day in days]
    for step in _MONTHS:
        ticks = _month_ticks(first, last, step)
        if len(ticks) <= most:
            return ticks
    return _month_ticks(first, last, 1200)


def _month_ticks(first: int, last: int, step: int) -> list[Tick]:
    start, end = dt.date.fromordinal(first), dt.date.fromordinal(last)
    months = range(start.year * 12 + start.month - 1, end.year * 12 + end.month)
    days = [dt.date(n // 12, n % 12 + 1, 1) for n in months if n % step == 0]
    shown = [day for day in days if day.toordinal() >= first]
    return [(day.toordinal(), _month_label(day, step, at_start=n == 0)) for n, day in enumerate(shown)]


def _day_label(day: dt.date) -> str:
    return f"{day.day} {day:%b}"


def _month_label(day: dt.date, step: int, *, at_start: bool) -> str:
    """The year stands at the first tick and at each January."""
    if step >= 12:
        return str(day.year)
    return f"{day:%b} {day.year}" if at_start or day.month == 1 else f"{day:%b}"
