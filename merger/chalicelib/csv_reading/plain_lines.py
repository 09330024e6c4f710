"""Reading plain lines with array operations: what a column at a time costs a hundredth of what a row at a time does.

Plain are files whose lines are rows, quoted simply or not at all (`plain_block`), in any encoding of single bytes or in
UTF-8, with dates and names of any kind and numbers in digits (`plain_numbers`). Each distinct date and name is judged
once, by the rules of careful reading. Whatever is not plain is left, as a whole, to careful reading, which knows all of
CSV and says what is wrong: `chalicelib.csv_reading.feed_reader` has both.

The file is read in blocks that stay in the processor's cache; only the resulting columns are held.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO, Protocol

import numpy as np

from chalicelib.csv_reading.csv_rows import CsvRows
from chalicelib.csv_reading.decoding import BOM, extends_ascii, text_lines
from chalicelib.csv_reading.feed_layout import Layout, find_layout
from chalicelib.csv_reading.field_rules import NumberRule, day_rule, is_name, name_of
from chalicelib.csv_reading.plain_block import BLOCK, LineBlock, NotPlain, blocks_of, lines_are_rows, with_plain_ends
from chalicelib.csv_reading.plain_names import PlainNames
from chalicelib.csv_reading.plain_numbers import PlainNumbers
from chalicelib.tables import NULL, Ints, Mask, Table, ascending_table, make_keys, ranks_of
from shared.dataset import ONE_SERIES, Dataset, Feed, Repeated
from shared.errors import ContractBroken

_RARE = 8
"""Where a text that a row must have is in fewer lines than one in so many, the others are not looked at."""
_MOST_PAIRS = 1 << 24
"""Combinations of the parts of a series' name that are looked up in a table."""
_LARGEST_SUM = 1 << 62


def may_be_plain(feed: Feed) -> bool:
    """Whether files of this feed can be read by array operations at all."""
    letters = (feed.delimiter, feed.decimal)
    return (
        not feed.wide
        and len(feed.date) == 1
        and extends_ascii(feed.encoding)
        and all(letter.isascii() for letter in letters)
    )


class OddBlocks(Protocol):
    """Whoever reads what is not plain."""

    def read(self, block: bytes, layout: Layout, *, lines_before: int) -> Table:
        """The used rows of a block of whole lines. Raises NotPlain where it cannot be read by itself."""


def read_plain_file(
    file: BinaryIO,
    feed: Feed,
    dataset: Dataset,
    *,
    latest_day: int | None = None,
    odd: OddBlocks | None = None,
    size: int = BLOCK,
) -> Table:
    """All used rows of a file that is read once, in blocks of about `size` bytes.

    Raises NotPlain where there is anything that careful reading must look at in the whole file, or in any block without
    `odd`, and ContractBroken where a column is missing.
    """
    blocks = blocks_of(file, size=size)
    first = next(blocks, b"").removeprefix(BOM)
    layout, start, lines = _below_header(first, feed)
    columns = _Columns(layout, feed, dataset, latest_day=latest_day)
    for block in itertools.chain([first[start:]], blocks):
        if block:
            lines += _add(columns, block, layout, odd, lines_before=lines)
    table = columns.table()
    if not len(table):
        raise NotPlain
    return table


def _add(columns: "_Columns", block: bytes, layout: Layout, odd: OddBlocks | None, *, lines_before: int) -> int:
    """Take a block in the one way or the other; how many lines it has."""
    text = with_plain_ends(block)
    try:
        return columns.add(text)
    except NotPlain:
        if odd is None:
            raise
        columns.add_rows(odd.read(block, layout, lines_before=lines_before))
        return text.count(b"\n")


def _below_header(block: bytes, feed: Feed) -> tuple[Layout, int, int]:
    """The columns, where the rows begin, and the lines before them."""
    rows = CsvRows(text_lines(block, feed), feed)
    try:
        line, header = rows.header()
    except ContractBroken:
        raise NotPlain from None
    if rows.line < line + feed.skip_after:  # they go on in the next block
        raise NotPlain
    start = 0
    for _ in range(rows.line):
        start = block.find(b"\n", start) + 1
        if not start:
            raise NotPlain
    head = block[:start]
    if head.count(b"\r") != head.count(b"\r\n") or any("\n" in name for name in header):
        raise NotPlain  # the csv module ends a line at a lone carriage return, too
    return find_layout(header, feed, line=line), start, rows.line


def read_plain_lines(blocks: Iterable[bytes], layout: Layout, feed: Feed, dataset: Dataset) -> Table:
    """The used rows of blocks of whole lines below the header; there may be none. Raises NotPlain."""
    columns = _Columns(layout, feed, dataset, latest_day=None)
    for block in blocks:
        columns.add(with_plain_ends(block))
    return columns.table()


class _Columns:
    def __init__(self, layout: Layout, feed: Feed, dataset: Dataset, *, latest_day: int | None) -> None:
        self._layout, self._feed, self._latest_day = layout, feed, latest_day
        self._comment = feed.comment.encode(feed.encoding)
        self._needed = _rarest_text(feed)
        self._filters = [_Filter(place, values, feed, wanted=True) for place, values in layout.where]
        self._filters += [_Filter(place, values, feed, wanted=False) for place, values in layout.where_not]
        self._dates, self._day = PlainNames(), day_rule(feed.date_format)
        self._distinct_days = np.empty(0, dtype=np.int64)
        self._days: list[Ints] = []
        self._names = [PlainNames() for _ in layout.series]
        self._codes: list[list[Ints]] = [[] for _ in layout.series]
        self._numbers = [
            PlainNumbers(NumberRule.of(feed, dataset.measure(name)), encoding=feed.encoding) for name in feed.measures
        ]
        self._odd: list[tuple[int, Table]] = []
        """Rows that were read another way, each behind so many that were not."""
        self._rows = 0

    def add(self, text: bytes) -> int:
        """Take the used rows of a block of lines; how many lines there are. Raises NotPlain, and then takes nothing."""
        looked_at = self._lines_to_look_at(text)
        block = self._block(looked_at) if looked_at else None
        lines = block.rows if block is not None and block.size == len(text) else text.count(b"\n")
        for it in self._filters:
            if block is not None and block.rows:
                block.choose(it.passes(block))
        if block is not None and block.rows:
            self._take(block)
        return lines

    def add_rows(self, rows: Table) -> None:
        """Take rows that were read another way."""
        self._odd.append((self._rows, rows))

    def _take(self, block: LineBlock) -> None:
        blocks, dates, names = len(self._days), len(self._dates.listed), [len(it.listed) for it in self._names]
        try:
            self._add(block)
        except NotPlain:
            self._dates.forget(dates)
            self._distinct_days = self._distinct_days[:dates]
            for it, known, codes in zip(self._names, names, self._codes, strict=True):
                it.forget(known)
                del codes[blocks:]
            del self._days[blocks:]
            for numbers in self._numbers:
                numbers.forget(blocks)
            raise
        self._rows += block.rows

    def _block(self, text: bytes) -> LineBlock | None:
        try:
            return LineBlock(text, width=self._layout.width, delimiter=self._feed.delimiter)
        except NotPlain:
            less = _without_blank_lines(text)  # they are rare, and looking for them is not free
            if less == text:
                raise
            return LineBlock(less, width=self._layout.width, delimiter=self._feed.delimiter) if less else None

    def _add(self, block: LineBlock) -> None:
        known = len(self._dates.listed)
        codes = self._dates.codes_of_runs(block, self._layout.date[0])
        fresh = np.array([self._judged(text) for text in self._dates.listed[known:]], dtype=np.int64)
        self._distinct_days = np.concatenate([self._distinct_days, fresh])
        self._days.append(self._distinct_days[codes])
        for place, names, parts in zip(self._layout.series, self._names, self._codes, strict=True):
            known = len(names.listed)
            parts.append(names.codes(block, place))
            if len(self._names) == 1 and not all(map(self._is_name, names.listed[known:])):
                raise NotPlain
        for (_, _, place), numbers in zip(self._layout.measures, self._numbers, strict=True):
            numbers.add(block, place)

    def _judged(self, text: bytes) -> int:
        """The day of a date. Raises NotPlain where there is none, or one that is too late."""
        day = self._day(_decoded(text, self._feed).strip())
        if day is None or (self._latest_day is not None and day > self._latest_day):
            raise NotPlain
        return day

    def _lines_to_look_at(self, text: bytes) -> bytes:
        if self._comment and (text.startswith(self._comment) or b"\n" + self._comment in text):
            raise NotPlain
        if self._needed and text.count(self._needed) * _RARE < text.count(b"\n"):
            if not lines_are_rows(text, self._feed.delimiter):
                raise NotPlain
            return b"".join(_lines_with(self._needed, text))
        return text

    def table(self) -> Table:
        """The rows so far."""
        feed = self._feed
        codes, names = self._series()
        days = np.concatenate(self._days) if self._days else np.empty(0, dtype=np.int64)
        values = {name: numbers.joined for name, numbers in zip(feed.measures, self._numbers, strict=True)}
        if self._odd:
            days = self._with_odd(days, [rows.days for _, rows in self._odd])
            values = {
                name: self._with_odd(numbers, [rows.values[name] for _, rows in self._odd])
                for name, numbers in values.items()
            }
            codes, names = self._with_odd_names(codes, names)
        distinct = list(dict.fromkeys(names))
        listed, ranks = ranks_of(distinct)
        place = dict(zip(distinct, ranks.tolist(), strict=True))
        ranked = np.array([place[name] for name in names], dtype=np.int64)
        keys = make_keys(days, ranked[codes] if feed.series else np.int64(0)) if len(days) else days
        if feed.repeated is Repeated.REFUSE:
            table = ascending_table(listed if len(days) else (), keys, values)
        else:
            table = united(listed, keys, values, feed.repeated)
        if table is None:
            raise NotPlain
        return table

    def _with_odd(self, column: Ints, odd: Sequence[Ints]) -> Ints:
        """A column with the numbers of rows that were read another way, in the order of the file."""
        parts, start = list[Ints](), 0
        for (behind, _), numbers in zip(self._odd, odd, strict=True):
            parts += [column[start:behind], numbers]
            start = behind
        return np.concatenate([*parts, column[start:]])

    def _with_odd_names(self, codes: Ints, names: list[str]) -> tuple[Ints, list[str]]:
        if not self._feed.series:
            return codes, names
        odd, names = list[Ints](), list(names)
        for _, rows in self._odd:
            odd.append(rows.codes + len(names))
            names += rows.names
        return self._with_odd(codes, odd), names

    def _is_name(self, text: bytes) -> bool:
        return is_name(name_of([_decoded(text, self._feed)], self._feed))

    def _series(self) -> tuple[Ints, list[str]]:
        """Each row's place in a list of names, which may have a name twice."""
        if not self._codes:
            return np.empty(0, dtype=np.int64), [ONE_SERIES]
        parts = [[_decoded(text, self._feed) for text in names.listed] for names in self._names]
        columns = [np.concatenate(codes) if codes else np.empty(0, dtype=np.int64) for codes in self._codes]
        codes, pairs = columns[0], np.arange(len(parts[0]))[:, None]
        for number, column in enumerate(columns[1:], start=1):
            codes, pairs = _combined(codes, pairs, column, len(parts[number]))
        names = [
            name_of([part[code] for part, code in zip(parts, row, strict=True)], self._feed) for row in pairs.tolist()
        ]
        if not all(map(is_name, names)):
            raise NotPlain
        return codes, names


def _combined(codes: Ints, rows: Ints, column: Ints, size: int) -> tuple[Ints, Ints]:
    """Codes over the pairs that there are of codes (whose parts are `rows`) and another column's codes."""
    both = codes * size + column
    if len(rows) * size <= _MOST_PAIRS:
        there = np.zeros(len(rows) * size + 1, dtype=np.bool_)
        there[both] = True
        pairs = np.flatnonzero(there)
        places = (np.cumsum(there) - 1)[both]
    else:
        pairs, places = np.unique(both, return_inverse=True)
    first, second = np.divmod(pairs, max(size, 1))
    return places, np.concatenate([rows[first], second[:, None]], axis=1)


class _Filter:
    """A column whose text decides whether a row is used."""

    def __init__(self, place: int, values: Sequence[str], feed: Feed, *, wanted: bool) -> None:
        self._place, self._values, self._wanted, self._feed = place, values, wanted, feed
        self._names = PlainNames()
        self._judged = np.empty(0, dtype=np.bool_)

    def passes(self, block: LineBlock) -> Mask:
        codes = self._names.codes(block, self._place)
        fresh = self._names.listed[len(self._judged) :]
        if fresh:
            found = [(_decoded(text, self._feed).strip() in self._values) is self._wanted for text in fresh]
            self._judged = np.concatenate([self._judged, np.array(found, dtype=np.bool_)])
        mask: Mask = self._judged[codes]
        return mask


def united(names: tuple[str, ...], keys: Ints, values: Mapping[str, Ints], repeated: Repeated) -> Table:
    """Rows of one key as one: the last of them, or the sum of what is reported. Raises NotPlain for too large sums."""
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    begins = np.flatnonzero(np.diff(keys, prepend=-1)) if len(keys) else order
    if repeated is Repeated.LAST:
        lasts = order[np.append(begins[1:], len(keys)) - 1] if len(keys) else order
        return Table(names=names, keys=keys[begins], values={name: it[lasts] for name, it in values.items()})
    sums = {name: _sums(numbers[order], begins) for name, numbers in values.items()}
    return Table(names=names, keys=keys[begins], values=sums)


def _sums(numbers: Ints, begins: Ints) -> Ints:
    if not len(numbers):
        return numbers
    reported = numbers != NULL
    known = np.where(reported, numbers, 0)
    most = int(np.diff(begins, append=len(numbers)).max())
    if max(int(known.max()), -int(known.min())) * most > _LARGEST_SUM:
        raise NotPlain
    sums: Ints = np.add.reduceat(known, begins)
    sums[np.add.reduceat(reported.astype(np.int64), begins) == 0] = NULL
    return sums


def _rarest_text(feed: Feed) -> bytes:
    """The longest text that every used row has; empty where there is none to look for."""
    single = [values[0].encode(feed.encoding, "replace") for values in feed.where.values() if len(values) == 1]
    return max(single, key=len, default=b"")


def _lines_with(text: bytes, block: bytes) -> Iterator[bytes]:
    """The lines, with their ends, that hold a text; the others are passed over, not split off."""
    start = 0
    while (found := block.find(text, start)) >= 0:
        begin = block.rfind(b"\n", 0, found) + 1
        start = block.find(b"\n", found) + 1
        yield block[begin:start]


def _without_blank_lines(text: bytes) -> bytes:
    while b"\n\n" in text:
        text = text.replace(b"\n\n", b"\n")
    return text.removeprefix(b"\n")


def _decoded(text: bytes, feed: Feed) -> str:
    try:
        return text.decode(feed.encoding)
    except UnicodeDecodeError:
        raise NotPlain from None
