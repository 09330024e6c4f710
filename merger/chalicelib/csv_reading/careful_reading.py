"""The definition of reading a feed: every used row, one by one, with line, column and value in what is wrong.

The contract looks at the columns and rows that are used and at nothing else of the file.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.csv_reading.csv_rows import CsvRow, CsvRows, FaultHandler, raise_it
from chalicelib.csv_reading.decoding import file_fault, text_lines
from chalicelib.csv_reading.feed_layout import Layout, find_layout, layout_faults
from chalicelib.csv_reading.row_builder import RowBuilder
from chalicelib.tables import Table, empty_table
from shared.dataset import Dataset, Feed
from shared.errors import ContractBroken


@dataclass(frozen=True, kw_only=True)
class CarefulRows:
    """What careful reading comes to."""

    table: Table
    as_headed: bool
    """Whether rows have as many fields as the header."""


def read_carefully(
    data: bytes, feed: Feed, dataset: Dataset, *, latest_day: int | None = None, report: FaultHandler = raise_it
) -> CarefulRows:
    """All used rows of an unpacked file.

    `latest_day` is the ordinal of the last date allowed, None: any. `report` is given every fault in the order of the
    file; where it does not raise, what is wrong is left out and the rest is read.
    """
    rows = CsvRows(text_lines(data, feed), feed, report=report)
    nothing = CarefulRows(table=empty_table(feed.measures), as_headed=True)
    try:
        line, header = rows.header()
    except ContractBroken as empty:
        report(empty)
        return nothing
    faults = layout_faults(header, feed, line=line)
    for fault in faults:
        report(fault)
    if faults:
        return nothing
    layout = find_layout(header, feed, line=line)
    builder = RowBuilder(layout, feed, dataset, latest_day=latest_day, report=report)
    builder.add_all(rows)
    if not builder.seen_used:
        report(file_fault(feed, f"{none_used(feed)}; at least one is needed"))
    return CarefulRows(table=builder.table(), as_headed=builder.width in (None, layout.width))


def read_rows(rows: Iterable[CsvRow], layout: Layout, feed: Feed, dataset: Dataset, *, latest_day: int | None) -> Table:
    """The used ones among some rows; there may be none. Raises ContractBroken."""
    builder = RowBuilder(layout, feed, dataset, latest_day=latest_day, width=layout.width)
    builder.add_all(rows)
    return builder.table()


def none_used(feed: Feed) -> str:
    """Why a file without a used row has none."""
    wanted = [f"{column}={' or '.join(map(repr, values))}" for column, values in feed.where.items()]
    wanted += [f"no {column}={' or '.join(map(repr, values))}" for column, values in feed.where_not.items()]
    return f"no row has {' and '.join(wanted)}" if wanted else "there is no row below the header"
