"""One series as documents: its four tables, the days that numbers stand for, and every value that it ever had."""

import json
from collections.abc import Mapping, Sequence

from chalicelib.series_store.series_index import SeriesEntry
from chalicelib.tabulation.bucket_labels import By
from chalicelib.tabulation.gaps import usual_step, with_breaks
from chalicelib.tabulation.histories import Entry
from chalicelib.tabulation.observations import from_rows
from chalicelib.tabulation.table_text import DatedTable, to_csv, to_json
from chalicelib.tabulation.tabulating import Tables, tabulate_rows
from shared.dataset import Dataset, Period
from shared.exact import Number, dumps, from_scaled

HISTORY = "history.json"
_LINE = 12
"""Points of the small line."""

type EntriesByDate = Mapping[str, Sequence[Entry]]
"""Date -> every entry that it had, see `chalicelib.tabulation.histories`."""


def tabulate_series(series: str, dates: EntriesByDate, dataset: Dataset) -> Tables:
    rows = {date: entries[-1]["values"] for date, entries in dates.items() if entries[-1]["values"] is not None}
    return tabulate_rows(from_rows({series: rows} if rows else {}, dataset.decimals), dataset)


def series_documents(tables: Tables, dates: EntriesByDate) -> dict[str, bytes]:
    """Name -> document; the same arguments give the same bytes."""
    documents = {f"{name}.json": to_json(table) for name, table in tables.items().items()}
    documents |= {f"{name}.csv": to_csv(table) for name, table in tables.items().items()}
    days = {name: table.days for name, table in tables.increments().items()}
    documents["days.json"] = json.dumps(days, separators=(",", ":")).encode()
    documents[HISTORY] = dumps(dates).encode()
    return documents


def entry_of(tables: Tables, dataset: Dataset, *, run_id: str) -> SeriesEntry:
    """The newest numbers of a series."""
    data = tables.data
    latest = [_latest(data.values[m.name], m.decimals) for m in dataset.measures]
    return SeriesEntry(
        run_id=run_id,
        rows=len(data.dates),
        newest=data.dates[-1] if data.dates else "",
        values=[value for value, _, _ in latest],
        changes=[change for _, change, _ in latest],
        days=[_days_between(data, at) for _, _, at in latest],
        line=_line(tables, dataset),
    )


def _latest(values: Sequence[Number | None], decimals: int) -> tuple[Number | None, Number | None, int | None]:
    """(value of the newest date, difference to the last one before, place of that one)."""
    if not values or values[-1] is None:
        return None, None, None
    for at in range(len(values) - 2, -1, -1):
        before = values[at]
        if before is not None:
            return values[-1], values[-1] - before + from_scaled(0, decimals), at
    return values[-1], None, None


def _days_between(data: DatedTable, at: int | None) -> int | None:
    import datetime as dt

    if at is None:
        return None
    return (dt.date.fromisoformat(data.dates[-1]) - dt.date.fromisoformat(data.dates[at])).days


def _line(tables: Tables, dataset: Dataset) -> list[float | None]:
    by: By = "monthly" if dataset.period is Period.MONTH else "weekly"
    table, first = tables.increments()[by], dataset.measures[0]
    columns = zip(table.values[first.name], (table.whole or {})[first.name], strict=True)
    points = [float(value) if value is not None and (whole or not first.adds_up) else None for value, whole in columns]
    shown = with_breaks(table.dates, points, step=usual_step(table.dates, by))[1][-_LINE:]
    return [point if point is None or point != int(point) else int(point) for point in shown]
