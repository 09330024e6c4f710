"""Blocks of a file with anything out of the ordinary, each read carefully by itself while the rest is read by column.

So one odd row of a large file costs a block's time, not the file's.
"""

import csv

from chalicelib.csv_reading.csv_rows import CsvRows
from chalicelib.csv_reading.decoding import text_lines
from chalicelib.csv_reading.feed_layout import Layout
from chalicelib.csv_reading.plain_block import NotPlain, lines_are_rows
from chalicelib.csv_reading.row_builder import RowBuilder
from chalicelib.tables import Table
from shared.dataset import Dataset, Feed
from shared.errors import ContractBroken

MOST_FAULTS = 1_000
"""With more faults a file is read again from its beginning, as far as whoever asks wants to know them."""


class CarefulBlocks:
    """Reads odd blocks, and keeps what is wrong in them, in the order of the file."""

    def __init__(self, feed: Feed, dataset: Dataset, *, latest_day: int | None) -> None:
        self._feed, self._dataset, self._latest_day = feed, dataset, latest_day
        self.faults: list[ContractBroken] = []
        self.are_lines = True
        """Whether each row of these blocks is a line by itself."""
        self.size = 0
        """Bytes that were read so."""

    def read(self, block: bytes, layout: Layout, *, lines_before: int) -> Table:
        """The used rows of a block of whole lines.

        Raises NotPlain where only the whole file says what they are: where a field goes on in the next block, where
        rows are wider than the header, or where there are too many faults.
        """
        lines = text_lines(block, self._feed, begins=False)
        rows = CsvRows(lines, self._feed, report=self._keep, lines_before=lines_before)
        builder = RowBuilder(layout, self._feed, self._dataset, latest_day=self._latest_day, report=self._keep)
        builder.add_all(rows)
        if builder.width not in (None, layout.width):
            raise NotPlain
        self.size += len(block)
        self.are_lines = self.are_lines and lines_are_rows(block, self._feed.delimiter)
        return builder.table()

    def _keep(self, fault: ContractBroken) -> None:
        if isinstance(fault.__cause__, csv.Error) or len(self.faults) == MOST_FAULTS:
            raise NotPlain
        self.faults.append(fault)
