"""The outlook's bands against what came, over the vintages of real feeds; and completeness against pandas."""

from collections.abc import Iterable
from typing import Any

import pytest

from chalicelib.vintages.completeness import describe
from chalicelib.vintages.value_paths import value_paths
from shared.dataset import Measure
from tests.proof.backtesting import (
    DEV,
    LEAST,
    MOST,
    NHSN,
    RELEASES,
    States,
    coverage,
    nhsn_releases,
    us_days,
    versions_of,
)
from tests.proof.corpus import WHY_NOT
from tests.shared.declared import US_COVID


@pytest.fixture(scope="module")
def dev() -> States:
    if not DEV.exists():
        pytest.skip(WHY_NOT)
    return us_days()


@pytest.fixture(scope="module")
def nhsn() -> States:
    if not RELEASES.exists():
        pytest.skip(WHY_NOT)
    return nhsn_releases()


@pytest.mark.feeds
def test_of_what_was_said_of_us_days_75_to_85_percent_came(dev: States) -> None:
    count, share = coverage(dev, US_COVID)
    assert count > 100
    assert LEAST <= share <= MOST


@pytest.mark.feeds
def test_of_what_was_said_of_admissions_75_to_85_percent_came(nhsn: States) -> None:
    count, share = coverage(nhsn, NHSN)
    assert count > 1000
    assert LEAST <= share <= MOST


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
