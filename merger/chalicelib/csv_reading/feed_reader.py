"""From a feed's bytes to a table, holding the file to its contract.

`read_carefully` is the definition: every used row, one by one, with line, column and value in the error.
`read_feed` gives the same result faster: a filtered feed has only the lines parsed that can match the filter, any
other is read a column at a time (`chalicelib.csv_reading.plain_lines`), or, where fields are quoted, by pandas
(`chalicelib.csv_reading.quoted_lines`); whatever looks odd there is left to the careful way.

The contract looks at the columns and rows that are used and at nothing else of the file.
"""

import contextlib
import csv
import io
import itertools
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from chalicelib.csv_reading.field_rules import DATE_ALLOWED, NAME_ALLOWED, NUMBER_ALLOWED, day_of, is_name, number_of
from chalicelib.csv_reading.plain_lines import NotPlain, blocks_of, read_plain
from chalicelib.csv_reading.quoted_lines import has_lone_return, read_quoted, without_quoted
from chalicelib.tables import Table, ascending_table, codes_of, days_of, iso_date, make_key, make_keys, ranks_of
from shared.dataset import ONE_SERIES, Dataset, Feed
from shared.errors import ContractBroken

_FIELD_LIMIT = 1 << 20
_MIB = 2**20
_MOST_COLUMNS = 20_000
"""pandas takes the square of the names that are there twice: minutes for a header of a million."""

type Numbered = tuple[int, list[str]]
"""A line number, counted from 1, and the fields of the row that ends there."""


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
) -> FeedRows:
    """All used rows of a feed's file, which is opened once.

    `latest_day` is the ordinal of the last date allowed, None: any; `most_odd` is how many bytes a file may have that
    must be held as a whole. Raises ContractBroken for the first violation, in the order of the file.
    """
    file = open_file()
    if not feed.where:
        table = read_stream(file, feed, series=ONE_SERIES)
        if table is not None and _in_time(table, latest_day):
            return FeedRows(table=table, plain=True)
        file = open_file()
    data = file.read()
    if most_odd is not None and len(data) > most_odd:
        raise ContractBroken(
            feed=feed.name,
            line=0,
            column="",
            value=f"{len(data) / _MIB:,.1f} MiB",
            allowed=(
                f"at most {most_odd / _MIB:,.1f} MiB of a file that is filtered or quoted, or has anything odd in it,"
                " fit this function's memory; give it more"
            ),
        )
    return FeedRows(table=read_bytes(data, feed, latest_day=latest_day), plain=has_plain_lines(data))


def _in_time(table: Table, latest_day: int | None) -> bool:
    return latest_day is None or not len(table) or int(table.days[-1]) <= latest_day


def read_changed_lines(
    lines: Sequence[bytes], header: bytes, feed: Feed, dataset: Dataset, *, latest_day: int | None
) -> Table:
    """The used rows among some lines of a file with this header; there may be none. Raises ContractBroken."""
    names = read_header(header, feed)
    table = read_lines(lines, names, feed, series=ONE_SERIES)
    if not _in_time(table, latest_day):
        raise ContractBroken(feed=feed.name, line=0, column=feed.date[0], value=table.newest, allowed="an earlier date")
    return table


def rows_are_lines(lines: Sequence[bytes], feed: Feed) -> bool:
    """Whether each of these lines is a row by itself."""
    return has_plain_lines(b"\n".join(lines))


def read_bytes(data: bytes, feed: Feed, *, latest_day: int | None, series: str = ONE_SERIES) -> Table:
    """All used rows of a feed's file. Raises ContractBroken for the first violation, in the order of the file."""
    table = _read_fast(data, feed, series=series)
    if table is not None and _in_time(table, latest_day):
        return table
    return read_carefully(data, feed, series=series, latest_day=latest_day)


def _read_fast(data: bytes, feed: Feed, *, series: str) -> Table | None:
    header = read_header(data, feed)
    if feed.where:
        lines = _lines_that_may_match(data, feed)
        if lines is not None:
            return _build(_numbered(lines), header, feed, series=series)
        return None
    table = read_stream(io.BytesIO(data), feed, series=series)
    if table is None and len(header) <= _MOST_COLUMNS:
        table = read_quoted(data, header, feed, series=series)
    return table


def read_stream(file: BinaryIO, feed: Feed, *, series: str) -> Table | None:
    """The same of a file that is read once, in blocks; None where it is filtered, or anything in it is not plain.

    Raises ContractBroken where a column is missing.
    """
    if feed.where:
        return None
    blocks = blocks_of(file)
    try:
        first = next(blocks, b"")
        start = first.find(b"\n") + 1
        if not first[:start].strip() or any(letter in first[:start] for letter in b'"\r'):
            return None
        header = read_header(first[:start], feed)
        return _read_columns(itertools.chain([first[start:]], blocks), header, feed, series=series)
    except NotPlain:
        return None


def read_carefully(data: bytes, feed: Feed, *, series: str, latest_day: int | None = None) -> Table:
    """The definition of reading a feed: every row through the csv module."""
    header = read_header(data, feed)
    rows = _all_rows(data, feed)
    next(rows)
    return _build(rows, header, feed, series=series, latest_day=latest_day)


def read_lines(lines: Sequence[bytes], header: list[str], feed: Feed, *, series: str) -> Table:
    """The used rows among some lines of a file whose header is known; there may be none. Raises ContractBroken."""
    if lines and not feed.where:
        with contextlib.suppress(NotPlain):
            table = _read_columns([b"\n".join(lines) + b"\n"], header, feed, series=series)
            if table is not None:
                return table
    numbered = ((number, line) for number, line in enumerate(lines, start=1))
    return _build(_numbered(numbered), header, feed, series=series, may_be_empty=True)


def read_header(data: bytes, feed: Feed) -> list[str]:
    """The column names. Raises ContractBroken where one that is used is missing or there twice."""
    first = next(_all_rows(data, feed), None)
    if first is None:
        raise ContractBroken(
            feed=feed.name, line=0, column="", value="", allowed="the file is empty; a header is needed"
        )
    header = [name.strip() for name in first[1]]
    for column in feed.columns:
        found = header.count(column)
        if found != 1:
            shown = ",".join(header)
            why = f"column {column!r} is needed once and is there {found} times"
            raise ContractBroken(feed=feed.name, line=1, column=column, value=shown, allowed=why)
    return header


def has_plain_lines(data: bytes) -> bool:
    """Whether every row is one line that ends in a line feed, and all quoting is of the simplest kind."""
    if has_lone_return(data):
        return False
    return b'"' not in data or not any(b'"' in block for block in without_quoted(data))


def _all_rows(data: bytes, feed: Feed) -> Iterator[Numbered]:
    # Bytes that are not UTF-8 become lone surrogates: harmless in what is not used, and caught in what is.
    text = io.TextIOWrapper(io.BytesIO(data.removeprefix(b"\xef\xbb\xbf")), "utf-8", "surrogateescape", newline="")
    csv.field_size_limit(_FIELD_LIMIT)
    reader = csv.reader(text, strict=True)
    try:
        for fields in reader:
            if not _is_blank(fields):
                yield reader.line_num, fields
    except csv.Error as error:
        raise ContractBroken(
            feed=feed.name, line=reader.line_num, column="", value=str(error), allowed="CSV as in RFC 4180 is needed"
        ) from error


def _is_blank(fields: list[str]) -> bool:
    return not fields or (len(fields) == 1 and not fields[0].strip())


def _lines_that_may_match(data: bytes, feed: Feed) -> Iterator[tuple[int, bytes]] | None:
    """The lines below the header that hold every value the filter asks for; None where rows are not lines."""
    if not has_plain_lines(data):
        return None
    first, *others = sorted((values[0].encode() for values in feed.where.values()), key=len, reverse=True)
    return ((number, line) for number, line in _lines_with(first, data) if all(value in line for value in others))


def _lines_with(text: bytes, data: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines below the header that hold a text, with their numbers; the others are passed over, not split off."""
    start = data.find(b"\n") + 1 or len(data)
    number, counted = 1, 0
    while start < len(data):
        found = data.find(text, start)
        if found < 0:
            return
        start = data.rfind(b"\n", 0, found) + 1
        end = data.find(b"\n", found)
        end = len(data) if end < 0 else end
        number, counted = number + data.count(b"\n", counted, start), start
        yield number, data[start:end]
        start = end + 1


def _numbered(lines: Iterable[tuple[int, bytes]]) -> Iterator[Numbered]:
    numbers: list[int] = []

    def texts() -> Iterator[str]:
        for number, line in lines:
            numbers[:] = [number]
            yield line.decode("utf-8", "surrogateescape")

    for fields in csv.reader(texts()):
        if not _is_blank(fields):
            yield numbers[0], fields


def _build(
    rows: Iterable[Numbered],
    header: list[str],
    feed: Feed,
    *,
    series: str,
    may_be_empty: bool = False,
    latest_day: int | None = None,
) -> Table:
    """Check the used rows one by one and make the table."""
    place = {column: header.index(column) for column in feed.columns}
    filters = [(place[column], values) for column, values in feed.where.items()]
    measures = [(name, column, place[column]) for name, column in feed.measures.items()]
    seen: dict[int, int] = {}
    codes: dict[str, int] = {}
    columns = {name: array("q") for name in feed.measures}
    for line, fields in rows:
        if any(at >= len(fields) or fields[at].strip() not in values for at, values in filters):
            continue
        if len(fields) != len(header):
            raise ContractBroken(
                feed=feed.name,
                line=line,
                column="",
                value=f"{len(fields)} fields",
                allowed=f"{len(header)} as in the header are needed",
            )
        day = _day(fields[place[feed.date[0]]], line, feed, latest_day)
        name = _name(fields[place[feed.series[0]]], line, feed) if feed.series else series
        key = make_key(day, codes.setdefault(name, len(codes)))
        if key in seen:
            shown = f"{fields[place[feed.date[0]]]} {name if feed.series else ''}".strip()
            why = f"each key is allowed once, and this one is on line {seen[key]} already"
            raise ContractBroken(feed=feed.name, line=line, column=feed.date[0], value=shown, allowed=why)
        seen[key] = line
        for measure, column, at in measures:
            columns[measure].append(_number(fields[at], line, column, feed))
    if not seen and not may_be_empty:
        wanted = " and ".join(f"{column}={' or '.join(map(repr, values))}" for column, values in feed.where.items())
        what = f"no row has {wanted}" if wanted else "there is no row below the header"
        raise ContractBroken(feed=feed.name, line=0, column="", value="", allowed=f"{what}; at least one is needed")
    return _table_of(seen, list(codes), columns)


def _table_of(keys: Collection[int], listed: Sequence[str], columns: Mapping[str, "array[int]"]) -> Table:
    """The table of rows with codes in the order in which their names came."""
    names, ranks = ranks_of(listed)
    coded = np.fromiter(keys, dtype=np.int64, count=len(keys))
    values = {measure: np.array(numbers, dtype=np.int64) for measure, numbers in columns.items()}
    table = ascending_table(names, make_keys(days_of(coded), ranks[codes_of(coded)]), values)
    assert table is not None, "keys are told apart while they are read"
    return table


def _day(text: str, line: int, feed: Feed, latest_day: int | None) -> int:
    day = day_of(text.strip())
    if day is None:
        raise ContractBroken(
            feed=feed.name, line=line, column=feed.date[0], value=text.strip(), allowed=_needed(DATE_ALLOWED)
        )
    if latest_day is not None and day > latest_day:
        raise ContractBroken(
            feed=feed.name,
            line=line,
            column=feed.date[0],
            value=text.strip(),
            allowed=f"a date up to {iso_date(latest_day)}, one period after the run's day, is needed",
        )
    return day


def _name(text: str, line: int, feed: Feed) -> str:
    name = text.strip()
    if is_name(name):
        return name
    column = " and ".join(feed.series)
    raise ContractBroken(feed=feed.name, line=line, column=column, value=ascii(name), allowed=_needed(NAME_ALLOWED))


def _number(text: str, line: int, column: str, feed: Feed) -> int:
    number = number_of(text.strip())
    if number is not None:
        return number
    raise ContractBroken(feed=feed.name, line=line, column=column, value=text.strip(), allowed=_needed(NUMBER_ALLOWED))


def _needed(what: str) -> str:
    return f"{what} is needed"


def _read_columns(blocks: Iterable[bytes], header: list[str], feed: Feed, *, series: str) -> Table | None:
    """Raises NotPlain."""
    columns = read_plain(
        filter(None, blocks),
        width=len(header),
        date=header.index(feed.date[0]),
        series=header.index(feed.series[0]) if feed.series else None,
        measures=[header.index(column) for column in feed.measures.values()],
    )
    if not len(columns.keys):
        return None
    values = dict(zip(feed.measures, columns.measures, strict=True))
    return ascending_table(columns.names if feed.series else (series,), columns.keys, values)
