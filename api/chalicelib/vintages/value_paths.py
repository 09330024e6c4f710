"""How each value came to be what it is: its path from the first report on, by the days since its date.

The field's words: a value's *lag* is the number of days between its date and the time at which it was known (Delphi's
Epidata API counts it so), *backfill* is what comes later to a date that was reported already, and a value's
*completeness* at a lag is the share of its final value that was known then.
"""

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from chalicelib.vintages.version_table import Version
from shared.dataset import Dataset, Measure


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
    """From each of these lags on; None: not reported."""

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

    Of a running total the values are what each date added: its value minus that of the reported date before it, both
    as known at the same time. Beside them the total itself hardly moves.
    """
    place = dataset.measure_names.index(measure.name)
    by_date: dict[tuple[str, str], list[tuple[int, float | None, bool]]] = {}
    first_run = ""
    for it in versions:
        value = None if it.values is None or it.values[place] is None else float(it.values[place] or 0)
        by_date.setdefault(it.key, []).append((_day(it.known_from), value, it.values is not None))
        first_run = min(first_run or it.known_from, it.known_from)
    if not by_date:
        return []
    bounds = _day(first_run), _day(last_run)
    if measure.cumulative:
        return list(_of_total(by_date, bounds))
    return [_path(key, steps, bounds) for key, steps in by_date.items()]


type _Steps = Sequence[tuple[int, float | None, bool]]
"""(ordinal of the day it became known, value, whether the row was present)."""


def _of_total(by_date: Mapping[tuple[str, str], _Steps], bounds: tuple[int, int]) -> Iterator[Path]:
    before: tuple[str, _Steps] | None = None
    for (series, date), steps in by_date.items():
        if all(value is None for _, value, _ in steps):
            continue
        if before and before[0] == series:
            yield _path((series, date), list(_minus(steps, before[1])), bounds)
        before = series, steps


def _minus(steps: _Steps, before: _Steps) -> Iterator[tuple[int, float | None, bool]]:
    for day in sorted({day for day, _, _ in (*steps, *before)}):
        now, was = _at(steps, day), _at(before, day)
        yield day, None if now is None or was is None else now - was, now is not None


def _at(steps: _Steps, day: int) -> float | None:
    known = [value for known_day, value, _ in steps if known_day <= day]
    return known[-1] if known else None


def _path(key: tuple[str, str], steps: _Steps, bounds: tuple[int, int]) -> Path:
    day = dt.date.fromisoformat(key[1]).toordinal()
    lags, values = list[int](), list[float | None]()
    for known_day, value, _ in steps:
        if lags and lags[-1] == known_day - day:
            values[-1] = value
        elif not values or values[-1] != value:
            lags.append(known_day - day)
            values.append(value)
    first = next((known for known, value, _ in steps if value is not None), bounds[0])
    return Path(
        series=key[0],
        date=key[1],
        first_lag=first - day if first > bounds[0] else None,
        since_lag=bounds[0] - day,
        until_lag=bounds[1] - day,
        lags=tuple(lags),
        values=tuple(values),
    )


def _day(time: str) -> int:
    return dt.date.fromisoformat(time[:10]).toordinal()
