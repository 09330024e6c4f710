"""Two large feeds and the same a day later: generated, always the same, nothing real.

Keys are (date, region), in this order, as those of the county files of the New York Times are. From one day to the
next one line in a thousand is revised, one in ten thousand is new (half of those a new date at the end, half in the
past) and one in twenty thousand is gone: a little more than upstream does. The feeds do not quite agree on their
keys, and the second has a column that is not used, as real ones do.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shared.dataset import Dataset, Feed, Join, Kind, Measure, Series

REGIONS = Dataset(
    name="bench-regions",
    title="Generated regions",
    join=Join.INNER,
    series=Series(label="Region"),
    measures=(
        Measure(name="cases", label="Cases", kind=Kind.TOTAL, minimum=0),
        Measure(name="deaths", label="Deaths", kind=Kind.TOTAL, minimum=0),
        Measure(name="recoveries", label="Recoveries", kind=Kind.TOTAL, minimum=0),
    ),
    feeds=(
        Feed(
            name="left",
            title="Cases and deaths",
            url="http://127.0.0.1/left.csv",
            licence="Generated",
            credit="Generated.",
            date=("date",),
            series=("region",),
            measures={"cases": "cases", "deaths": "deaths"},
        ),
        Feed(
            name="right",
            title="Recoveries",
            url="http://127.0.0.1/right.csv",
            licence="Generated",
            credit="Generated.",
            date=("Date",),
            series=("Region",),
            measures={"recoveries": "Recovered"},
        ),
    ),
)
"""The dataset of the diff benchmarks: two feeds, keys (date, region)."""

DATES = 1000
"""Dates of a feed; it has a thousandth of its rows as regions."""

_STATES = ("Alabama", "Alaska", "Arizona", "California", "Colorado", "Florida", "Georgia", "Idaho", "Iowa", "Kansas")
_FIRST_DAY = np.datetime64("2020-01-21")
_SEED = 20201025

type _Numbers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Days:
    """Files of two consecutive days, one below each feed's name."""

    before: Path
    after: Path
    rows: int
    """Lines of each feed of the first day, the header aside."""

    def file(self, feed: str, *, day: str) -> Path:
        """`day` is `before` or `after`."""
        return (self.before if day == "before" else self.after) / f"{feed}.csv"


def days_in(folder: str) -> Days:
    """What `make_days` made: its folder is named for the rows."""
    path = Path(folder)
    return Days(before=path / "before", after=path / "after", rows=int(path.name))


QUOTED, DECIMAL = "quoted", "decimal"
"""Ways in which the same days are written otherwise: see `rewritten`."""

PRICES = replace(
    REGIONS,
    name="bench-prices",
    measures=tuple(replace(it, kind=Kind.LEVEL, decimals=2, minimum=None) for it in REGIONS.measures),
)
"""The dataset of days that are written with decimals and signs."""


def dataset_in(folder: str) -> Dataset:
    """Of the days in a folder that `make_days` or `rewritten` made."""
    return PRICES if Path(folder).parent.name == DECIMAL else REGIONS


def rewritten(days: Days, way: str) -> Days:
    """The same days with every field quoted, or with two decimals and every third number negative."""
    root = days.before.parent.parent / way / f"{days.rows}"
    made = Days(before=root / "before", after=root / "after", rows=days.rows)
    for old, new in ((days.before, made.before), (days.after, made.after)):
        new.mkdir(parents=True, exist_ok=True)
        for path in old.glob("*.csv"):
            with path.open() as lines, (new / path.name).open("w", newline="\n") as file:
                file.write(_written(next(lines), QUOTED) if way == QUOTED else next(lines))
                file.writelines(_written(line, way) for line in lines)
    return made


def _written(line: str, way: str) -> str:
    fields = line.rstrip("\n").split(",")
    if way == QUOTED:
        return '"' + '","'.join(fields) + '"\n'
    *key, one, two = fields
    return ",".join([*key, _as_price(int(one)), _as_price(int(two))]) + "\n"


def _as_price(number: int) -> str:
    return f"{'-' if number % 3 == 0 else ''}{number // 100}.{number % 100:02d}"


def make_days(folder: Path, *, rows: int) -> Days:
    """Write both days, unless they are there already; `rows` is a multiple of DATES."""
    days = Days(before=folder / f"{rows}" / "before", after=folder / f"{rows}" / "after", rows=rows)
    done = folder / f"{rows}" / "made.json"
    if done.exists():
        return days
    for path in (days.before, days.after):
        path.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(_SEED)
    regions = sorted(f"{_STATES[n % len(_STATES)]} {n:04d}" for n in range(rows // DATES))
    dates = np.datetime_as_string(_FIRST_DAY + np.arange(DATES + 1)).tolist()
    cases = _running_totals(rows, 40, chance)
    deaths, recovered = np.maximum(cases - 400, 0) // 50, cases * 4 // 5
    _write(days, "left", "date,region,cases,deaths", regions, dates, [cases, deaths], chance)
    _write(days, "right", "Date,Region,Confirmed,Recovered", regions, dates, [cases, recovered], chance)
    done.write_text(json.dumps({"rows": rows}))
    return days


def _running_totals(rows: int, most: int, chance: np.random.Generator) -> _Numbers:
    """One number a row, rows in order of (date, region), growing with the date."""
    steps = chance.integers(0, most, size=(DATES, rows // DATES))
    totals: _Numbers = (steps.cumsum(axis=0) + 5).reshape(-1)
    return totals


def _write(
    days: Days,
    feed: str,
    header: str,
    regions: list[str],
    dates: list[str],
    columns: list[_Numbers],
    chance: np.random.Generator,
) -> None:
    rows = days.rows
    lone = set(chance.choice(rows, rows // 10_000, replace=False).tolist())  # keys that this feed does not have yet
    gone = set(chance.choice(rows, rows // 20_000, replace=False).tolist()) - lone
    absent = (lone - set(sorted(lone)[::2])) | gone
    places = chance.choice(rows, rows // 1000, replace=False).tolist()
    revised = dict(zip(places, chance.integers(1, 40, size=len(places)).tolist(), strict=True))
    with (
        days.file(feed, day="before").open("w", newline="\n") as before,
        days.file(feed, day="after").open("w", newline="\n") as after,
    ):
        for file in (before, after):
            file.write(f"{header}\n")
        for day, date in enumerate(dates[:-1]):
            start = day * len(regions)
            pairs = zip(*(column[start : start + len(regions)].tolist() for column in columns), strict=True)
            lines = [f"{date},{region},{one},{two}\n" for region, (one, two) in zip(regions, pairs, strict=True)]
            before.writelines(line for n, line in enumerate(lines, start) if n not in lone)
            for n in revised.keys() & range(start, start + len(regions)):
                lines[n - start] = _revised(lines[n - start], more=revised[n])
            after.writelines(line for n, line in enumerate(lines, start) if n not in absent)
        after.writelines(f"{dates[-1]},{region},90000,1800\n" for region in regions[: rows // 20_000])


def _revised(line: str, *, more: int) -> str:
    """The line with greater numbers; a 0 stays, so that nothing is reported that was not."""
    *key, one, two = line.rstrip("\n").split(",")
    return ",".join([*key, str(int(one) + more), str(int(two) + (more // 2 if int(two) else 0))]) + "\n"
