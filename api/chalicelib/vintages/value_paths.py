"""How each value came to be what it is: its path from the first report on, by the days since its date.

The field's words: a value's *lag* is the number of days between its date and the time at which it was known (Delphi's
Epidata API counts it so), *backfill* is what comes later to a date that was reported already, and a value's
*completeness* at a lag is the share of its final value that was known then.
"""

import calendar
import datetime as dt
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import takewhile

from chalicelib.vintages.version_table import Version
from shared.dataset import Dataset, Measure, Period


@dataclass(frozen=True, kw_only=True)
class Path:
    """The values of one measure of one date."""

    series: str
    date: str
    first_lag: int | None
    """The lag at which it was first reported; None where it was there when the first run looked."""
    since_lag: int
    """The lag from which on its values are known to us: that of the first run."""
    until_lag: int
    """The lag up to which they are: that of the last run."""
    lags: tuple[int, ...]
    """At which its value became another, ascending."""
    values: tuple[float | None, ...]
    """From each of these lags on; None: not reported, or a number that stands for more than the date's own period."""
    reported: bool = True
    """Whether the newest state has a number of this date, be it one that stands for more."""

    def at(self, lag: int) -> float | None:
        """The value that was known at the end of the day so many days after its date; None where there was none."""
        if not self.since_lag <= lag <= self.until_lag:
            return None
        place = bisect_right(self.lags, lag) - 1
        return self.values[place] if place >= 0 else None

    @cached_property
    def day(self) -> dt.date:
        return dt.date.fromisoformat(self.date)


def value_paths(versions: Iterable[Version], dataset: Dataset, measure: Measure, *, last_run: str) -> list[Path]:
    """The paths of one measure, in order of series and date; `versions` are in that order.

    Of a running total the values are what each date added: its value minus that of the last reported date before it,
    both as known at the same time; the total itself hardly moves. As in `/daily`, such a number stands for all the days
    between the two dates. Only those that stand for the date's own period are values here: a number of several days
    among numbers of one would be taken for growth.
    """
    place = dataset.measure_names.index(measure.name)
    by_date: dict[tuple[str, str], list[tuple[int, float | None]]] = {}
    first_run = ""
    for it in versions:
        value = None if it.values is None or it.values[place] is None else float(it.values[place] or 0)
        by_date.setdefault(it.key, []).append((_day(it.known_from), value))
        first_run = min(first_run or it.known_from, it.known_from)
    if not by_date:
        return []
    bounds = _day(first_run), _day(last_run)
    if measure.cumulative:
        return list(_of_total(by_date, bounds, dataset.period))
    return [_path(key, steps, bounds) for key, steps in by_date.items()]


type _Steps = Sequence[tuple[int, float | None]]
"""(ordinal of the day it became known, value)."""


def _of_total(by_date: Mapping[tuple[str, str], _Steps], bounds: tuple[int, int], period: Period) -> Iterator[Path]:
    """A path of each date but the first of its series, from which counting begins."""
    earlier: list[tuple[int, _Steps]] = []
    """The dates before, each by the last day of its period."""
    its_series = None
    for (series, date), steps in by_date.items():
        if series != its_series:
            its_series, earlier = series, []
        if all(value is None for _, value in steps):
            continue
        first, last = _period_of(date, period)
        if earlier:
            near = _reaching(earlier, first - 1)
            path = _path((series, date), list(_increments(steps, near, first - 1)), bounds)
            yield replace(path, reported=steps[-1][1] is not None)
        earlier.append((last, steps))


def _reaching(earlier: Sequence[tuple[int, _Steps]], base: int) -> Sequence[tuple[int, _Steps]]:
    """Those of the dates before that end on this day or later, the latest first."""
    return list(takewhile(lambda before: before[0] >= base, reversed(earlier)))


def _increments(steps: _Steps, near: Sequence[tuple[int, _Steps]], base: int) -> _Steps:
    """What a date added in each state; None where the last date reported before it ends on another day than `base`."""
    days = {day for its in (steps, *(others for _, others in near)) for day, _ in its}
    return [(day, _increment(steps, near, base, day)) for day in sorted(days)]


def _increment(steps: _Steps, near: Sequence[tuple[int, _Steps]], base: int, day: int) -> float | None:
    now = _at(steps, day)
    reported = ((last, value) for last, others in near if (value := _at(others, day)) is not None)
    last, was = next(reported, (None, 0.0))
    return now - was if now is not None and last == base else None


def _at(steps: _Steps, day: int) -> float | None:
    known = [value for known_day, value in steps if known_day <= day]
    return known[-1] if known else None


def _path(key: tuple[str, str], steps: _Steps, bounds: tuple[int, int]) -> Path:
    day = dt.date.fromisoformat(key[1]).toordinal()
    lags, values = list[int](), list[float | None]()
    for known_day, value in steps:
        if lags and lags[-1] == known_day - day:
            values[-1] = value
        elif not values or values[-1] != value:
            lags.append(known_day - day)
            values.append(value)
    first = next((known for known, value in steps if value is not None), bounds[0])
    return Path(
        series=key[0],
        date=key[1],
        first_lag=first - day if first > bounds[0] else None,
        since_lag=bounds[0] - day,
        until_lag=bounds[1] - day,
        lags=tuple(lags),
        values=tuple(values),
        reported=bool(values) and values[-1] is not None,
    )


def _period_of(date: str, period: Period) -> tuple[int, int]:
    """The first and last day of the period that a date stands for."""
    day = dt.date.fromisoformat(date)
    if period is Period.MONTH:
        last = day.replace(day=calendar.monthrange(day.year, day.month)[1])
        return day.replace(day=1).toordinal(), last.toordinal()
    return day.toordinal() - (6 if period is Period.WEEK else 0), day.toordinal()


def _day(time: str) -> int:
    return dt.date.fromisoformat(time[:10]).toordinal()
