"""The outlook's bands against what came, over the vintages of real feeds; and completeness against pandas."""

import csv
import io
import json
import tarfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any

import pytest

from chalicelib.vintages.completeness import describe
from chalicelib.vintages.outlook import outlook, ratio_of
from chalicelib.vintages.value_paths import Path, value_paths
from chalicelib.vintages.version_table import Version, VersionTable
from shared.changes import ChangeSet
from shared.dataset import Dataset, Measure
from shared.datasets import find_dataset
from shared.outlook_words import AHEAD, rounded
from tests.proof.corpus import FEEDS, WHY_NOT
from tests.proof.days import oracle_rows
from tests.shared.declared import US_COVID

NHSN = find_dataset("us-hospital-admissions")

type States = list[tuple[str, Mapping[tuple[str, str], tuple[int | None, ...]]]]
"""(run, (series, date) -> values), oldest first."""


def versions_of(states: States, dataset: Dataset) -> list[Version]:
    table = VersionTable(dataset.measure_names)
    for run_id, rows in states:
        added = [
            {"series": series, "date": date, **dict(zip(dataset.measure_names, values, strict=True))}
            for (series, date), values in rows.items()
        ]
        change = ChangeSet(run_id=run_id, base_run_id=None, added=added, changed=[], removed=[])
        table.add(change, known_from=run_id)
    return table.versions()


@pytest.fixture(scope="module")
def dev() -> States:
    archive = FEEDS / "dev" / "oracle.tar.xz"
    if not archive.exists():
        pytest.skip(WHY_NOT)
    with tarfile.open(archive, "r:xz") as days:
        found = {
            FilePath(member.name).stem: json.loads(file.read())
            for member in days
            if (file := days.extractfile(member)) is not None
        }
    return [
        (f"{day}T17:00:00Z", {key: tuple(row.values()) for key, row in oracle_rows(it).items()})
        for day, it in sorted(found.items())
    ]


@pytest.fixture(scope="module")
def nhsn() -> States:
    archive = FEEDS / "nhsn" / "pack.tar.xz"
    if not archive.exists():
        pytest.skip(WHY_NOT)
    columns = list(NHSN.feeds[0].measures.values())
    states = []
    with tarfile.open(archive, "r:xz") as releases:
        for member in releases:
            file = releases.extractfile(member) if member.name.endswith("nhsn.csv") else None
            if file is not None:
                rows = {
                    (row["jurisdiction"], row["weekendingdate"][:10]): tuple(
                        int(float(row[column])) if row[column] else None for column in columns
                    )
                    for row in csv.DictReader(io.StringIO(file.read().decode()))
                }
                states.append((f"{FilePath(member.name).parent.name}T17:00:00Z", rows))
    return sorted(states, key=lambda it: it[0])


def coverage(states: States, dataset: Dataset) -> tuple[int, float]:
    """How many bands were stated at first reports, and the share of them that what came lay within."""
    ahead, versions, hits = AHEAD[dataset.period][0], versions_of(states, dataset), list[bool]()
    for measure in dataset.measures:
        by_series: dict[str, list[Path]] = defaultdict(list)
        for path in value_paths(versions, dataset, measure, last_run=states[-1][0]):
            by_series[path.series].append(path)
        for paths in by_series.values():
            hits += _hits(paths, ahead)
    return len(hits), sum(hits) / len(hits)


def _hits(paths: list[Path], ahead: int) -> Iterable[bool]:
    for place, path in enumerate(paths):
        if path.first_lag is None:
            continue
        today = path.day.toordinal() + path.first_lag
        found = outlook(paths[:place], lag=path.first_lag, ahead=ahead, on_day=today)
        came = ratio_of(path, lag=path.first_lag, ahead=ahead)
        if found is not None and found.is_band and came is not None:
            yield rounded(found.low) <= rounded(came) <= rounded(found.high)


@pytest.mark.feeds
def test_of_what_was_said_of_us_days_75_to_85_percent_came(dev: States) -> None:
    count, share = coverage(dev, US_COVID)
    assert count > 100
    assert 0.75 <= share <= 0.85


@pytest.mark.feeds
def test_of_what_was_said_of_admissions_75_to_85_percent_came(nhsn: States) -> None:
    count, share = coverage(nhsn, NHSN)
    assert count > 1000
    assert 0.75 <= share <= 0.85


@pytest.mark.feeds
def test_completeness_is_what_pandas_makes_of_the_releases(nhsn: States) -> None:
    measure, series = NHSN.measure("flu"), "USA"
    versions = [it for it in versions_of(nhsn, NHSN) if it.series == series]
    found = describe(value_paths(versions, NHSN, measure, last_run=nhsn[-1][0]), period=NHSN.period)
    assert found["by_lag"] == list(_in_pandas(nhsn, series, measure, found["horizon_days"]))
    assert found["dates"] > 40


def _in_pandas(states: States, series: str, measure: Measure, horizon: int) -> Iterable[dict[str, Any]]:
    """The same, from a frame with a column for each day: the state at its end."""
    import pandas as pd

    place = NHSN.measure_names.index(measure.name)
    frame = pd.DataFrame(
        {
            pd.Timestamp(run_id[:10]): {
                pd.Timestamp(date): row[place] for (name, date), row in rows.items() if name == series
            }
            for run_id, rows in states
        },
        dtype="Float64",
    )
    frame = frame.reindex(columns=pd.date_range(frame.columns[0], frame.columns[-1]))
    runs = {pd.Timestamp(run_id[:10]) for run_id, _ in states}
    for before, now in zip(frame.columns, frame.columns[1:], strict=False):
        if now not in runs:
            frame[now] = frame[before]

    def at(lag: int) -> Any:
        days = {date: date + pd.Timedelta(days=lag) for date in frame.index}
        return pd.Series({date: frame.at[date, then] for date, then in days.items() if then in frame.columns})

    final = at(horizon).dropna()
    final = final[final != 0]
    for lag in (0, 1, 2, 3, 4, 5, 6, 7, 10, 14, 21, 28, 42, 56, 84, 112, 168, 252, 364):
        if lag > horizon:
            return
        known = at(lag)
        followed = final.index.intersection(known.index)
        shares = (known[followed] / final[followed]).dropna().astype(float)
        if len(shares) >= 20:
            low, middle, high = (round(float(shares.quantile(share)), 4) for share in (0.1, 0.5, 0.9))
            yield {
                "lag": lag,
                "median": middle,
                "low": low,
                "high": high,
                "dates": len(shares),
                "reported": round(len(shares) / len(followed), 4),
            }
