"""Which lines of a file are not in the one before: found by comparing bytes, without parsing.

Why it exists: feeds are republished as a whole, and a day changes a thousandth of the lines. Comparing two files
runs at the speed of memory, so only what changed has to be parsed. Both are read as streams: however large they are,
a few hundred KiB of each are held. Any alignment of equal lines is a right answer; a bad one only makes the two
lists longer.
"""

import io
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

_BLOCK = 1 << 16
"""Bytes compared at a time: so few that they stay in the processor's cache."""
_FREE = 1 << 20
"""Bytes of changed lines that are allowed, however small the files are."""
_WINDOWS = (4, 32, 256, 4096, 32768)
"""Lines that are looked ahead for two that are equal, in growing steps."""
_MOST_AHEAD = 1 << 25
"""Bytes that are looked ahead for them at most."""


@dataclass(frozen=True, kw_only=True)
class ChangedLines:
    """Lines without their ends, in the order of the files."""

    header: bytes
    """The first line, which both have."""
    gone: list[bytes]
    """Lines of the old file that are not in the new one at the same place."""
    come: list[bytes]


def find_changed_lines(old: BinaryIO | bytes, new: BinaryIO | bytes, *, most: float) -> ChangedLines | None:
    """The lines that differ; None where they are too many, or the files cannot be aligned.

    `most` is the share of the old file's bytes that changed lines may have; the first MiB of them is free.
    Both headers (first lines) must be equal; None where they are not.
    """
    sides = [_Ahead(io.BytesIO(file) if isinstance(file, bytes) else file) for file in (old, new)]
    comparison = _Comparison(*sides, most=most)
    try:
        header = comparison.take_header()
        while not comparison.is_done:
            comparison.pass_block()
    except _TooDifferent:
        return None
    return ChangedLines(header=header, gone=comparison.gone, come=comparison.come)


class _TooDifferent(Exception):
    """To be parsed as a whole."""


class _Ahead:
    """A file from some line start on, as much of it as was asked for."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.data = b""
        self.passed = 0
        """Bytes that were passed over."""
        self.is_all = False
        """Whether nothing comes after `data`."""

    def fill(self, size: int) -> None:
        while len(self.data) < size and not self.is_all:
            more = self._file.read(size - len(self.data))
            self.is_all = not more
            self.data += more

    def pass_over(self, size: int) -> None:
        self.data = self.data[size:]
        self.passed += size

    @property
    def is_at_end(self) -> bool:
        return self.is_all and not self.data

    def lines(self, count: int) -> tuple[list[bytes], list[int]]:
        """Up to `count` lines, their ends off, and the offsets behind them; fewer only at the end of the file."""
        reach = count * 64
        while True:
            self.fill(reach)
            lines = self.data[:reach].split(b"\n", count)
            if len(lines) > count or (self.is_all and reach >= len(self.data)):
                break
            reach *= 4
            if reach > _MOST_AHEAD:
                raise _TooDifferent
        if len(lines) > count or not lines[-1]:
            lines.pop()
        ends, end = [], 0
        for line in lines:
            end = min(end + len(line) + 1, len(self.data))
            ends.append(end)
        return [line.rstrip(b"\r") for line in lines], ends


class _Comparison:
    def __init__(self, old: _Ahead, new: _Ahead, *, most: float) -> None:
        self._old, self._new, self._most = old, new, most
        self._weight = 0
        self.gone: list[bytes] = []
        self.come: list[bytes] = []

    def take_header(self) -> bytes:
        for side in (self._old, self._new):
            side.fill(_BLOCK)
        size = self._old.data.find(b"\n") + 1
        header = self._old.data[:size]
        if not header or self._new.data[:size] != header:
            raise _TooDifferent
        self._pass_over(size, size)
        return header.rstrip(b"\r\n")

    @property
    def is_done(self) -> bool:
        return self._old.is_at_end and self._new.is_at_end

    def pass_block(self) -> None:
        """Pass over what is equal in the next block, and what differs up to where it is equal again."""
        self._old.fill(_BLOCK)
        self._new.fill(_BLOCK)
        if not self._pass_equal() and not self.is_done:
            self._resynchronise()
        if self._weight > _FREE + self._most * self._old.passed:
            raise _TooDifferent

    def _pass_equal(self) -> bool:
        """Pass over equal lines, and lines changed in place, in what is at hand; whether that was all of it."""
        old, new = self._old.data, self._new.data
        size = min(len(old), len(new))
        differ = np.frombuffer(old, np.uint8, size) != np.frombuffer(new, np.uint8, size)
        start, found = 0, _next(differ, 0)
        while found < size:
            # A line changed in place: it ends at the same offset in both, and the next line is the same.
            end = old.find(b"\n", found, size)
            next_end = old.find(b"\n", end + 1, size)
            start = old.rfind(b"\n", start, found) + 1 or start
            after = _next(differ, end)
            if not 0 <= end < next_end < after or new.find(b"\n", found, size) != end:
                break
            self._tell([old[start:end].rstrip(b"\r")], [new[start:end].rstrip(b"\r")])
            start, found = end + 1, after
        else:
            start = old.rfind(b"\n", start, size) + 1 or start
        self._pass_over(start, start)
        return found == size and start > 0

    def _resynchronise(self) -> None:
        """Pass over what differs, and over the nearest pair of equal lines: their ends may differ."""
        if self._old.is_at_end or self._new.is_at_end:
            self._take_rest()
            return
        for window in _WINDOWS:
            old_lines, old_ends = self._old.lines(window)
            new_lines, new_ends = self._new.lines(window)
            pair = _nearest_pair(old_lines, new_lines)
            if pair:
                self._tell(old_lines[: pair[0]], new_lines[: pair[1]])
                self._pass_over(old_ends[pair[0]], new_ends[pair[1]])
                return
            if len(old_lines) < window and len(new_lines) < window:
                self._tell(old_lines, new_lines)
                self._pass_over(len(self._old.data), len(self._new.data))
                return
        raise _TooDifferent

    def _take_rest(self) -> None:
        """One side has ended: the other has these lines more."""
        for side, found in ((self._old, self.gone), (self._new, self.come)):
            side.fill(_BLOCK)
            lines, ends = side.lines(1024)
            self._weight += sum(map(len, lines))
            found += lines
            side.pass_over(ends[-1] if ends else 0)

    def _tell(self, gone: list[bytes], come: list[bytes]) -> None:
        self.gone += gone
        self.come += come
        self._weight += sum(map(len, gone)) + sum(map(len, come))

    def _pass_over(self, old: int, new: int) -> None:
        self._old.pass_over(old)
        self._new.pass_over(new)


def _next(differ: NDArray[np.bool_], start: int) -> int:
    """The first place from `start` on that differs; the length where none does."""
    place = start + int(differ[start:].argmax()) if start < len(differ) else 0
    return place if place < len(differ) and differ[place] else len(differ)


def _nearest_pair(old: list[bytes], new: list[bytes]) -> tuple[int, int] | None:
    """Places of two equal lines with the fewest lines before them."""
    places: dict[bytes, int] = {}
    for place, line in enumerate(old):
        places.setdefault(line, place)
    best: tuple[int, int] | None = None
    for n, line in enumerate(new):
        m = places.get(line)
        if m is not None and (best is None or m + n < sum(best)):
            best = (m, n)
        if best and n >= sum(best):
            break
    return best
