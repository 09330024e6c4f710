"""A feed's file in ranges of bytes that are read apart: each holds the lines that begin in it.

A line ends at a line feed here. That cuts no character in two, since no other byte of UTF-8, nor of any encoding of
single bytes, is one. A lone carriage return ends a line for the csv module as well, and never lies in two ranges.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from chalicelib.csv_reading.csv_rows import CsvRows
from chalicelib.csv_reading.decoding import BOM, extends_ascii, text_lines
from chalicelib.csv_reading.feed_layout import Layout, find_layout
from shared.dataset import Feed
from shared.errors import ContractBroken

HEAD_BYTES = 1 << 20
"""The beginning of a file, in which its header is looked for."""
_MORE = 1 << 16
_LONGEST_LINE = 1 << 26
"""Bytes of a line that goes on behind its range; a file with a longer one is not cut."""
_LINE_END = re.compile(rb"\r\n|\r|\n")

type ReadBytes = Callable[[int, int], bytes]
"""From a place up to another; fewer bytes where the file ends before."""


class NotCut(Exception):
    """The file must be read as a whole."""


@dataclass(frozen=True, kw_only=True)
class FileHead:
    """What the beginning of a file says."""

    layout: Layout
    start: int
    """The byte at which the line behind the header begins."""
    lines: int
    """Lines before it."""


def can_be_cut(feed: Feed) -> bool:
    """Whether lines of this feed's files can be told apart as bytes at all."""
    return not feed.archive and extends_ascii(feed.encoding)


def read_head(block: bytes, feed: Feed, *, whole: bool) -> FileHead:
    """From the first bytes of a file; `whole` says whether they are all.

    Raises ContractBroken for a header that breaks the contract, NotCut where these bytes are too few to tell.
    """
    rows = CsvRows(text_lines(block, feed), feed)
    try:
        line, names = rows.header()
    except ContractBroken:
        if whole:
            raise
        raise NotCut from None
    start = _behind_lines(block, rows.line)
    if start >= len(block) and not whole:
        raise NotCut
    return FileHead(layout=find_layout(names, feed, line=line), start=start, lines=rows.line)


def _behind_lines(block: bytes, lines: int) -> int:
    at = len(BOM) if block.startswith(BOM) else 0
    for _ in range(lines):
        found = _LINE_END.search(block, at)
        if found is None:
            return len(block)
        at = found.end()
    return at


def cut(start: int, size: int, *, step: int) -> Iterator[tuple[int, int]]:
    """From where to where ranges of about so many bytes go; one at least, so that an empty file is read too."""
    yield start, min(size, start + step)
    for begin in range(start + step, size, step):
        yield begin, min(size, begin + step)


def lines_in(read: ReadBytes, start: int, end: int, *, first: bool) -> bytes:
    """The lines that begin in a range. `first`: a line begins at its start. Raises NotCut for an endless one."""
    skipped = start if first else start - 1
    data = read(skipped, end)
    if not first:
        begin = data.find(b"\n") + 1
        if not begin:
            return b""
        data = data[begin:]
    if not data or data.endswith(b"\n"):
        return data
    pieces, at, size = [data], end, 0
    while more := read(at, at + _MORE):
        cut_at = more.find(b"\n") + 1
        if cut_at:
            pieces.append(more[:cut_at])
            break
        pieces.append(more)
        at, size = at + len(more), size + len(more)
        if size > _LONGEST_LINE:
            raise NotCut
    return b"".join(pieces)


def count_lines(data: bytes) -> int:
    """As text is split: at a line feed, a carriage return, or both."""
    pairs = data.count(b"\r\n") if b"\r" in data else 0
    ends = data.count(b"\n") + (data.count(b"\r") - pairs if b"\r" in data else 0)
    return ends + bool(data and not data.endswith((b"\n", b"\r")))
