"""One range of a feed's file, read by the parser that the merger uses.

What cannot be known from a range alone is left open: how wide the rows of the file are, whether an earlier range has a
key already, whether a row goes on in the next one. `chalicelib.csv_reading` stays the definition of all else.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from chalicelib.csv_reading.csv_rows import CsvRow, CsvRows, is_blank
from chalicelib.csv_reading.decoding import file_fault, text_lines
from chalicelib.csv_reading.feed_layout import Layout
from chalicelib.csv_reading.plain_block import NotPlain, lines_are_rows
from chalicelib.csv_reading.plain_lines import may_be_plain, read_plain_lines
from chalicelib.csv_reading.row_builder import RowBuilder
from chalicelib.tables import Ints, Table, day_and_code, make_key
from shared.dataset import Dataset, Feed, Repeated
from shared.errors import ContractBroken
from spark_job.cutting import NotCut, count_lines

_BLOCK = 1 << 19


@dataclass(frozen=True, kw_only=True)
class RangeRead:
    """What a range holds. Lines are counted from its first one, which is 1."""

    table: Table
    """Its used rows, each key once: the first, the last or the sum of those that it has."""
    again: Ints
    """Keys that it has more than once, of a feed that refuses them."""
    fault: ContractBroken | None
    """The first one; what comes behind it is not read."""
    lines: int
    width: int | None
    """Fields of a row, by its first used one; None where it has none."""
    plain: bool
    """Whether every row is one line, as it would be of a file of its own."""


def read_range(
    data: bytes, layout: Layout, feed: Feed, dataset: Dataset, *, latest_day: int, width: int | None, last: bool
) -> RangeRead:
    """The rows of whole lines below a header.

    `width` is that of the file's rows, None where it is not known; `last`, whether the file ends with these lines.
    Raises NotCut where the lines are no rows, or sums of this range alone say nothing.
    """
    lines = count_lines(data)
    table = _read_plainly(data, layout, feed, dataset) if width in (None, layout.width) else None
    if table is not None and (not len(table) or int(table.days[-1]) <= latest_day):
        none = np.empty(0, dtype=np.int64)
        found = layout.width if len(table) else None
        return RangeRead(table=table, again=none, fault=None, lines=lines, width=found, plain=True)
    builder = RangeBuilder(layout, feed, dataset, latest_day=latest_day, width=width)
    fault = None
    try:
        builder.add_all(LinesAsRows(text_lines(data, feed, begins=False), feed, last=last))
    except ContractBroken as error:
        fault = error
    return RangeRead(
        table=builder.table(),
        again=builder.again(),
        fault=fault,
        lines=lines,
        width=builder.width if builder.seen_used else None,
        plain=builder.width in (None, layout.width) and lines_are_rows(data, feed.delimiter),
    )


def _read_plainly(data: bytes, layout: Layout, feed: Feed, dataset: Dataset) -> Table | None:
    if not may_be_plain(feed):
        return None
    try:
        return read_plain_lines(_blocks(data), layout, feed, dataset)
    except NotPlain:
        return None


def _blocks(data: bytes) -> Iterator[bytes]:
    """Whole lines with line ends of one character, so few that they stay in the processor's cache."""
    start = 0
    while start < len(data):
        end = data.rfind(b"\n", start, start + _BLOCK) + 1
        if not end:
            if len(data) - start > _BLOCK and b"\n" in data[start : len(data) - 1]:
                raise NotPlain
            end = len(data)
        block = data[start:end]
        start = end
        block = block.replace(b"\r\n", b"\n") if b"\r" in block else block
        yield block if block.endswith(b"\n") else block.removesuffix(b"\r") + b"\n"


class LinesAsRows(CsvRows):
    """Rows of lines below a header, each of which must be one line."""

    def __init__(self, lines: Iterable[str], feed: Feed, *, last: bool) -> None:
        super().__init__(lines, feed)
        self._last = last

    def _read(self) -> Iterator[CsvRow]:
        reader, before = self._reader, 0
        while True:
            try:
                for fields in reader:
                    self._within = False
                    if reader.line_num - before > 1:
                        raise NotCut
                    before = reader.line_num
                    if fields and (fields[0] or not is_blank(fields)):
                        yield self.line, fields
            except csv.Error as error:
                self._within = False
                ended = "unexpected end" in str(error)
                if reader.line_num - before > 1 or (ended and not self._last):
                    raise NotCut from None
                before = reader.line_num
                fault = file_fault(self._feed, "CSV as in RFC 4180 is needed", value=str(error), line=self.line)
                raise fault from error
            else:
                return


class RangeBuilder(RowBuilder):
    """Rows of a range: a key that is there twice is noted, and may be there in other ranges."""

    def __init__(self, layout: Layout, feed: Feed, dataset: Dataset, *, latest_day: int, width: int | None) -> None:
        super().__init__(layout, feed, dataset, latest_day=latest_day, width=width)
        self._again: set[int] = set()

    def _put(self, line: int, key: int, values: Sequence[int | None], column: str, fields: Sequence[str]) -> None:
        if key in self._places and self._feed.repeated is Repeated.REFUSE:
            self._again.add(key)
        else:
            super()._put(line, key, values, column, fields)

    def _put_again(self, line: int, place: int, numbers: Sequence[int], column: str) -> None:
        try:
            super()._put_again(line, place, numbers, column)
        except ContractBroken:
            raise NotCut from None  # what comes before this range decides on which line a sum is too large

    def again(self) -> Ints:
        """Keys that are there more than once, ascending, as the table has them."""
        names = sorted(self._codes)
        ranks = {self._codes[name]: rank for rank, name in enumerate(names)}
        found = map(day_and_code, self._again)
        return np.array(sorted(make_key(day, ranks[code]) for day, code in found), dtype=np.int64)

    def line_of(self, day: int, name: str) -> int:
        """The first line that has a key."""
        return self._lines[self._places[make_key(day, self._codes[name])]]


class KeyRepeated(Exception):
    """The first row whose key is there already."""

    def __init__(self, *, line: int, column: str, shown: str, day: int, name: str, first_line: int) -> None:
        super().__init__(line)
        self.line, self.column, self.shown, self.day, self.name = line, column, shown, day, name
        self.first_line = first_line
        """0 where it is in an earlier range."""


class RepeatFinder(RangeBuilder):
    """Raises KeyRepeated for the first row whose key this range or an earlier one has."""

    def seed(self, earlier: Iterable[tuple[int, str]]) -> None:
        """(day, series) of keys of earlier ranges."""
        for day, name in earlier:
            code = self._codes.setdefault(name, len(self._codes))
            self._places[make_key(day, code)] = len(self._lines)
            self._lines.append(0)

    def _put(self, line: int, key: int, _values: Sequence[int | None], column: str, fields: Sequence[str]) -> None:
        place = self._places.setdefault(key, len(self._lines))
        if place == len(self._lines):
            self._lines.append(line)
            return
        names = {code: name for name, code in self._codes.items()}
        day, code = day_and_code(key)
        raise KeyRepeated(
            line=line,
            column=column,
            shown=" ".join(fields[at].strip() for at in (*self._layout.date, *self._layout.series)),
            day=day,
            name=names[code],
            first_line=self._lines[place],
        )
