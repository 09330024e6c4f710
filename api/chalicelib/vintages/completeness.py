"""How final values are: what share was known at each lag, how soon they settle, and revisions.

Final is a value as it was known at the *horizon*: so many days after its date that it hardly moves any more. The
horizon is found in the data, as what is final depends on who reports; the method is in `infra/docs/vintages.md`.
"""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.vintages.value_paths import Path
from shared.dataset import Period
from shared.outlook_words import SHARE

HORIZONS = (7, 14, 21, 28, 42, 56, 84, 112, 168, 252, 364)
"""Days after a date, of which the first is taken at which values have settled."""
LAGS = (0, 1, 2, 3, 4, 5, 6, 7, 10, 14, 21, 28, 42, 56, 84, 112, 168, 252, 364)
AGES = ((0, 6), (7, 13), (14, 27), (28, 55), (56, 9999))
"""Days since a date, both ends included, by which revisions are counted."""
FEWEST = 20
"""Dates that a figure rests on at least; below, there is none."""
_STILL, _MOST = 0.01, 0.95
"""Values have settled where this share of them (0.95) moves by at most 1 % in as much time again."""

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, kw_only=True)
class Horizon:
    """When values are taken for final."""

    days: int
    settled: bool
    """Whether they hardly move any more then; False where the runs have not followed them for long enough to know."""


def find_horizon(paths: Sequence[Path]) -> Horizon | None:
    """None where not even the shortest has been seen of enough dates."""
    followed = None
    for days in HORIZONS:
        moves = [
            abs(later / then - 1) <= _STILL
            for path in paths
            if (then := path.at(days)) and (later := path.at(2 * days)) is not None
        ]
        if len(moves) >= FEWEST and sum(moves) >= _MOST * len(moves):
            return Horizon(days=days, settled=True)
        if sum(path.at(days) is not None for path in paths) >= FEWEST:
            followed = days
    return Horizon(days=followed, settled=False) if followed else None


def describe(paths: Sequence[Path], *, period: Period) -> dict[str, Any]:
    """The figures of one measure, of one series or of several together."""
    horizon = find_horizon(paths)
    if horizon is None:
        return {"horizon_days": None, "settled": False, "dates": 0}
    final = [(path, value) for path in paths if (value := path.at(horizon.days))]
    reported = [(path, value) for path, value in final if path.first_lag is not None and path.first_lag <= horizon.days]
    found = {
        "horizon_days": horizon.days,
        "settled": horizon.settled,
        "dates": len(final),
        "by_lag": [row for lag in LAGS if lag <= horizon.days and (row := _at_lag(final, lag))],
        "days_until_within_1_percent": _settling(reported, 0.01),
        "days_until_within_5_percent": _settling(reported, 0.05),
        "by_age": _by_age(reported),
    }
    return found | ({"by_weekday": _by_weekday(reported)} if period is Period.DAY else {})


type _Final = Sequence[tuple[Path, float]]
"""Paths, and their final values, none of them 0."""


def _at_lag(final: _Final, lag: int) -> dict[str, Any] | None:
    """Completeness at a lag: of the dates whose value was known then; `reported` is what share of all dates that is."""
    followed = [(path, value) for path, value in final if path.since_lag <= lag]
    shares = sorted(known / value for path, value in followed if (known := path.at(lag)) is not None)
    if len(shares) < FEWEST:
        return None
    low, high = quantile(shares, (1 - SHARE) / 2), quantile(shares, (1 + SHARE) / 2)
    return {
        "lag": lag,
        "median": _share(quantile(shares, 0.5)),
        "low": _share(low),
        "high": _share(high),
        "dates": len(shares),
        "reported": _share(len(shares) / len(followed)),
    }


def _settling(reported: _Final, within: float) -> dict[str, Any] | None:
    """After how many days values stay within so much of the final one."""
    days = sorted(_days_until(path, value, within) for path, value in reported)
    if len(days) < FEWEST:
        return None
    return {"median": int(quantile(days, 0.5)), "of_80_percent": int(quantile(days, SHARE)), "dates": len(days)}


def _days_until(path: Path, final: float, within: float) -> int:
    """The lag from which on no value known differs more."""
    outside = [place for place, value in enumerate(path.values) if value is None or abs(value / final - 1) > within]
    if not outside:
        return path.first_lag or 0
    after = outside[-1] + 1
    return path.lags[after] if after < len(path.lags) else path.until_lag


def _by_weekday(reported: _Final) -> list[dict[str, Any]]:
    changes: dict[int, list[float]] = defaultdict(list)
    for path, value in reported:
        first = path.at(path.first_lag or 0)
        if first:
            changes[path.day.weekday()].append(value / first - 1)
    return [
        {
            "weekday": WEEKDAYS[day],
            "revised": _share(sum(change != 0 for change in found) / len(found)),
            "median_change": _share(statistics.median(found)),
            "dates": len(found),
        }
        for day, found in sorted(changes.items())
    ]


def _by_age(reported: _Final) -> list[dict[str, Any]]:
    """How often values of an age are revised, and by how much."""
    rows = []
    for first, last in AGES:
        seen = [path for path, _ in reported if path.until_lag >= first and (path.first_lag or 0) <= last]
        sizes = [size for path in seen for size in _sizes(path, first, last)]
        if len(seen) >= FEWEST:
            rows.append(
                {
                    "from_day": first,
                    "to_day": last if last < AGES[-1][1] else None,
                    "revisions": len(sizes),
                    "median_size": _share(statistics.median(sizes)) if sizes else None,
                    "dates": len(seen),
                }
            )
    return rows


def _sizes(path: Path, first: int, last: int) -> Iterable[float]:
    """The revisions of one value between two ages, each as a share of what it was."""
    steps = zip(path.lags[1:], path.values, path.values[1:], strict=False)
    return [abs(now / was - 1) for lag, was, now in steps if first <= lag <= last and was and now is not None]


def quantile(ascending: Sequence[float], share: float) -> float:
    """Between the two nearest values, by their distance: the usual definition (R's seventh)."""
    at = share * (len(ascending) - 1)
    low = int(at)
    high = min(low + 1, len(ascending) - 1)
    return ascending[low] + (ascending[high] - ascending[low]) * (at - low)


def _share(value: float) -> float:
    return round(value, 4)
