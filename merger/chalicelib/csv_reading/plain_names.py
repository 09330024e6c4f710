"""The distinct texts of a column, numbered: a hash proposes, the bytes decide, few are looked up one by one."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from chalicelib.csv_reading.plain_block import FIRST_BYTES, LONGEST_TEXT, LineBlock, NotPlain, WordArray
from chalicelib.tables import Ints

type SlotArray = NDArray[np.int32]

_SLOTS = 18
"""Bits of a hash that choose a slot."""
_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(kw_only=True)
class PlainNames:
    """Texts of one column, block after block."""

    listed: list[bytes] = field(default_factory=list)
    """Code -> text."""
    _places: dict[bytes, int] = field(default_factory=dict)
    _slots: SlotArray = field(default_factory=lambda: np.zeros(1 << _SLOTS, dtype=np.int32))
    _known: WordArray = field(default_factory=lambda: np.zeros((LONGEST_TEXT // 8, 1), dtype=np.uint64))
    """For each text its bytes in words, zeros behind (none are within: a block has none); the first is of no text."""
    _longest: int = 0
    """Words of the longest text."""

    def codes(self, block: LineBlock, place: int) -> Ints:
        """For each row the code of its text. Raises NotPlain."""
        return self._codes(block, *block.field(place))

    def _codes(self, block: LineBlock, starts: Ints, ends: Ints) -> Ints:
        sizes = ends - starts
        shortest, longest = int(sizes.min()), int(sizes.max())
        if longest > LONGEST_TEXT:
            raise NotPlain
        words = block.words(starts, count=max(-(-longest // 8), 1))
        for at, word in zip(range(0, LONGEST_TEXT, 8), words, strict=False):
            if at + 8 > shortest:
                word &= FIRST_BYTES[np.clip(sizes - at, 0, 8)] if shortest < longest else FIRST_BYTES[longest - at]
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

    def forget(self, known: int) -> None:
        """Give up the texts that were learned since so many were known."""
        for text in self.listed[known:]:
            del self._places[text]
        del self.listed[known:]
        self._slots[self._slots > known] = 0
        self._known = self._known[:, : known + 1]

    def codes_of_runs(self, block: LineBlock, place: int) -> Ints:
        """The same for a column in which most rows have the text of the row before, and all are of one length."""
        starts, ends = block.field(place)
        size = int(ends[0] - starts[0])
        if not 8 <= size <= LONGEST_TEXT or (ends - starts != size).any():
            return self._codes(block, starts, ends)
        begins = np.zeros(len(starts) - 1, dtype=np.bool_)
        for at, word in zip(range(0, size, 8), block.words(starts, count=-(-size // 8)), strict=True):
            if at + 8 > size:
                word &= FIRST_BYTES[size - at]
            begins |= word[1:] != word[:-1]
        places = np.flatnonzero(begins) + 1
        if len(places) * 8 > len(starts):
            return self._codes(block, starts, ends)
        places = np.concatenate([[0], places])
        codes = self._learn(block, starts[places], ends[places], np.zeros(len(places), dtype=np.int64))
        return np.repeat(np.array(codes, dtype=np.int64), np.diff(places, append=len(starts)))

    def _propose(self, words: Sequence[WordArray], slots: Ints) -> Ints:
        """The code of the text that has the slot, where it is the row's text; else -1."""
        found = self._slots[slots]
        same = found > 0
        for known, word in zip(self._known, words, strict=False):
            same &= known[found] == word
        if self._longest > len(words):
            same &= self._known[len(words)][found] == 0
        return np.where(same, found, 0).astype(np.int64) - 1

    def _learn(self, block: LineBlock, starts: Ints, ends: Ints, slots: Ints) -> list[int]:
        """Look the texts up one by one; a new one gets the next code, and its slot where that is free."""
        before, places, whole = len(self.listed), self._places, block.text
        codes = [
            places.setdefault(whole[start:end], len(places))
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        ]
        self.listed += itertools.islice(places, before, None)
        free = self._slots[slots] == 0
        self._slots[slots[free]] = np.array(codes, dtype=np.int32)[free] + 1
        fresh = self.listed[before:]
        if fresh:
            words = np.frombuffer(b"".join(text.ljust(LONGEST_TEXT, b"\0") for text in fresh), "<u8")
            self._known = np.concatenate([self._known, words.reshape(len(fresh), -1).T], axis=1)
            self._longest = max(self._longest, -(-max(map(len, fresh)) // 8))
        return codes


def _slots(words: Sequence[WordArray]) -> Ints:
    """A slot for each row's text: the high bits of its hash."""
    mixed = words[0] * _MIX
    for word in words[1:]:
        mixed = (mixed ^ word) * _MIX
        mixed ^= mixed >> np.uint64(29)
    return (mixed >> np.uint64(64 - _SLOTS)).view(np.int64)
