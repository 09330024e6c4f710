"""The door from a feed's file to a table: how a file is read is decided here and nowhere else.

`careful_reading` is the definition: every used row, one by one. `plain_lines` gives the same result a column at a time
where nothing in the file is out of the ordinary, and leaves blocks with anything odd in them, or the whole file, to the
definition (`odd_blocks`).
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from chalicelib.csv_reading.careful_reading import read_carefully, read_rows
from chalicelib.csv_reading.csv_rows import CsvRows, FaultHandler, raise_it
from chalicelib.csv_reading.decoding import extends_ascii, file_fault, text_lines, unpacked
from chalicelib.csv_reading.feed_layout import Layout, find_layout
from chalicelib.csv_reading.odd_blocks import CarefulBlocks
from chalicelib.csv_reading.plain_block import BLOCK, NotPlain, lines_are_rows
from chalicelib.csv_reading.plain_lines import may_be_plain, read_plain_file, read_plain_lines
from chalicelib.tables import Table
from shared.dataset import Dataset, Feed, Repeated
from shared.errors import ContractBroken

_MIB = 2**20


@dataclass(frozen=True, kw_only=True)
class FeedRows:
    """What a feed's file holds."""

    table: Table
    plain: bool
    """Whether every row is one line, so that changed lines are changed rows."""


def read_feed(
    open_file: Callable[[], BinaryIO],
    feed: Feed,
    dataset: Dataset,
    *,
    latest_day: int | None,
    most_odd: int | None = None,
    report: FaultHandler = raise_it,
    block: int = BLOCK,
) -> FeedRows:
    """All used rows of a feed's file, which is opened and read once, in blocks of about so many bytes.

    `latest_day` is the ordinal of the last date allowed, None: any; `most_odd` is how many bytes a file may have that
    must be held as a whole. Raises ContractBroken for the first violation, in the order of the file; with another
    `report` each is given to it, and only a file that cannot be unpacked is raised.
    """
    file = _Remembered(unpacked(open_file(), feed, most=most_odd), feed, most=most_odd)
    if may_be_plain(feed):
        odd = CarefulBlocks(feed, dataset, latest_day=latest_day)
        try:
            table = read_plain_file(
                file,  # type: ignore[arg-type]  # it only reads
                feed,
                dataset,
                latest_day=latest_day,
                odd=odd,
                size=block,
            )
        except NotPlain:
            table = None
        except ContractBroken:
            if report is raise_it:
                raise
            table = None
        if table is not None:
            for fault in odd.faults:
                report(fault)
            return FeedRows(table=table, plain=rows_may_be_lines(feed) and odd.are_lines)
    data = file.whole()
    rows = read_carefully(data, feed, dataset, latest_day=latest_day, report=report)
    plain = rows_may_be_lines(feed) and rows.as_headed and lines_are_rows(data, feed.delimiter)
    return FeedRows(table=rows.table, plain=plain)


def read_changed_lines(
    lines: Sequence[bytes], header: bytes, feed: Feed, dataset: Dataset, *, latest_day: int | None
) -> Table:
    """The used rows among some lines of a file whose rows are lines; there may be none. Raises ContractBroken."""
    layout = _layout(header, feed)
    if may_be_plain(feed) and lines:
        try:
            table = read_plain_lines([b"\n".join(lines) + b"\n"], layout, feed, dataset)
        except NotPlain:
            pass
        else:
            if _in_time(table, latest_day):
                return table
    rows = CsvRows(itertools.chain.from_iterable(text_lines(line, feed) for line in lines), feed)
    return read_rows(rows, layout, feed, dataset, latest_day=latest_day)


def rows_are_lines(lines: Sequence[bytes], feed: Feed) -> bool:
    """Whether each of these lines is a row by itself."""
    return rows_may_be_lines(feed) and lines_are_rows(b"\n".join(lines), feed.delimiter)


def _layout(header: bytes, feed: Feed) -> Layout:
    line, names = CsvRows(text_lines(header, feed), feed).header()
    return find_layout(names, feed, line=line)


def _in_time(table: Table, latest_day: int | None) -> bool:
    return latest_day is None or not len(table) or int(table.days[-1]) <= latest_day


def rows_may_be_lines(feed: Feed) -> bool:
    """Whether a line of a file of this feed can be a row by itself, below a header that is the first line."""
    return (
        not feed.wide
        and feed.repeated is Repeated.REFUSE
        and not (feed.comment or feed.skip or feed.skip_after or feed.archive)
        and extends_ascii(feed.encoding)
        and feed.delimiter.isascii()
    )


class _Remembered:
    """A stream of which what was read is kept, up to a limit: nothing is fetched twice."""

    def __init__(self, file: BinaryIO, feed: Feed, *, most: int | None) -> None:
        self._file, self._feed, self._most = file, feed, most
        self._blocks: list[bytes] = []
        self._size = 0

    def read(self, size: int) -> bytes:
        """Up to so many bytes."""
        block = self._file.read(size)
        self._size += len(block)
        if self._most is None or self._size <= self._most:
            self._blocks.append(block)
        else:
            self._blocks.clear()
        return block

    def whole(self) -> bytes:
        """The file from its beginning. Raises ContractBroken where it is larger than what may be held."""
        while self._most is None or self._size <= self._most:
            if not self.read(_MIB):
                data = b"".join(self._blocks)
                self._blocks.clear()
                return data
        size = self._size + sum(map(len, self._rest()))
        raise file_fault(
            self._feed,
            f"at most {self._most / _MIB:,.1f} MiB of a file with anything odd in it fit this function's memory;"
            " give it more",
            value=f"{size / _MIB:,.1f} MiB",
        )

    def _rest(self) -> Iterator[bytes]:
        return iter(lambda: self._file.read(_MIB), b"")
