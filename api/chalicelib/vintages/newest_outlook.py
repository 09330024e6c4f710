"""The newest value of each measure of a series, and what usually becomes of such a one; kept beside a run's views.

What is kept has the outlook for each lag at which a next newest value may be reported: the merger words the digest of
the run that follows by it, which is made before that run's own table of vintages is there.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from chalicelib.vintages.outlook import outlook
from chalicelib.vintages.value_paths import Path, value_paths
from chalicelib.vintages.version_table import Version
from shared.dataset import ONE_SERIES, Dataset, Period
from shared.outlook_words import AHEAD, Outlook, in_words

OUTLOOK = "outlook.json"
"""What it is called among a run's views."""
_WINDOW = {Period.DAY: 200, Period.WEEK: 1000, Period.MONTH: 4200}
"""Days before the run whose dates are looked at: those that an outlook may rest on."""
_LAGS = {Period.DAY: 15, Period.WEEK: 29, Period.MONTH: 93}
"""Lags below this are kept."""


def first_date(run_id: str, period: Period) -> str:
    """The first date of which versions are needed."""
    return str(dt.date.fromisoformat(run_id[:10]) - dt.timedelta(days=_WINDOW[period]))


def spoken_series(dataset: Dataset) -> str | None:
    """The series whose newest values digests have; None where they are a sum, of which nothing is known."""
    return dataset.series.default or None if dataset.series else ONE_SERIES


def outlooks(versions: Iterable[Version], dataset: Dataset, *, run_id: str, series: str) -> dict[str, Any]:
    """`{"series", "measures": {name: {"newest", "by_lag"}}}`: see `newest`, and `Outlook.as_map` by lag."""
    rows = list(versions)
    found = {}
    for measure in dataset.measures:
        paths = value_paths(rows, dataset, measure, last_run=run_id)
        found[measure.name] = {
            "newest": newest(paths, dataset.period),
            "by_lag": _by_lag(paths, dataset.period, run_id),
        }
    return {"series": series, "measures": found}


def _by_lag(paths: Sequence[Path], period: Period, run_id: str) -> dict[str, Any]:
    ahead, day = AHEAD[period][0], dt.date.fromisoformat(run_id[:10]).toordinal()
    each = ((lag, outlook(paths, lag=lag, ahead=ahead, on_day=day)) for lag in range(_LAGS[period]))
    return {str(lag): found.as_map() for lag, found in each if found}


def newest(paths: Sequence[Path], period: Period) -> dict[str, Any] | None:
    """The newest value, and what usually becomes of such a one; None where there is none.

    Of a total whose newest number stands for several periods the value is None, and nothing is said of it.
    """
    reported = [path for path in paths if path.reported]
    if not reported:
        return None
    last = reported[-1]
    known = last.values[-1] is not None
    found = outlook(reported[:-1], lag=last.until_lag, ahead=AHEAD[period][0]) if known else None
    is_first = last.first_lag is not None and sum(it is not None for it in last.values) == 1
    return {
        "date": last.date,
        "value": last.values[-1],
        "lag": last.until_lag,
        "first_report": is_first,
        "outlook": _as_map(found) if found else None,
        "words": in_words(found, is_first=is_first, period=period) if found else None,
    }


def _as_map(found: Outlook) -> dict[str, Any]:
    known = {"after_days": found.ahead, "unchanged": round(found.unchanged, 4), "dates": found.count}
    return known | ({"low": round(found.low, 4), "high": round(found.high, 4)} if found.is_band else {})
