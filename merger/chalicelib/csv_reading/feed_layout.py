"""Where a file has the columns that a feed's declaration names."""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.csv_reading.field_rules import day_by_format
from shared.dataset import Feed
from shared.errors import ContractBroken


@dataclass(frozen=True, kw_only=True)
class DateColumn:
    """A column of a wide file: the values of one date."""

    place: int
    heading: str
    day: int


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Places of columns in a row, counted from 0."""

    line: int
    """Of the header."""
    width: int
    """Columns of the header: every row has as many fields, see `row_width`."""
    date: Sequence[int]
    """Empty for a wide file."""
    series: Sequence[int]
    measures: Sequence[tuple[str, str, int]]
    """Measure, column and place; none for a wide file."""
    where: Sequence[tuple[int, Sequence[str]]]
    """Place, and the values of which a row must have one."""
    where_not: Sequence[tuple[int, Sequence[str]]]
    date_columns: Sequence[DateColumn]
    """Of a wide file."""
    trailing: bool
    """Whether the header ends with a delimiter."""

    def row_width(self, first_row: Sequence[str]) -> int:
        """Fields of every row, by the first: a delimiter at the end may be on the header alone, or on rows alone."""
        fields = len(first_row)
        if fields == self.width + 1 and not first_row[-1].strip():
            return fields
        return fields if self.trailing and fields == self.width - 1 else self.width


def layout_faults(header: Sequence[str], feed: Feed, *, line: int = 1) -> list[ContractBroken]:
    """What a header, on this line, lacks, or has too often."""
    shown = ",".join(header)
    faults = [
        ContractBroken(
            feed=feed.name,
            line=line,
            column=column,
            value=shown,
            allowed=f"column {column!r} is needed once and is there {header.count(column)} times",
        )
        for column in feed.columns
        if header.count(column) != 1
    ]
    if feed.wide and not _date_columns(header, feed):
        allowed = f"a column headed by a date as {feed.dates_in_header} is needed"
        faults.append(ContractBroken(feed=feed.name, line=line, column="", value=shown, allowed=allowed))
    return faults


def find_layout(header: Sequence[str], feed: Feed, *, line: int = 1) -> Layout:
    """The layout of a file with this header. Raises ContractBroken for the first column that is not there once."""
    for fault in layout_faults(header, feed, line=line):
        raise fault
    return Layout(
        line=line,
        width=len(header),
        date=[header.index(column) for column in feed.date],
        series=[header.index(column) for column in feed.series],
        measures=[] if feed.wide else [(name, column, header.index(column)) for name, column in feed.measures.items()],
        where=[(header.index(column), values) for column, values in feed.where.items()],
        where_not=[(header.index(column), values) for column, values in feed.where_not.items()],
        date_columns=_date_columns(header, feed),
        trailing=bool(header) and not header[-1],
    )


def _date_columns(header: Sequence[str], feed: Feed) -> list[DateColumn]:
    if not feed.wide:
        return []
    days = [None if name in feed.columns else day_by_format(name, feed.dates_in_header) for name in header]
    return [
        DateColumn(place=place, heading=header[place], day=day) for place, day in enumerate(days) if day is not None
    ]
