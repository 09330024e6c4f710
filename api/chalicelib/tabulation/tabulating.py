"""From the published values to the four tables: as published, and by day, week and month."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from chalicelib.tabulation.adding_up import Amounts, amounts, group_rows
from chalicelib.tabulation.bucket_labels import By
from chalicelib.tabulation.observations import Ints, Observations, iso_dates, listed, read_snapshot
from chalicelib.tabulation.spans import spans
from chalicelib.tabulation.table_text import DatedTable
from shared.dataset import Dataset
from shared.exact import Number


@dataclass(frozen=True, kw_only=True)
class Tables:
    """What `/data`, `/daily`, `/weekly` and `/monthly` answer with."""

    data: DatedTable
    """The values as published."""
    daily: DatedTable
    """Of a total what each date added, of all else the values as published."""
    weekly: DatedTable
    """Weeks that end on Sunday, labelled by it."""
    monthly: DatedTable
    """Months, labelled by their last day."""

    def items(self) -> Mapping[str, DatedTable]:
        return vars(self)

    def increments(self) -> Mapping[By, DatedTable]:
        return {"daily": self.daily, "weekly": self.weekly, "monthly": self.monthly}

    def only(self, series: str) -> "Tables":
        """The tables of one series."""
        return Tables(**{name: table.only(series) for name, table in vars(self).items()})


def tabulate(snapshot: bytes, dataset: Dataset) -> Tables:
    """The tables of a snapshot, see `read_snapshot`."""
    return tabulate_rows(read_snapshot(snapshot, dataset), dataset)


def tabulate_rows(rows: Observations, dataset: Dataset) -> Tables:
    order = np.lexsort((rows.codes, rows.days))
    published = DatedTable(
        dates=iso_dates(rows.days[order]),
        series=_names(rows, rows.codes[order], dataset),
        values={
            m.name: listed(rows.columns[m.name].numbers[order], rows.columns[m.name].there[order], m.decimals)
            for m in dataset.measures
        },
    )
    return Tables(
        data=published,
        daily=_table(rows, dataset, by="daily"),
        weekly=_table(rows, dataset, by="weekly"),
        monthly=_table(rows, dataset, by="monthly"),
    )


def _table(rows: Observations, dataset: Dataset, *, by: By) -> DatedTable:
    its_spans = spans(rows.days, by=by, period=dataset.period)
    groups = group_rows(rows, its_spans)
    found = {m.name: amounts(m, rows, its_spans, groups) for m in dataset.measures}
    order = np.lexsort((groups.codes, groups.labels))
    return DatedTable(
        dates=iso_dates(groups.labels[order]),
        series=_names(rows, groups.codes[order], dataset),
        values={m.name: _numbers(found[m.name], order, m.decimals) for m in dataset.measures},
        whole={name: it.whole[order].tolist() for name, it in found.items()},
        days={name: _days(it, order) for name, it in found.items()},
    )


def _numbers(found: Amounts, order: Ints, decimals: int) -> list[Number | None]:
    return listed(found.numbers[order], found.there[order], decimals)


def _names(rows: Observations, codes: Ints, dataset: Dataset) -> list[str] | None:
    return [rows.names[code] for code in codes.tolist()] if dataset.has_series else None


def _days(found: Amounts, order: Ints) -> list[int | None]:
    return [days or None for days in found.days[order].tolist()]
