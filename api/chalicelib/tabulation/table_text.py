"""Tables as text: JSON and CSV whose rows are lines that begin with the date, which is what slicing relies on."""

import io
import json
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.tabulation.row_text import csv_header, defused, join_json
from shared.exact import Number, loads


@dataclass(frozen=True, kw_only=True)
class DatedTable:
    """Columns of equal length, in order of (date, series)."""

    dates: Sequence[str]
    """ISO dates: the day, or the last day of a week or month."""
    series: Sequence[str] | None
    """The series of each row; None where the dataset has one only."""
    values: Mapping[str, Sequence[Number | None]]
    """Measure -> its values."""
    whole: Mapping[str, Sequence[bool]] | None = None
    """Measure -> whether each number stands for exactly its row's day, week or month; true where there is none.
    None for the values as published."""
    days: Mapping[str, Sequence[int | None]] | None = None
    """Measure -> the days that each number stands for."""

    @property
    def complete(self) -> list[bool] | None:
        """Of each row whether every number in it stands for exactly its day, week or month."""
        if self.whole is None:
            return None
        return [all(row) for row in zip(*self.whole.values(), strict=True)]

    def only(self, series: str) -> "DatedTable":
        """The rows of one series, as a table of one series."""
        if self.series is None:
            return self
        return replace(self._rows([n for n, name in enumerate(self.series) if name == series]), series=None)

    def since(self, date: str) -> "DatedTable":
        """The rows from this date on."""
        return self._rows(range(bisect_left(self.dates, date), len(self.dates)))

    def _rows(self, chosen: Sequence[int]) -> "DatedTable":
        def of(columns: Mapping[str, Sequence[Any]] | None) -> Any:
            return columns and {name: [column[n] for n in chosen] for name, column in columns.items()}

        return DatedTable(
            dates=[self.dates[n] for n in chosen],
            series=self.series and [self.series[n] for n in chosen],
            values=of(self.values),
            whole=of(self.whole),
            days=of(self.days),
        )


def to_json(table: DatedTable) -> bytes:
    """A JSON array of `{"date", "series"?, measures..., "complete"?}`; `complete` where rows have days to stand for."""
    return join_json(list(_json_rows(table))).encode()


def from_json(body: bytes, measures: Sequence[str]) -> DatedTable:
    """The dates, series and values of the table that `to_json` wrote."""
    rows = loads(body)
    several = bool(rows) and "series" in rows[0]
    return DatedTable(
        dates=[row["date"] for row in rows],
        series=[row["series"] for row in rows] if several else None,
        values={measure: [row[measure] for row in rows] for measure in measures},
    )


def to_csv(table: DatedTable) -> bytes:
    """The same as CSV; null is empty, `complete` is true or false."""
    import csv  # deferred: only who renders writes CSV

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(csv_header(table.values, series=table.series is not None, complete=table.whole is not None))
    writer.writerows(_csv_rows(table))
    return out.getvalue().encode()


def _json_rows(table: DatedTable) -> Iterator[str]:
    names = [f"{json.dumps(measure)}:" for measure in table.values]
    complete = table.complete
    for n, (date, *values) in enumerate(zip(table.dates, *table.values.values(), strict=True)):
        series = f'"series":{json.dumps(table.series[n], ensure_ascii=False)},' if table.series is not None else ""
        numbers = ",".join(name + (_number(v) or "null") for name, v in zip(names, values, strict=True))
        end = "" if complete is None else ',"complete":true' if complete[n] else ',"complete":false'
        yield f'{{"date":"{date}",{series}{numbers}{end}}}'


def _csv_rows(table: DatedTable) -> Iterator[list[str]]:
    for date, *rest in csv_cells(table):
        yield [date, defused(rest[0]), *rest[1:]] if table.series is not None else [date, *rest]


def csv_cells(table: DatedTable) -> Iterator[list[str]]:
    """The rows as cells, names as they are."""
    complete = table.complete
    for n, (date, *values) in enumerate(zip(table.dates, *table.values.values(), strict=True)):
        series = [table.series[n]] if table.series is not None else []
        end = [] if complete is None else ["true" if complete[n] else "false"]
        yield [date, *series, *map(_number, values), *end]


def _number(value: Number | None) -> str:
    """With all its decimals; empty for null."""
    return "" if value is None else str(value) if isinstance(value, int) else f"{value:f}"
