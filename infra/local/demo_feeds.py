"""The built-in demo days: GENERATED feeds in the two upstream formats. No number in them was ever reported.

The curves are sums of logistic waves with a weekly rhythm, so that they look like an epidemic; they are the same on
every machine. The week is made to show what the system does: see `_STORY`.
"""

import csv
import datetime as dt
import functools
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from infra.local.day_folders import Day, by_date
from infra.local.demo_admissions import demo_days_of_admissions
from shared.dataset import Dataset

NOTICE = "Demonstration: these numbers are generated, not real."
"""What the page and the API say of them; the credits beside it are those of the real feeds."""

_NYT_FROM = dt.date(2020, 1, 21)
_JHU_FROM = dt.date(2020, 1, 22)
_LAST = dt.date(2020, 10, 24)
"""The newest date that any demo day has."""

_REVISED_FROM, _REVISED_TO = dt.date(2020, 10, 2), dt.date(2020, 10, 15)
_BACKLOG = 11_480
"""Cases that a state is made to have found, reported from the revision on: added to every date from the first."""


@dataclass(frozen=True, kw_only=True)
class _Chapter:
    """One demo day: the newest date in each feed (None: the file is absent) and what the day shows."""

    day: str
    nyt: str
    jhu: str | None
    revised: bool = False
    note: str


_STORY = (
    _Chapter(day="2020-10-19", nyt="2020-10-18", jhu="2020-10-18", note="first load: nine months of history"),
    _Chapter(day="2020-10-20", nyt="2020-10-19", jhu="2020-10-19", note="an ordinary day: one new date"),
    _Chapter(day="2020-10-21", nyt="2020-10-20", jhu="2020-10-20", revised=True, note="a new date, the past revised"),
    _Chapter(day="2020-10-22", nyt="2020-10-20", jhu="2020-10-20", revised=True, note="nothing new: no mail"),
    _Chapter(day="2020-10-23", nyt="2020-10-22", jhu=None, revised=True, note="Johns Hopkins' file is late"),
    _Chapter(day="2020-10-24", nyt="2020-10-23", jhu="2020-10-20", revised=True, note="it is back, but old for 3 days"),
    _Chapter(day="2020-10-25", nyt="2020-10-24", jhu="2020-10-24", revised=True, note="recovery: four dates at once"),
)


def demo_days() -> Sequence[Day]:
    """The demo days in date order, their files under their upstream names."""
    return [_day(chapter) for chapter in _STORY]


DEMONSTRATED = ("us-covid", "us-hospital-admissions")
"""The datasets that there are demo days of; the first is the one that is meant where none is named."""


def all_demo_days(datasets: Sequence[Dataset]) -> Sequence[Sequence[Day]]:
    """The demo days of these datasets, those of one date together; each names its dataset where there are several."""
    made = {"us-covid": demo_days, "us-hospital-admissions": demo_days_of_admissions}
    several = len(datasets) > 1
    return by_date(replace(day, dataset=it.name if several else "") for it in datasets for day in made[it.name]())


def _day(chapter: _Chapter) -> Day:
    files = {"us.csv": _nyt_file(upto=chapter.nyt, revised=chapter.revised)}
    if chapter.jhu:
        files["time-series-19-covid-combined.csv"] = _jhu_file(upto=chapter.jhu)
    return Day(date=dt.date.fromisoformat(chapter.day), note=chapter.note, files=dict(files))


# --- curves ----------------------------------------------------------------------------------------------------------

type _Curve = Sequence[int]
"""Running totals, a value a day from _NYT_FROM to _LAST."""


@dataclass(frozen=True, kw_only=True)
class _Wave:
    """A logistic wave: how many in all, on which day (after _NYT_FROM) its peak is, and how many days wide it is."""

    size: float
    peak: float
    width: float


_US_CASES = (
    _Wave(size=1_850_000, peak=92, width=13),
    _Wave(size=4_100_000, peak=182, width=17),
    _Wave(size=7_600_000, peak=299, width=20),
)
_DAYS = (_LAST - _NYT_FROM).days + 1


def _cumulate(waves: Sequence[_Wave], *, share: Callable[[int], float] = lambda _: 1.0, delay: int = 0) -> _Curve:
    """Whole numbers that never fall: each day's increment follows the waves and the day of the week."""
    increments = (
        round(sum(_increment(wave, day - delay) for wave in waves) * share(day) * _weekly(day)) for day in range(_DAYS)
    )
    return list(accumulate(increments))


def _increment(wave: _Wave, day: int) -> float:
    slope = 1 / math.cosh((day - wave.peak) / (2 * wave.width)) ** 2
    return wave.size * slope / (4 * wave.width)


def _weekly(day: int) -> float:
    """Fewer are reported at the weekend, more on Thursday and Friday."""
    weekday = (_NYT_FROM + dt.timedelta(days=day)).weekday()
    return (0.93, 0.98, 1.03, 1.10, 1.12, 0.98, 0.86)[weekday]


def _fatal(day: int) -> float:
    """The share of cases that die: high while few are tested."""
    return 0.013 + 0.052 / (1 + math.exp((day - 118) / 16))


# --- The New York Times' format --------------------------------------------------------------------------------------


@functools.cache
def _us() -> tuple[_Curve, _Curve, _Curve]:
    """Cases, deaths and recoveries of the country."""
    cases = _cumulate(_US_CASES)
    deaths = _cumulate(_US_CASES, share=_fatal, delay=17)
    recoveries = _cumulate(_US_CASES, share=lambda day: 0.44 if day > 24 else 0.0, delay=24)
    return cases, deaths, recoveries


def _nyt_file(*, upto: str, revised: bool) -> bytes:
    """`date,cases,deaths`, and no newline at the end of the file."""
    cases, deaths, _ = _us()
    lines = ["date,cases,deaths"]
    for day, date in enumerate(_dates(_NYT_FROM, upto)):
        total = max(cases[day], 1) + (_backlog(date) if revised else 0)
        lines.append(f"{date},{total},{deaths[day]}")
    return "\n".join(lines).encode()


def _backlog(date: dt.date) -> int:
    """The backlog is spread over two weeks and stays."""
    days = min((date - _REVISED_FROM).days + 1, (_REVISED_TO - _REVISED_FROM).days + 1)
    return max(days, 0) * _BACKLOG // ((_REVISED_TO - _REVISED_FROM).days + 1)


# --- the format of datasets/covid-19, from Johns Hopkins -------------------------------------------------------------

_PLACES: Mapping[tuple[str, str], tuple[float, float]] = {
    ("Afghanistan", ""): (0.005, 12),
    ("Albania", ""): (0.002, 30),
    ("Algeria", ""): (0.007, 10),
    ("Andorra", ""): (0.0004, 5),
    ("Argentina", ""): (0.13, 45),
    ("Australia", "New South Wales"): (0.0005, -8),
    ("Australia", "Queensland"): (0.0001, -8),
    ("Australia", "Victoria"): (0.0024, 20),
    ("Austria", ""): (0.01, 4),
    ("Bangladesh", ""): (0.05, 15),
    ("Belgium", ""): (0.03, 2),
    ("Brazil", ""): (0.63, 14),
    ("Canada", "British Columbia"): (0.0015, 6),
    ("Canada", "Ontario"): (0.008, 3),
    ("Canada", "Quebec"): (0.012, 3),
    ("Chile", ""): (0.06, 12),
    ("China", "Guangdong"): (0.0002, -55),
    ("China", "Hubei"): (0.0085, -60),
    ("China", "Zhejiang"): (0.0002, -58),
    ("Colombia", ""): (0.12, 28),
    ("Cote d'Ivoire", ""): (0.0025, 8),
    ("Denmark", ""): (0.005, 5),
    ("Denmark", "Faroe Islands"): (0.00006, 4),
    ("Ecuador", ""): (0.02, 5),
    ("Egypt", ""): (0.013, 4),
    ("France", ""): (0.13, 8),
    ("France", "Martinique"): (0.0003, 12),
    ("Germany", ""): (0.05, 1),
    ("India", ""): (0.95, 38),
    ("Indonesia", ""): (0.045, 30),
    ("Iran", ""): (0.065, -10),
    ("Iraq", ""): (0.053, 32),
    ("Israel", ""): (0.037, 30),
    ("Italy", ""): (0.06, -8),
    ("Japan", ""): (0.012, 3),
    ("Korea, South", ""): (0.003, -28),
    ("Mexico", ""): (0.11, 17),
    ("Netherlands", ""): (0.035, 6),
    ("Netherlands", "Bonaire, Sint Eustatius and Saba"): (0.00002, 30),
    ("Nigeria", ""): (0.007, 10),
    ("Peru", ""): (0.11, 6),
    ("Poland", ""): (0.03, 14),
    ("Russia", ""): (0.19, 6),
    ("South Africa", ""): (0.09, 12),
    ("Spain", ""): (0.13, 0),
    ("Sweden", ""): (0.013, 4),
    ("Taiwan*", ""): (0.00007, -20),
    ("Turkey", ""): (0.045, 2),
    ("US", ""): (1.0, 0),
    ("Ukraine", ""): (0.045, 26),
    ("United Kingdom", ""): (0.1, 5),
    ("United Kingdom", "Isle of Man"): (0.00005, -5),
    ("Vietnam", ""): (0.00014, 15),
    ("Zimbabwe", ""): (0.001, 10),
}
"""(country, province) -> how large it is beside the US, and how many days later its waves come."""


@functools.cache
def _place(place: tuple[str, str]) -> tuple[_Curve, _Curve, _Curve]:
    """Confirmed, recovered, deaths."""
    cases, deaths, recoveries = _us()
    if place == ("US", ""):
        return [round(value * 0.996) for value in cases], recoveries, [round(value * 1.012) for value in deaths]
    size, later = _PLACES[place]
    waves = [_Wave(size=wave.size * size, peak=wave.peak + later, width=wave.width) for wave in _US_CASES[:2]]
    return _cumulate(waves), _cumulate(waves, share=lambda _: 0.8, delay=16), _cumulate(waves, share=_fatal, delay=17)


@functools.cache
def _jhu_file(*, upto: str) -> bytes:
    """All countries, a line for each place and date, places in order; names with a comma are quoted."""
    file = io.StringIO()
    write = csv.writer(file, lineterminator="\n").writerow
    write(["Date", "Country/Region", "Province/State", "Confirmed", "Recovered", "Deaths"])
    offset = (_JHU_FROM - _NYT_FROM).days
    for country, province in sorted(_PLACES):
        confirmed, recovered, deaths = _place((country, province))
        for day, date in enumerate(_dates(_JHU_FROM, upto), start=offset):
            write([date, country, province, confirmed[day], recovered[day], deaths[day]])
    return file.getvalue().encode()


def _dates(first: dt.date, upto: str) -> Iterator[dt.date]:
    return (first + dt.timedelta(days=n) for n in range((dt.date.fromisoformat(upto) - first).days + 1))
