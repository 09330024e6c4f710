"""A table of all series as blocks of some dates each, so that a page reads few and a commit rewrites few.

A block has the rows of its dates as lines of CSV, in order of date and series, and beside them the days that their
numbers stand for. Names are as they are: who makes a file of them for spreadsheets defuses them.
"""

import csv
import io
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from chalicelib.tabulation.table_text import DatedTable, csv_cells

ROWS = 40_000
"""A block is cut where it has about so many rows, never within a date."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TableLine:
    """One row."""

    text: str
    """Without the newline."""
    days: str
    """The same of the days; empty for the values as published."""


type Dated = tuple[str, int]
"""Date, and the place of the series among all."""
type TableChanges = Mapping[str, Mapping[str, TableLine | None]]
"""Date -> series -> the row as it is now, None where it is gone."""


def table_lines(table: DatedTable) -> dict[str, TableLine]:
    """Date -> row of a table of one series."""
    days = list(_days_of(table)) if table.days else [""] * len(table.dates)
    lines = _written(csv_cells(table))
    return {date: TableLine(text=text, days=its) for date, text, its in zip(table.dates, lines, days, strict=True)}


def _days_of(table: DatedTable) -> Iterator[str]:
    for row in zip(*(table.days or {}).values(), strict=True):
        yield ",".join("" if one is None else str(one) for one in row)


def _written(rows: Iterator[list[str]]) -> list[str]:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().split("\n")[:-1]


def series_of(text: str) -> str:
    """The series of a row."""
    return text[11:].partition(",")[0] if text[11:12] != '"' else next(csv.reader([text]))[1]


def cut_into_blocks(lines: Sequence[TableLine]) -> Iterator[Sequence[TableLine]]:
    """Rows in order, in blocks of whole dates."""
    start = 0
    while start < len(lines):
        end = start + ROWS
        if end < len(lines):
            date = lines[end].text[:10]
            while end > start and lines[end - 1].text[:10] == date:
                end -= 1
            if end == start:  # one date has more rows than a block
                end = start + ROWS
                while end < len(lines) and lines[end].text[:10] == date:
                    end += 1
        yield lines[start:end]
        start = min(end, len(lines))


def spliced(lines: Sequence[TableLine], changes: TableChanges, ranks: Mapping[str, int]) -> list[TableLine]:
    """The rows of a block with what changed; only dates that did are looked into."""
    made: list[TableLine] = []
    at = 0
    for date, rows in sorted(changes.items()):
        low, high = _places(lines, date, at)
        made += lines[at:low]
        of_date: dict[str, TableLine | None] = {series_of(line.text): line for line in lines[low:high]}
        of_date |= rows
        kept = {series: line for series, line in of_date.items() if line is not None}
        made += [kept[series] for series in sorted(kept, key=ranks.__getitem__)]
        at = high
    return [*made, *lines[at:]]


def _places(lines: Sequence[TableLine], date: str, start: int) -> tuple[int, int]:
    """Where the rows of a date are, or would be."""
    return (
        bisect_left(lines, date, lo=start, key=lambda line: line.text[:10]),
        bisect_right(lines, date, lo=start, key=lambda line: line.text[:10]),
    )


def changes_between(
    before: Mapping[str, TableLine], after: Mapping[str, TableLine]
) -> Iterator[tuple[str, TableLine | None]]:
    """(date, row as it is now) of one series, wherever it is not as it was."""
    for date, line in after.items():
        if before.get(date) != line:
            yield date, line
    for date in before:
        if date not in after:
            yield date, None


def to_documents(lines: Sequence[TableLine]) -> dict[str, bytes]:
    """A block as the documents of a bundle."""
    return {
        "rows.csv": "".join(f"{line.text}\n" for line in lines).encode(),
        "days.csv": "".join(f"{line.days}\n" for line in lines).encode(),
    }


def from_texts(rows: str, days: str) -> list[TableLine]:
    return [
        TableLine(text=text, days=its) for text, its in zip(rows.split("\n")[:-1], days.split("\n")[:-1], strict=True)
    ]
