"""When runs are due, from the schedule as EventBridge has it: `cron(0 17 * * ? *)` or `rate(1 day)`.

Cron fields (UTC): minutes, hours, day of month, month, day of week (1 is Sunday), year; each `*`, `?`, numbers, names,
lists, ranges and steps. `L`, `W` and `#` are not understood, and then nothing is said about what is due.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping

from shared.errors import SettingInvalid

DEFAULT_SCHEDULE = "cron(0 17 * * ? *)"
"""Of a stage that does not choose: at 06:30 the two US feeds disagree on half the days."""

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


class ScheduleInvalid(SettingInvalid):
    """A schedule is neither cron(...) with six fields nor rate(...)."""


def read_schedule(text: str) -> str:
    """The schedule. Raises ScheduleInvalid where EventBridge would not take it."""
    rate, cron = _RATE.fullmatch(text), _CRON.fullmatch(text)
    if rate and int(rate[1]) > 0:
        return text
    if cron and (_has_special(cron.groups()) or _is_understood(cron.groups())):
        return text
    raise ScheduleInvalid(
        f"{text!r} is no schedule; needed is cron(minutes hours day-of-month month day-of-week year), such as"
        " cron(0 17 * * ? *), or rate(1 day)"
    )


def next_due(schedule: str, *, after: dt.datetime) -> dt.datetime | None:
    """The first time the schedule names after `after` (aware); None where it is not understood or names none."""
    if rate := _RATE.fullmatch(schedule):
        return after + _period(rate)
    days = (after.date() + dt.timedelta(days=ahead) for ahead in range(_DAYS_AHEAD))
    return next((time for day in days for time in _times_on(schedule, day) if time > after), None)


def last_due(schedule: str, *, after: dt.datetime, until: dt.datetime) -> dt.datetime | None:
    """The last time the schedule names with after < time <= until; None where it names none or is not understood.

    Of a rate, times are counted from `after`.
    """
    if until <= after:
        return None
    if rate := _RATE.fullmatch(schedule):
        times = (until - after) // _period(rate)
        return after + times * _period(rate) if times else None
    days = (until.date() - dt.timedelta(days=back) for back in range((until.date() - after.date()).days + 1))
    found = (time for day in days for time in reversed(_times_on(schedule, day)) if time <= until)
    last = next(found, None)
    return last if last and last > after else None


def _period(rate: re.Match[str]) -> dt.timedelta:
    return dt.timedelta(**{f"{rate[2]}s": max(1, int(rate[1]))})


def _times_on(schedule: str, day: dt.date) -> list[dt.datetime]:
    """The times of a day, ascending, that a cron schedule names; none where it is not understood."""
    cron = _CRON.fullmatch(schedule)
    if cron is None or not _is_understood(cron.groups()):
        return []
    minutes, hours, days, months, weekdays, years = _fields(cron.groups())
    if not (day.day in days and day.month in months and day.isoweekday() % 7 + 1 in weekdays and day.year in years):
        return []
    return list(_clock_times(day, hours, minutes))


def _clock_times(day: dt.date, hours: frozenset[int], minutes: frozenset[int]) -> Iterator[dt.datetime]:
    for hour in sorted(hours):
        for minute in sorted(minutes):
            yield dt.datetime.combine(day, dt.time(hour, minute), dt.UTC)


def _fields(fields: tuple[str, ...]) -> tuple[frozenset[int], ...]:
    """Raises ValueError and KeyError where they are not understood."""
    return (
        _numbers(fields[0], 0, 59),
        _numbers(fields[1], 0, 23),
        _numbers(fields[2], 1, 31),
        _numbers(fields[3], 1, 12, _MONTHS),
        _numbers(fields[4], 1, 7, _WEEKDAYS),
        _numbers(fields[5], 1970, 2199),
    )


def _is_understood(fields: tuple[str, ...]) -> bool:
    try:
        return all(_fields(fields))
    except (ValueError, KeyError):
        return False


def _has_special(fields: tuple[str, ...]) -> bool:
    """Whether days are named by `L`, `W` or `#`, which EventBridge takes and which are not reckoned with here."""
    return any(letter in field for field in (fields[2], fields[4]) for letter in "LW#")


def _numbers(field: str, least: int, most: int, names: Mapping[str, int] | None = None) -> frozenset[int]:
    found: set[int] = set()
    for text in field.upper().split(","):
        part = _PART.fullmatch(text)
        if part is None:
            raise ValueError(f"cron field {field!r} is not understood")
        anything, first, last, step = part.groups()
        low = least if anything else _number(first, names)
        high = most if anything or (step and not last) else _number(last or first, names)
        if not least <= low <= most or not least <= high <= most:
            raise ValueError(f"cron field {field!r} has numbers outside {least} to {most}")
        found |= set(range(low, high + 1, int(step or 1)))
    return frozenset(found)


def _number(text: str, names: Mapping[str, int] | None) -> int:
    return (names or {})[text] if text.isalpha() else int(text)
