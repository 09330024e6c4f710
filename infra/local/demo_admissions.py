"""Demo days of weekly hospital admissions: GENERATED, in the format of the CDC's feed. No number was ever reported.

Each jurisdiction has waves of three diseases, its own size and its own lag. A week's first numbers lack some hospitals
and are consolidated two days later: that is what the third day shows, as a digest of many series.
"""

import datetime as dt
import math
from collections.abc import Iterator, Sequence

from infra.local.day_folders import Day

_FIRST, _LAST = dt.date(2019, 10, 5), dt.date(2020, 10, 17)
"""Saturdays: the first and the last week that any demo day has."""

_JURISDICTIONS = {
    "AK": 73, "AL": 503, "AR": 301, "AZ": 728, "CA": 3951, "CO": 576, "CT": 357, "DC": 71, "DE": 97, "FL": 2148,
    "GA": 1062, "HI": 142, "IA": 316, "ID": 179, "IL": 1267, "IN": 673, "KS": 291, "KY": 447, "LA": 465, "MA": 689,
    "MD": 605, "ME": 134, "MI": 999, "MN": 564, "MO": 614, "MS": 298, "MT": 107, "NC": 1049, "ND": 76, "NE": 193,
    "NH": 136, "NJ": 888, "NM": 210, "NV": 308, "NY": 1945, "OH": 1169, "OK": 396, "OR": 422, "PA": 1280, "RI": 106,
    "SC": 515, "SD": 88, "TN": 683, "TX": 2900, "UT": 321, "VA": 854, "VT": 62, "WA": 761, "WI": 582, "WV": 179,
    "WY": 58,
}  # fmt: skip
"""Jurisdiction -> ten thousands of inhabitants, near enough: how large its numbers are."""

_LATE = ("CO", "FL", "GA", "NC", "NY", "TX", "WA")
"""Jurisdictions of which hospitals report late: their newest week is too low until it is consolidated."""

_FEED = "nhsn.csv"


def demo_days_of_admissions() -> Sequence[Day]:
    """The demo days in date order: a first load, a preliminary week, and its consolidation two days later."""
    story = (
        ("2020-10-16", _LAST - dt.timedelta(weeks=1), False, "first load: a year of weeks by jurisdiction"),
        ("2020-10-21", _LAST, True, "Wednesday: a new week of every jurisdiction, preliminary"),
        ("2020-10-23", _LAST, False, "Friday: the week is consolidated, the past of some revised"),
    )
    return [
        Day(date=dt.date.fromisoformat(day), note=note, files={_FEED: _file(newest, preliminary=preliminary)})
        for day, newest, preliminary, note in story
    ]


def _file(newest: dt.date, *, preliminary: bool) -> bytes:
    """A line a week and jurisdiction, and one of the whole country, newest week first as upstream has them."""
    lines = ["weekendingdate,jurisdiction,totalconfc19newadm,totalconfflunewadm,totalconfrsvnewadm"]
    weeks = sorted(_weeks(newest), reverse=True)
    for week in weeks:
        share = {name: _share(name, week, newest, preliminary=preliminary) for name in _JURISDICTIONS}
        rows = {name: [int(share[name] * value) for value in _admissions(name, week)] for name in _JURISDICTIONS}
        rows["USA"] = [sum(column) for column in zip(*rows.values(), strict=True)]
        lines += [f"{week},{name},{','.join(map(str, rows[name]))}" for name in sorted(rows)]
    return ("\n".join(lines) + "\n").encode()


def _weeks(newest: dt.date) -> Iterator[dt.date]:
    return (_FIRST + dt.timedelta(weeks=n) for n in range((newest - _FIRST).days // 7 + 1))


def _share(name: str, week: dt.date, newest: dt.date, *, preliminary: bool) -> float:
    """How much of a week has been reported: less of the newest, and of the two before it where hospitals are late."""
    age = (newest - week).days // 7
    if not preliminary or name not in _LATE:
        return 1.0
    return {0: 0.82, 1: 0.95, 2: 0.99}.get(age, 1.0)


def _admissions(name: str, week: dt.date) -> tuple[float, float, float]:
    """COVID-19, influenza and RSV: waves that reach each jurisdiction some weeks later than another."""
    size, lag = _JURISDICTIONS[name], sum(map(ord, name)) % 7 - 3
    n = (week - _FIRST).days / 7 - lag
    covid = size * (_wave(n, 27, 3.5, 0.055) + _wave(n, 41, 5, 0.06) + _wave(n, 58, 5, 0.09))
    flu = size * (_wave(n, 17, 4, 0.045) + _wave(n, 68, 7, 0.03) + 0.001)
    rsv = size * (_wave(n, 12, 4, 0.018) + _wave(n, 62, 7, 0.012) + 0.001)
    return covid, flu, rsv


def _wave(n: float, peak: float, width: float, height: float) -> float:
    return 10 * height * math.exp(-(((n - peak) / width) ** 2) / 2)
