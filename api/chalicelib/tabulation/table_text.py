"""Tables as text: JSON and CSV whose rows are lines that begin with the date, which is what slicing relies on."""

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a formula begins with in the spreadsheets there are; the last four are the full-width forms."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Columns of equal length, in order of (date, series)."""

    dates: Sequence[str]
    """ISO dates: the day, or the last day of a week or month."""
    series: Sequence[str] | None
    """The series of each row; None where the dataset has one only."""
    values: Mapping[str, Sequence[int | None]]
    """Measure -> its values."""
    open_after: str | None = None
    """The newest date in the data, for weeks and months: a bucket labelled later is still open."""

    def only(self, series: str) -> "Table":
        """The rows of one series, as a table of one series."""
        if self.series is None:
            return self
        mine = [n for n, name in enumerate(self.series) if name == series]
        values = {measure: [column[n] for n in mine] for measure, column in self.values.items()}
        return replace(self, dates=[self.dates[n] for n in mine], series=None, values=values)

    def last(self, count: int) -> "Table":
        """The last rows of a table of one series."""
        values = {measure: column[-count:] for measure, column in self.values.items()}
        return replace(self, dates=self.dates[-count:], values=values)

    def with_open_after(self, newest: str) -> "Table":
        return replace(self, open_after=newest)

    def is_open(self, date: str) -> bool:
        return self.open_after is not None and date > self.open_after


def to_json(table: Table) -> bytes:
    """A JSON array of `{"date", "series"?, measures..., "complete": false?}`."""
    return join_json(list(_json_rows(table))).encode()


def from_json(body: bytes, measures: Sequence[str]) -> Table:
    """The table that `to_json` wrote, but for which buckets are open."""
    rows = json.loads(body)
    several = bool(rows) and "series" in rows[0]
    return Table(
        dates=[row["date"] for row in rows],
        series=[row["series"] for row in rows] if several else None,
        values={measure: [row[measure] for row in rows] for measure in measures},
    )


def join_json(rows: Sequence[str]) -> str:
    return "[\n" + ",\n".join(rows) + "\n]\n" if rows else "[]\n"


def to_csv(table: Table) -> bytes:
    """The same as CSV; null is empty; weeks and months have a column `complete` (true or false)."""
    import csv  # deferred: only who renders writes CSV

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(csv_header(table.values, series=table.series is not None, buckets=table.open_after is not None))
    writer.writerows(_csv_rows(table))
    return out.getvalue().encode()


def csv_header(measures: Iterable[str], *, series: bool, buckets: bool) -> list[str]:
    return ["date", *(["series"] if series else []), *measures, *(["complete"] if buckets else [])]


def defused(name: str) -> str:
    """A series' name as a cell that no spreadsheet takes for a formula: with an apostrophe where it might.

    Names are upstream's; the numbers in other cells are ours, and stay numbers when they are negative.
    """
    return f"'{name}" if name.startswith(_FORMULAS) else name


def _json_rows(table: Table) -> Iterator[str]:
    names = [f"{json.dumps(measure)}:" for measure in table.values]
    for n, (date, *values) in enumerate(zip(table.dates, *table.values.values(), strict=True)):
        series = f'"series":{json.dumps(table.series[n], ensure_ascii=False)},' if table.series is not None else ""
        numbers = ",".join(name + ("null" if v is None else str(v)) for name, v in zip(names, values, strict=True))
        complete = ',"complete":false' if table.is_open(date) else ""
        yield f'{{"date":"{date}",{series}{numbers}{complete}}}'


def _csv_rows(table: Table) -> Iterator[list[str | int | None]]:
    for n, (date, *values) in enumerate(zip(table.dates, *table.values.values(), strict=True)):
        series = [defused(table.series[n])] if table.series is not None else []
        complete = ["false" if table.is_open(date) else "true"] if table.open_after is not None else []
        yield [date, *series, *values, *complete]
