"""Versions as lines of CSV, packed into blocks of which parts can be read alone.

A block is a sequence of gzip members, each with some thousand lines in order of series, date and time; its directory
says where each begins. Members that follow one another are one gzip stream, so that blocks laid end to end are a whole
CSV file for whoever reads all of it.
"""

import csv
import gzip
import io
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from chalicelib.tabulation.row_text import defused, name_in
from chalicelib.vintages.version_table import Values, Version
from shared.dataset import ONE_SERIES, Dataset
from shared.exact import Number

LINES = 2048
"""In one member: what a question about one series has to unpack at least."""

type VersionPlace = tuple[str, str, str]
"""Where a version stands in the order: its series, date and the time from which it was known."""


class Columns(NamedTuple):
    """What the lines of a table tell of."""

    measures: tuple[str, ...]
    has_series: bool

    @classmethod
    def of(cls, dataset: Dataset) -> "Columns":
        return cls(dataset.measure_names, dataset.has_series)


class Chunk(NamedTuple):
    """One gzip member of a block."""

    first: VersionPlace
    """Of its first line."""
    offset: int
    """From the beginning of the object, in bytes."""
    length: int
    rows: int


def header(columns: Columns) -> str:
    """The first line."""
    series = ["series"] if columns.has_series else []
    of_version = ["present", "run_id", "known_from", "next_run_id", "known_to"]
    return ",".join(["date", *series, *columns.measures, *of_version]) + "\n"


def place_of(version: Version) -> VersionPlace:
    return version.series, version.date, version.known_from


def pack_block(versions: Sequence[Version], columns: Columns, *, offset: int) -> tuple[bytes, list[Chunk]]:
    """A block of versions that are in order, and where its members are when it begins at this offset."""
    packed, chunks = list[bytes](), list[Chunk]()
    for start in range(0, len(versions), LINES):
        some = versions[start : start + LINES]
        member = pack_lines("".join(lines(some, columns)))
        chunks.append(Chunk(place_of(some[0]), offset, len(member), len(some)))
        packed.append(member)
        offset += len(member)
    return b"".join(packed), chunks


def pack_lines(text: str) -> bytes:
    return gzip.compress(text.encode(), compresslevel=6, mtime=0)


def lines(versions: Iterable[Version], columns: Columns) -> Iterator[str]:
    """Each as a line; null is empty, and so are all values of a row that was not present."""
    nothing = ("",) * len(columns.measures)
    several = columns.has_series
    for version in versions:
        values = nothing if version.values is None else [_text(value) for value in version.values]
        present = "false" if version.values is None else "true"
        series = [_cell(defused(version.series))] if several else []
        yield ",".join([version.date, *series, *values, present, *version[3:]]) + "\n"


def read_lines(text: str, columns: Columns) -> Iterator[Version]:
    """The versions of lines without their header."""
    first = 2 if columns.has_series else 1
    last = first + len(columns.measures)
    for cells in csv.reader(io.StringIO(text, newline="")):
        values: Values | None = tuple(map(_number, cells[first:last])) if cells[last] == "true" else None
        series = name_in(cells[1]) if first == 2 else ONE_SERIES
        yield Version(series, cells[0], values, *cells[last + 1 :])


def unpack(packed: bytes, columns: Columns) -> list[Version]:
    """The versions of members that follow one another."""
    return list(read_lines(gzip.decompress(packed).decode(), columns)) if packed else []


def split_lines(packed: bytes) -> list[str]:
    """The lines of members that follow one another, not read yet: no name holds a line's end."""
    return gzip.decompress(packed).decode().split("\n")[:-1] if packed else []


def place_of_line(line: str, columns: Columns) -> VersionPlace:
    """Where the version of a line stands in the order."""
    if not columns.has_series:
        cells = line.split(",")  # dates, numbers, words and times: nothing is quoted
        return ONE_SERIES, cells[0], cells[3 + len(columns.measures)]
    cells = next(csv.reader([line]))
    return name_in(cells[1]), cells[0], cells[4 + len(columns.measures)]


def _text(value: Number | None) -> str:
    if value is None:
        return ""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _number(text: str) -> Number | None:
    if not text:
        return None
    return Decimal(text) if "." in text else int(text)


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(letter in text for letter in ',"\r\n') else text
