"""From a snapshot to the four tables: cumulative, and increments by day, week and month."""

import io
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.tabulation.table_text import Table
from shared.dataset import Dataset


@dataclass(frozen=True, kw_only=True)
class Tables:
    """What `/data`, `/daily`, `/weekly` and `/monthly` answer with."""

    data: Table
    """The values as published."""
    daily: Table
    """This date minus the present date before it; the first date's own value."""
    weekly: Table
    """Sums over weeks that end on Sunday, labelled by it; null where every day is null."""
    monthly: Table
    """The same over months, labelled by their last day."""

    def items(self) -> Mapping[str, Table]:
        return vars(self)

    def increments(self) -> Mapping[str, Table]:
        return {"daily": self.daily, "weekly": self.weekly, "monthly": self.monthly}

    def cumulative(self, by: str) -> Table:
        """The published values, of all dates or of the last one in each week or month."""
        if by == "daily":
            return self.data
        buckets = getattr(self, by)
        ends = [bisect_right(self.data.dates, label) - 1 for label in buckets.dates]
        return Table(
            dates=buckets.dates,
            series=None,
            values={name: [column[n] for n in ends] for name, column in self.data.values.items()},
            open_after=buckets.open_after,
        )

    def only(self, series: str) -> "Tables":
        """The tables of one series."""
        return Tables(**{name: table.only(series) for name, table in vars(self).items()})


def tabulate(snapshot: bytes, dataset: Dataset) -> Tables:
    """`snapshot` is CSV: `series,date,<measures...>,run_id`, null is empty."""
    frame = _read(snapshot, dataset)
    increments = _increments(frame, dataset)
    newest = max(frame["date"], default="")
    day = _days(increments["date"])
    weeks = increments.assign(date=_iso(day + _to_sunday(day)))
    months = increments.assign(date=_iso(day + _to_month_end(day)))
    return Tables(
        data=_table(frame, dataset),
        daily=_table(increments, dataset),
        weekly=_table(_sums(weeks, dataset), dataset, open_after=newest),
        monthly=_table(_sums(months, dataset), dataset, open_after=newest),
    )


def _read(snapshot: bytes, dataset: Dataset) -> Any:
    import pandas as pd  # deferred: a quarter of a second that only rendering pays for

    frame = pd.read_csv(
        io.BytesIO(snapshot),
        usecols=["series", "date", *dataset.measure_names],
        dtype={"series": str, "date": str} | dict.fromkeys(dataset.measure_names, "Int64"),
        keep_default_na=False,  # a series may be called NA
        na_values={name: [""] for name in dataset.measure_names},
    )
    return frame.sort_values(["date", "series"], kind="stable", ignore_index=True)


def _increments(frame: Any, dataset: Dataset) -> Any:
    names = list(dataset.measure_names)
    by_series = frame.groupby("series", sort=False)
    before = by_series[names].shift()
    first = by_series.cumcount() == 0
    return frame.assign(**{name: frame[name].where(first, frame[name] - before[name]) for name in names})


def _sums(frame: Any, dataset: Dataset) -> Any:
    groups = frame.groupby(["date", "series"], sort=True)[list(dataset.measure_names)]
    return groups.sum(min_count=1).reset_index()


def _days(dates: Any) -> Any:
    import pandas as pd

    return pd.to_datetime(dates, format="%Y-%m-%d")


def _to_sunday(day: Any) -> Any:
    import pandas as pd

    return pd.to_timedelta(6 - day.dt.day_of_week, unit="D")


def _to_month_end(day: Any) -> Any:
    import pandas as pd

    return pd.to_timedelta(day.dt.days_in_month - day.dt.day, unit="D")


def _iso(day: Any) -> Any:
    return day.dt.strftime("%Y-%m-%d")


def _table(frame: Any, dataset: Dataset, *, open_after: str | None = None) -> Table:
    return Table(
        dates=frame["date"].tolist(),
        series=frame["series"].tolist() if dataset.has_series else None,
        values={name: _plain(frame[name]) for name in dataset.measure_names},
        open_after=open_after,
    )


def _plain(column: Any) -> list[int | None]:
    plain: list[int | None] = column.astype(object).where(column.notna(), None).tolist()
    return plain
