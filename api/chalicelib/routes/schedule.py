"""When the next run is due, from the schedule as EventBridge says it: `cron(0 17 * * ? *)` or `rate(1 day)`.

Cron fields (UTC): minutes, hours, day of month, month, day of week (1 is Sunday), year; each `*`, `?`, numbers, names,
lists, ranges and steps. `L`, `W` and `#` are not understood, and then nothing is said about what is due.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

import datetime as dt
import re
from collections.abc import Mapping

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_PART = re.compile(r"(?:(\*|\?)|([0-9A-Z]+)(?:-([0-9A-Z]+))?)(?:/(\d+))?")
_MONTHS = {
    name: n
    for n, name in enumerate(["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"], 1)
}
_WEEKDAYS = {name: n for n, name in enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"], 1)}

_DAYS_AHEAD = 366 * 2
"""How far ahead a day is looked for."""


def next_due(schedule: str, *, after: dt.datetime) -> dt.datetime | None:
    """The first time the schedule names after `after` (aware); None where it is not understood or names none."""
    if rate := _RATE.fullmatch(schedule):
        return after + dt.timedelta(**{f"{rate[2]}s": int(rate[1])})
    cron = _CRON.fullmatch(schedule)
    if cron is None:
        return None
    try:
        return _next_cron(cron.groups(), after=after)
    except (ValueError, KeyError):
        return None


def _next_cron(fields: tuple[str, ...], *, after: dt.datetime) -> dt.datetime | None:
    minutes, hours = _numbers(fields[0], 0, 59), _numbers(fields[1], 0, 23)
    days, months = _numbers(fields[2], 1, 31), _numbers(fields[3], 1, 12, _MONTHS)
    weekdays, years = _numbers(fields[4], 1, 7, _WEEKDAYS), _numbers(fields[5], 1970, 2199)
    for ahead in range(_DAYS_AHEAD):
        day = after.date() + dt.timedelta(days=ahead)
        weekday = day.isoweekday() % 7 + 1
        if not (day.day in days and day.month in months and weekday in weekdays and day.year in years):
            continue
        for hour in sorted(hours):
            for minute in sorted(minutes):
                found = dt.datetime.combine(day, dt.time(hour, minute), dt.UTC)
                if found > after:
                    return found
    return None


def _numbers(field: str, least: int, most: int, names: Mapping[str, int] | None = None) -> frozenset[int]:
    found: set[int] = set()
    for text in field.upper().split(","):
        part = _PART.fullmatch(text)
        if part is None:
            raise ValueError(f"cron field {field!r} is not understood")
        anything, first, last, step = part.groups()
        low = least if anything else _number(first, names)
        high = most if anything or (step and not last) else _number(last or first, names)
        found |= set(range(low, high + 1, int(step or 1)))
    return frozenset(found)


def _number(text: str, names: Mapping[str, int] | None) -> int:
    return (names or {})[text] if text.isalpha() else int(text)
