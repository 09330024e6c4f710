"""Which lines of a file are not in the one before: found by comparing bytes, without parsing.

Why it exists: feeds are republished as a whole, and a day changes a thousandth of the lines. Comparing two buffers
runs at the speed of memory, so only what changed has to be parsed. Any alignment of equal lines is a right answer;
a bad one only makes the two lists longer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

type Buffer = bytes | memoryview

_FIRST_STRETCH = 1 << 13
_LONGEST_STRETCH = 1 << 20
_WINDOWS = (4, 32, 256, 4096)


@dataclass(frozen=True, kw_only=True)
class ChangedLines:
    """Lines without their ends, in the order of the files."""

    gone: list[bytes]
    """Lines of the old file that are not in the new one at the same place."""
    come: list[bytes]


def find_changed_lines(old: Buffer, new: Buffer, *, at_most: int) -> ChangedLines | None:
    """The lines that differ; None where they are more than `at_most`, or the files cannot be aligned.

    Both headers (first lines) must be equal; None where they are not.
    """
    gone: list[bytes] = []
    come: list[bytes] = []
    i = j = 0
    while True:
        same = _common_prefix(old, i, new, j)
        i, j = i + same, j + same
        if i == len(old) and j == len(new):
            return ChangedLines(gone=gone, come=come)
        back = min(same, _since_line_start(old, i))  # both were at a line start before the equal stretch
        i, j = i - back, j - back
        if i == 0 or j == 0:
            return None
        step = _resynchronise(old, i, new, j)
        if step is None:
            return None
        gone += step.gone
        come += step.come
        if len(gone) + len(come) > at_most:
            return None
        i, j = step.old_at, step.new_at


@dataclass(frozen=True, kw_only=True)
class _Step:
    gone: Sequence[bytes]
    come: Sequence[bytes]
    old_at: int
    new_at: int


def _common_prefix(old: Buffer, i: int, new: Buffer, j: int) -> int:
    """How many bytes are equal from i and j on."""
    start, stretch = i, _FIRST_STRETCH
    end = min(len(old) - i, len(new) - j)
    done = 0
    while done < end:
        size = min(stretch, end - done)
        left, right = old[i : i + size], new[j : j + size]
        if bytes(left) != bytes(right):
            differ = np.frombuffer(left, dtype=np.uint8) != np.frombuffer(right, dtype=np.uint8)
            return i - start + int(differ.argmax())
        i, j, done = i + size, j + size, done + size
        stretch = min(stretch * 2, _LONGEST_STRETCH)
    return i - start


def _since_line_start(data: Buffer, at: int) -> int:
    """How many bytes of the line that `at` lies in come before it."""
    reach = 256
    while True:
        begin = max(0, at - reach)
        found = bytes(data[begin:at]).rfind(b"\n")
        if found >= 0:
            return at - (begin + found + 1)
        if begin == 0:
            return at
        reach *= 8


def _resynchronise(old: Buffer, i: int, new: Buffer, j: int) -> _Step | None:
    """The nearest pair of equal lines ahead, and the lines before them; the end of both files is such a pair."""
    if i == len(old) or j == len(new):
        gone, come = (_split(bytes(data[at:])) for data, at in ((old, i), (new, j)))
        return _Step(gone=gone, come=come, old_at=len(old), new_at=len(new))
    for window in _WINDOWS:
        old_lines, old_ends, old_all = _lines_ahead(old, i, window)
        new_lines, new_ends, new_all = _lines_ahead(new, j, window)
        places: dict[bytes, int] = {}
        for place, line in enumerate(old_lines):
            places.setdefault(line, place)
        best: tuple[int, int] | None = None
        for n, line in enumerate(new_lines):
            m = places.get(line)
            if m is not None and (best is None or m + n < sum(best)):
                best = (m, n)
            if best and n >= sum(best):
                break
        if best:
            m, n = best
            # The pair itself is stepped over: its line ends may differ where the rest does not.
            return _Step(gone=old_lines[:m], come=new_lines[:n], old_at=old_ends[m], new_at=new_ends[n])
        if old_all and new_all:
            return _Step(gone=old_lines, come=new_lines, old_at=len(old), new_at=len(new))
    return None


def _lines_ahead(data: Buffer, at: int, count: int) -> tuple[list[bytes], list[int], bool]:
    """Up to `count` lines from a line start on, the offsets behind them, and whether these are all there are."""
    reach = count * 128
    while True:
        piece = bytes(data[at : at + reach])
        lines = piece.split(b"\n", count)
        whole = at + reach >= len(data)
        if len(lines) > count or whole:
            break
        reach *= 4
    at_end = len(lines) <= count
    if not at_end or not lines[-1]:
        lines.pop()
    ends, end = [], at
    for line in lines:
        end = min(end + len(line) + 1, len(data))
        ends.append(end)
    return [line.rstrip(b"\r") for line in lines], ends, at_end


def _split(data: bytes) -> list[bytes]:
    return [line.rstrip(b"\r") for line in data.removesuffix(b"\n").split(b"\n")] if data else []
