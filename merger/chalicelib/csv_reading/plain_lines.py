"""Reading plain lines with array operations: what a column at a time costs a hundredth of what a row at a time does.

Why it exists: pandas takes half a second for a million rows, this a tenth. Plain is a line whose fields are as many
as the header's, without quotes, dates as YYYY-MM-DD, numbers as digits, with `.0` behind or not, or blank. Whatever
is not plain is left, as a whole, to the ways that know all of CSV and that say what is wrong:
`chalicelib.csv_reading.feed_reader` has them.

The file is read in blocks that stay in the processor's cache; only the resulting columns are held.
"""

import datetime as dt
import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from chalicelib.tables import NULL, Ints, make_keys

type _Words = NDArray[np.uint64]

_BLOCK = 1 << 19
_BEFORE, _BEHIND = 16, 72
"""Bytes of padding, so that words may be read across the ends of a block."""
_LONGEST_NAME = 64
_DIGITS = 15
_SLOTS = 18
"""Bits of a hash that choose a slot."""

_COMMA, _LINE_END = ord(","), ord("\n")
_ODD = (b'"', b"\r", b"\0")
_ZEROS = np.uint64(0x3030303030303030)
_ABOVE_NINE, _HIGH_BITS = np.uint64(0x7676767676767676), np.uint64(0x8080808080808080)
_LAST_TWO, _POINT_ZERO = np.uint64(48), int.from_bytes(b".0", "little")
_FIRST_BYTES = np.array([(1 << 8 * size) - 1 for size in range(9)], dtype=np.uint64)
_MIX = np.uint64(0x9E3779B97F4A7C15)


class NotPlain(Exception):
    """To be read another way."""


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The used columns of a file, in the order of its rows."""

    names: tuple[str, ...]
    """The distinct names of the series column, sorted; empty where there is none."""
    keys: Ints
    """As in a table over these names; the code is 0 where there is no series column."""
    measures: Sequence[Ints]


def read_plain(
    blocks: Iterable[bytes], *, width: int, date: int, series: int | None, measures: Sequence[int]
) -> Columns:
    """The columns at these places of rows with `width` fields. `blocks` hold whole lines. Raises NotPlain."""
    dates, names = _Names(), _Names()
    pairs: list[tuple[Ints, Ints | None]] = []
    numbers: list[list[Ints]] = [[] for _ in measures]
    for text in blocks:
        block = _Block(text, width)
        pairs.append((dates.codes_of_runs(block, date), None if series is None else names.codes(block, series)))
        for place, column in zip(measures, numbers, strict=True):
            column.append(block.numbers(place))
    days = np.array([_ordinal(date) for date in dates.listed], dtype=np.int64)
    listed = [_name(text) for text in names.listed]
    places = np.empty(len(listed), dtype=np.int64)
    places[sorted(range(len(listed)), key=listed.__getitem__)] = np.arange(len(listed))
    keys = [make_keys(days[day], np.int64(0) if code is None else places[code]) for day, code in pairs]
    return Columns(
        names=tuple(sorted(listed)),
        keys=_joined(keys),
        measures=[_joined(column) for column in numbers],
    )


def blocks_of(file: BinaryIO) -> Iterator[bytes]:
    """The rest of a file in blocks of whole lines, all with line ends of one character. Raises NotPlain."""
    rest = b""
    while more := file.read(_BLOCK):
        block = rest + more
        cut = block.rfind(b"\n") + 1
        if not cut and len(block) > 4 * _BLOCK:
            raise NotPlain
        rest = block[cut:]
        if cut:
            yield block[:cut].replace(b"\r\n", b"\n") if b"\r" in block else block[:cut]
    if rest:
        yield rest.removesuffix(b"\r") + b"\n"


class _Block:
    """Lines, and where their fields are."""

    def __init__(self, text: bytes, width: int) -> None:
        if any(letter in text for letter in _ODD):
            raise NotPlain
        self.text = bytes(_BEFORE) + text + bytes(_BEHIND)
        letters = np.frombuffer(self.text, dtype=np.uint8)
        line_ends = letters == _LINE_END
        ends = np.flatnonzero(line_ends | (letters == _COMMA))
        rows = np.count_nonzero(line_ends)
        if len(ends) != rows * width:
            raise NotPlain
        self._ends = ends.reshape(rows, width).T.copy()
        if not line_ends[self._ends[-1]].all():
            raise NotPlain
        self._words = np.ndarray((len(self.text) - 7,), "<u8", buffer=self.text, strides=(1,))

    def field(self, place: int) -> tuple[Ints, Ints]:
        """Where the fields begin and end."""
        ends = self._ends[place]
        if place:
            return self._ends[place - 1] + 1, ends
        return np.concatenate([[_BEFORE], self._ends[-1][:-1] + 1]), ends

    def words(self, places: Ints) -> _Words:
        """The eight bytes from each place on."""
        words: _Words = self._words[places]
        return words

    def numbers(self, place: int) -> Ints:
        """The whole numbers of a column, NULL where it is blank. Raises NotPlain."""
        starts, ends = self.field(place)
        try:
            return self._numbers(starts, ends)
        except NotPlain:
            pointed = self.words(ends - 8) >> _LAST_TWO == _POINT_ZERO
            if (pointed & (ends - starts == 2)).any():
                raise
            return self._numbers(starts, ends - 2 * pointed)

    def _numbers(self, starts: Ints, ends: Ints) -> Ints:
        sizes = ends - starts
        longest = int(sizes.max())
        if longest > _DIGITS:
            raise NotPlain
        numbers = _to_numbers(self.words(ends - 8), np.minimum(sizes, 8))
        if longest > 8:
            more = _to_numbers(self.words(ends - 16), np.maximum(sizes - 8, 0))
            numbers += more * np.uint64(10**8)
        signed = numbers.view(np.int64)
        if not sizes.all():
            signed[sizes == 0] = NULL
        return signed


def _to_numbers(words: _Words, sizes: Ints) -> _Words:
    """What the last `sizes` of eight letters say in digits. Raises NotPlain.

    Eight digits at once: neighbours are added up to pairs, pairs to fours, fours to eight.
    """
    before = ((8 - sizes) * 8).view(np.uint64)
    digits = ((words ^ _ZEROS) >> before) << before  # none are left of a word that is shifted by its whole size
    if (((digits + _ABOVE_NINE) | digits) & _HIGH_BITS).any():
        raise NotPlain
    digits = digits * np.uint64(10 << 8 | 1) >> np.uint64(8)
    digits = (digits & np.uint64(0x00FF00FF00FF00FF)) * np.uint64(100 << 16 | 1) >> np.uint64(16)
    return (digits & np.uint64(0x0000FFFF0000FFFF)) * np.uint64(10000 << 32 | 1) >> np.uint64(32)


@dataclass(kw_only=True)
class _Names:
    """Numbers the distinct texts of a column: a hash proposes, the bytes decide, few are looked up one by one."""

    listed: list[bytes] = field(default_factory=list)
    _places: dict[bytes, int] = field(default_factory=dict)
    _slots: Ints = field(default_factory=lambda: np.zeros(1 << _SLOTS, dtype=np.int64))
    _known: _Words = field(default_factory=lambda: np.zeros((_LONGEST_NAME // 8, 1), dtype=np.uint64))
    """For each text its bytes in words, zeros behind (none are within: see _ODD); the first is of no text."""
    _longest: int = 0
    """Words of the longest text."""

    def codes(self, block: _Block, place: int) -> Ints:
        starts, ends = block.field(place)
        sizes = ends - starts
        shortest, longest = int(sizes.min()), int(sizes.max())
        if not 0 < shortest <= longest <= _LONGEST_NAME:
            raise NotPlain
        words = []
        for at in range(0, longest, 8):
            word = block.words(starts + at)
            if at + 8 > shortest:
                word &= _FIRST_BYTES[np.clip(sizes - at, 0, 8)] if shortest < longest else _FIRST_BYTES[longest - at]
            words.append(word)
        slots = _slots(words)
        codes = self._propose(words, slots)
        unlike = np.flatnonzero(codes < 0)
        if len(unlike):
            _, firsts = np.unique(slots[unlike], return_index=True)
            self._learn(block, starts[unlike[firsts]], ends[unlike[firsts]], slots[unlike[firsts]])
            codes[unlike] = self._propose([word[unlike] for word in words], slots[unlike])
            unlike = unlike[codes[unlike] < 0]
            codes[unlike] = self._learn(block, starts[unlike], ends[unlike], slots[unlike])
        return codes

    def codes_of_runs(self, block: _Block, place: int) -> Ints:
        """The same for a column in which most rows have the text of the row before, and all are ten bytes long."""
        starts, ends = block.field(place)
        if (ends - starts != 10).any():
            raise NotPlain
        words, last = block.words(starts), block.words(starts + 2)
        begins = np.flatnonzero((words[1:] != words[:-1]) | (last[1:] != last[:-1])) + 1
        if len(begins) * 8 > len(starts):
            return self.codes(block, place)
        begins = np.concatenate([[0], begins])
        codes = self._learn(block, starts[begins], ends[begins], np.zeros(len(begins), dtype=np.int64))
        return np.repeat(np.array(codes, dtype=np.int64), np.diff(begins, append=len(starts)))

    def _propose(self, words: Sequence[_Words], slots: Ints) -> Ints:
        """The code of the text that has the slot, where it is the row's text; else -1."""
        found = self._slots[slots]
        same = found > 0
        for known, word in zip(self._known, words, strict=False):
            same &= known[found] == word
        if self._longest > len(words):
            same &= self._known[len(words)][found] == 0
        return np.where(same, found - 1, -1)

    def _learn(self, block: _Block, starts: Ints, ends: Ints, slots: Ints) -> list[int]:
        """Look the texts up one by one; a new one gets the next code, and its slot where that is free."""
        codes, before = [], len(self.listed)
        for start, end, slot in zip(starts.tolist(), ends.tolist(), slots.tolist(), strict=True):
            text = block.text[start:end]
            code = self._places.setdefault(text, len(self.listed))
            if code == len(self.listed):
                self.listed.append(text)
            if not self._slots[slot]:
                self._slots[slot] = code + 1
            codes.append(code)
        fresh = self.listed[before:]
        if fresh:
            words = np.frombuffer(b"".join(text.ljust(_LONGEST_NAME, b"\0") for text in fresh), "<u8")
            self._known = np.concatenate([self._known, words.reshape(len(fresh), -1).T], axis=1)
            self._longest = max(self._longest, -(-max(map(len, fresh)) // 8))
        return codes


def _slots(words: Sequence[_Words]) -> Ints:
    """A slot for each row's text: the high bits of its hash."""
    mixed = words[0] * _MIX
    for word in words[1:]:
        mixed = (mixed ^ word) * _MIX
        mixed ^= mixed >> np.uint64(29)
    return (mixed >> np.uint64(64 - _SLOTS)).view(np.int64)


def _joined(columns: list[Ints]) -> Ints:
    return np.concatenate(columns) if columns else np.empty(0, dtype=np.int64)


@functools.lru_cache(maxsize=4096)
def _ordinal(date: bytes) -> int:
    text = date.decode("latin-1")
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise NotPlain
    try:
        return dt.date.fromisoformat(text).toordinal()
    except ValueError:
        raise NotPlain from None


def _name(text: bytes) -> str:
    try:
        name = text.decode()
    except UnicodeDecodeError:
        raise NotPlain from None
    if not name or not name.isprintable() or name != name.strip():
        raise NotPlain
    return name
