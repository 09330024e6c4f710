"""From a feed's bytes to a table, holding the file to its contract.

`read_carefully` is the definition: every used row, one by one, with line, column and value in the error.
`read_feed` gives the same result faster: a filtered feed has only the lines parsed that can match the filter, any
other is read a column at a time (`chalicelib.plain_lines`), or, where fields are quoted or numbers have a decimal
point, by pandas with types; whatever looks odd there is left to the careful way.

The contract looks at the columns and rows that are used and at nothing else of the file.
"""

import contextlib
import csv
import datetime as dt
import io
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

import numpy as np

from chalicelib.plain_lines import NotPlain, blocks_of, read_plain
from chalicelib.tables import NULL, Ints, Table, make_keys
from shared.dataset import Feed
from shared.errors import ContractBroken

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_WHOLE = re.compile(r"\+?(\d{1,15})(?:\.0*)?", re.ASCII)
_NUMBER_ALLOWED = "a whole number of at most 15 digits that is not negative, or blank"
_LONGEST_NAME = 255
_DATE_ALLOWED = "an ISO date like 2020-10-24"
_NAME_ALLOWED = f"a name of at most {_LONGEST_NAME} printable characters in UTF-8"
_QUOTED = re.compile(rb'(?:^|(?<=[,\r\n]))"[^"\r\n]*"(?=[,\r\n]|$)')
"""A quoted field as RFC 4180 has it, without a quote or the end of a line in it."""
_FIELD_LIMIT = 1 << 20

type Numbered = tuple[int, list[str]]
"""A line number, counted from 1, and the fields of the row that ends there."""


def read_feed(data: bytes, feed: Feed, *, series: str) -> Table:
    """All used rows of a feed's file. `series` names the one series of a feed without a series column.

    Raises ContractBroken for the first violation, in the order of the file.
    """
    header = read_header(data, feed)
    if feed.where:
        lines = _lines_that_may_match(data, feed)
        if lines is not None:
            return _build(_numbered(lines), header, feed, series=series)
    else:
        table = read_stream(io.BytesIO(data), feed, series=series)
        table = table or _read_typed(data, header, feed, series=series)
        if table is not None:
            return table
    return read_carefully(data, feed, series=series)


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
        if not first[:start].strip() or b'"' in first[:start]:
            return None
        header = read_header(first[:start], feed)
        return _read_columns(itertools.chain([first[start:]], blocks), header, feed, series=series)
    except NotPlain:
        return None


def read_carefully(data: bytes, feed: Feed, *, series: str) -> Table:
    """The definition of reading a feed: every row through the csv module."""
    header = read_header(data, feed)
    rows = _all_rows(data, feed)
    next(rows)
    return _build(rows, header, feed, series=series)


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
    if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
        return False
    return b'"' not in data or b'"' not in _QUOTED.sub(b"", data)


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


def _lines_that_may_match(data: bytes, feed: Feed) -> list[tuple[int, bytes]] | None:
    """The lines below the header that hold every value the filter asks for; None where rows are not lines."""
    if not has_plain_lines(data):
        return None
    lines = data.split(b"\n")
    places: Sequence[int] = range(1, len(lines))
    for value in (value.encode() for value in feed.where.values() if value):
        places = [n for n in places if value in lines[n]]
    return [(n + 1, lines[n]) for n in places]


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
    rows: Iterable[Numbered], header: list[str], feed: Feed, *, series: str, may_be_empty: bool = False
) -> Table:
    """Check the used rows one by one and make the table."""
    place = {column: header.index(column) for column in feed.columns}
    filters = [(place[column], value) for column, value in feed.where.items()]
    measures = [(name, column, place[column]) for name, column in feed.measures.items()]
    seen: dict[tuple[int, str], int] = {}
    columns: dict[str, list[int]] = {name: [] for name in feed.measures}
    for line, fields in rows:
        if any(at >= len(fields) or fields[at].strip() != value for at, value in filters):
            continue
        if len(fields) != len(header):
            raise ContractBroken(
                feed=feed.name,
                line=line,
                column="",
                value=f"{len(fields)} fields",
                allowed=f"{len(header)} as in the header are needed",
            )
        day = _day(fields[place[feed.date_column]], line, feed)
        name = _name(fields[place[feed.series_column]], line, feed) if feed.series_column else series
        if (day, name) in seen:
            key = f"{fields[place[feed.date_column]]} {name if feed.series_column else ''}".strip()
            why = f"each key is allowed once, and this one is on line {seen[day, name]} already"
            raise ContractBroken(feed=feed.name, line=line, column=feed.date_column, value=key, allowed=why)
        seen[day, name] = line
        for measure, column, at in measures:
            columns[measure].append(_number(fields[at], line, column, feed))
    if not seen and not may_be_empty:
        wanted = " and ".join(f"{column}={value!r}" for column, value in feed.where.items())
        what = f"no row has {wanted}" if wanted else "there is no row below the header"
        raise ContractBroken(
            feed=feed.name, line=0, column="", value="0 rows", allowed=f"{what}; at least one is needed"
        )
    return _table_of(seen, columns)


def _table_of(seen: dict[tuple[int, str], int], columns: dict[str, list[int]]) -> Table:
    names = tuple(sorted({name for _, name in seen}))
    code = {name: n for n, name in enumerate(names)}
    days = np.fromiter((day for day, _ in seen), dtype=np.int64, count=len(seen))
    codes = np.fromiter((code[name] for _, name in seen), dtype=np.int64, count=len(seen))
    keys = make_keys(days, codes)
    order = np.argsort(keys)
    values = {measure: np.array(numbers, dtype=np.int64)[order] for measure, numbers in columns.items()}
    return Table(names=names, keys=keys[order], values=values)


def _day(text: str, line: int, feed: Feed) -> int:
    text = text.strip()
    if _DATE.fullmatch(text):
        try:
            return dt.date.fromisoformat(text).toordinal()
        except ValueError:
            pass
    raise ContractBroken(feed=feed.name, line=line, column=feed.date_column, value=text, allowed=_needed(_DATE_ALLOWED))


def _name(text: str, line: int, feed: Feed) -> str:
    text = text.strip()
    if _is_name(text):
        return text
    column = feed.series_column or ""
    raise ContractBroken(feed=feed.name, line=line, column=column, value=ascii(text), allowed=_needed(_NAME_ALLOWED))


def _is_name(text: str) -> bool:
    """A name is a key in the store: that takes 2 KB, and no lone surrogate."""
    return 0 < len(text) <= _LONGEST_NAME and text.isprintable()


def _number(text: str, line: int, column: str, feed: Feed) -> int:
    text = text.strip()
    if not text:
        return NULL
    if found := _WHOLE.fullmatch(text):
        return int(found[1])
    raise ContractBroken(feed=feed.name, line=line, column=column, value=text, allowed=_needed(_NUMBER_ALLOWED))


def _needed(what: str) -> str:
    return f"{what} is needed"


def _read_columns(blocks: Iterable[bytes], header: list[str], feed: Feed, *, series: str) -> Table | None:
    """Raises NotPlain."""
    columns = read_plain(
        filter(None, blocks),
        width=len(header),
        date=header.index(feed.date_column),
        series=header.index(feed.series_column) if feed.series_column else None,
        measures=[header.index(column) for column in feed.measures.values()],
    )
    if not len(columns.keys):
        return None
    values = dict(zip(feed.measures, columns.measures, strict=True))
    return _ascending(columns.names if feed.series_column else (series,), columns.keys, values)


def _sorted_names(listed: Sequence[str]) -> tuple[tuple[str, ...], Ints]:
    """The names in order, and for each place in the list its place in that order."""
    order = sorted(range(len(listed)), key=listed.__getitem__)
    ranks = np.empty(len(listed), dtype=np.int64)
    ranks[order] = np.arange(len(listed))
    return tuple(listed[n] for n in order), ranks


def _read_typed(data: bytes, header: list[str], feed: Feed, *, series: str) -> Table | None:
    """The table by pandas; None where anything is out of the ordinary, be it allowed or not."""
    stripped = _QUOTED.sub(b"", data) if b'"' in data else data
    if b'"' in stripped:
        return None
    try:
        frame = _parse(data, header, feed)
    except (ValueError, OverflowError):
        return None
    if not len(frame) or not _rows_are_whole(stripped, len(header)):
        return None
    days = _days_by_category(frame[feed.date_column])
    if days is None:
        return None
    names: tuple[str, ...] = (series,)
    codes = np.zeros(len(frame), dtype=np.int64)
    if feed.series_column:
        listed = frame[feed.series_column].cat.categories.tolist()
        if not all(isinstance(name, str) and _is_name(name) and name == name.strip() for name in listed):
            return None
        names, ranks = _sorted_names(listed)
        codes = ranks[frame[feed.series_column].cat.codes.to_numpy()]
    values: dict[str, Ints] = {}
    for measure, column in feed.measures.items():
        numbers = _numbers_of(frame[column])
        if numbers is None:
            return None
        values[measure] = numbers
    return _ascending(names, make_keys(days, codes), values)


def _parse(data: bytes, header: list[str], feed: Feed):  # type: ignore[no-untyped-def]
    """The used columns as categories, so that each distinct text is judged once, as it is in the file.

    Asked for categories at once, pandas would take 1e3 and 1000.0 for the same.
    """
    import pandas as pd

    places = [header.index(column) for column in feed.columns]
    names = [header[n] if n in places else f"unused {n}" for n in range(len(header))]
    used = [header[n] for n in places]
    return pd.read_csv(io.BytesIO(data), header=0, names=names, usecols=used, dtype=str, na_filter=False).astype(
        "category"
    )


def _rows_are_whole(data: bytes, columns: int) -> bool:
    """Whether every line has one comma fewer than there are columns, blank lines aside."""
    wanted = columns - 1
    return all(line.count(b",") == wanted for line in data.split(b"\n") if line.strip())


def _days_by_category(dates) -> Ints | None:  # type: ignore[no-untyped-def]
    ordinals: list[int] = []
    for text in dates.cat.categories:
        if not (isinstance(text, str) and _DATE.fullmatch(text)):
            return None
        try:
            ordinals.append(dt.date.fromisoformat(text).toordinal())
        except ValueError:
            return None
    days: Ints = np.array(ordinals, dtype=np.int64)[dates.cat.codes.to_numpy()]
    return days


def _numbers_of(column) -> Ints | None:  # type: ignore[no-untyped-def]
    distinct: list[int] = []
    for text in column.cat.categories:
        stripped = str(text).strip()
        found = _WHOLE.fullmatch(stripped)
        if stripped and not found:
            return None
        distinct.append(int(found[1]) if found else NULL)
    spread: Ints = np.array(distinct, dtype=np.int64)[column.cat.codes.to_numpy()]
    return spread


def _ascending(names: tuple[str, ...], keys: Ints, values: dict[str, Ints]) -> Table | None:
    """The rows in order of their keys; None where a key is there twice."""
    if not (keys[1:] > keys[:-1]).all():
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        if (keys[1:] == keys[:-1]).any():
            return None
        values = {measure: numbers[order] for measure, numbers in values.items()}
    return Table(names=names, keys=keys, values=values)
