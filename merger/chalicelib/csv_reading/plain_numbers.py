"""Numbers of a column, eight digits at once: signs and decimal points are taken out by shifting bytes.

What is written in a rare way (more than 15 digits, letters that are no digits) is left to careful reading.
"""

import numpy as np

from chalicelib.csv_reading.field_rules import NumberRule
from chalicelib.csv_reading.plain_block import FIRST_BYTES, LONGEST_TEXT, LineBlock, NotPlain, WordArray
from chalicelib.tables import NULL, Ints, Mask

_DIGITS = 15
_MOST_SCALED = 18
"""Digits of a number once it is scaled: any of so many fit 64 bits."""
_ZEROS = np.uint64(0x3030303030303030)
_ABOVE_NINE, _HIGH_BITS = np.uint64(0x7676767676767676), np.uint64(0x8080808080808080)
_LOW_SEVEN, _EACH = np.uint64(0x7F7F7F7F7F7F7F7F), 0x0101010101010101
_ALL, _ONE = np.uint64(0xFFFFFFFFFFFFFFFF), np.uint64(1)
_MINUS, _PLUS = ord("-"), ord("+")
_GROUP = 3
"""Digits between two separators of thousands."""
_MANTISSA_BITS, _BIAS = 52, 1023
_POWERS = np.array([10**n for n in range(_MOST_SCALED + 1)], dtype=np.uint64)


class PlainNumbers:
    """One measure's numbers, block after block."""

    def __init__(self, rule: NumberRule, *, encoding: str) -> None:
        self._rule = rule
        self._thousands = _encoded(rule.thousands, encoding)
        self._missing = [text for text in (_encoded(text, encoding) for text in rule.missing) if text]
        if any(len(text) > LONGEST_TEXT for text in self._missing):
            raise NotPlain
        self._points = np.uint64(ord(rule.decimal) * _EACH)
        self._has_points, self._has_signs = rule.decimals > 0, False
        self._parts: list[Ints] = []

    def add(self, block: LineBlock, place: int) -> None:
        """Take a block's numbers. Raises NotPlain."""
        starts, ends = block.field(place)
        for text in self._missing:
            ends = np.where(_is_text(block, starts, ends, text), starts, ends)
        while True:
            try:
                self._parts.append(self._read(block, starts, ends))
            except NotPlain:  # what a column has once, it has again: the next block begins with it
                if self._has_signs:
                    raise
                self._has_points, self._has_signs = True, self._has_points
            else:
                return

    def forget(self, blocks: int) -> None:
        """Give up what was taken since so many blocks were."""
        del self._parts[blocks:]

    @property
    def joined(self) -> Ints:
        """All numbers, NULL where nothing is reported."""
        return np.concatenate(self._parts) if self._parts else np.empty(0, dtype=np.int64)

    def _read(self, block: LineBlock, starts: Ints, ends: Ints) -> Ints:
        blank = starts == ends
        negative = None
        if self._has_signs:
            first = block.letters[starts]
            negative = (first == _MINUS) & ~blank
            starts = starts + (((first == _PLUS) | negative) & ~blank)
            if ((starts == ends) & ~blank).any():
                raise NotPlain
        if self._thousands:
            numbers = self._grouped(block, starts, ends, blank)
        else:
            numbers = self._pointed(block, starts, ends, blank) if self._has_points else _whole(block, starts, ends)
        signed = numbers.view(np.int64)
        if negative is not None:
            signed = np.where(negative, -signed, signed)
        least = self._rule.minimum
        if least is not None and (least > 0 or negative is not None) and (signed[~blank] < least).any():
            raise NotPlain
        if blank.any():
            signed[blank] = NULL
        return signed

    def _pointed(self, block: LineBlock, starts: Ints, ends: Ints, blank: Mask) -> WordArray:
        """Numbers with a decimal point, or without, as multiples of 10^-decimals."""
        sizes, (words,) = ends - starts, block.words(ends - 8)
        point = _bytes_like(words, self._points, np.minimum(sizes, 8))
        pointed = point != 0
        if (point & (point - _ONE)).any():
            raise NotPlain
        # Bytes behind the point stay, those before it move up by one: the word without its point.
        behind = np.where(pointed, ~((point << _ONE) - _ONE), _ALL)
        words = (words & behind) | (block.words(ends - 9)[0] & ~behind)
        digits = sizes - pointed
        decimals = np.where(pointed, 7 - (_top_bit(point) >> 3), 0)
        longest = int(digits.max(initial=0))
        least = 1 if self._rule.decimals else decimals + 1  # .5 is a half; .0 is no whole number
        if longest > _DIGITS or ((digits < least) & ~blank).any():
            raise NotPlain
        numbers = _to_numbers(words, np.minimum(digits, 8))
        if longest > 8:
            numbers += _to_numbers(block.words(ends - 16 - pointed)[0], np.maximum(digits - 8, 0)) * np.uint64(10**8)
        return self._scaled(numbers, digits, decimals)

    def _grouped(self, block: LineBlock, starts: Ints, ends: Ints, blank: Mask) -> WordArray:
        """The same of numbers whose thousands may be set apart."""
        tail, sizes = block.words(ends - 8)[0], np.minimum(ends - starts, 8)
        point = _bytes_like(tail, self._points, sizes) if self._has_points else np.zeros(len(ends), dtype=np.uint64)
        pointed = point != 0
        if (point & (point - _ONE)).any():
            raise NotPlain
        decimals = np.where(pointed, 7 - (_top_bit(point) >> 3), 0)
        whole_ends = ends - decimals - pointed
        whole, digits = self._whole_of_groups(block, starts, whole_ends)
        if (((digits == 0) & ~blank) & ((decimals == 0) | (self._rule.decimals == 0))).any():
            raise NotPlain
        digits = digits + decimals
        if int(digits.max(initial=0)) > _DIGITS:
            raise NotPlain
        return self._scaled(whole * _POWERS[decimals] + _to_numbers(tail, decimals), digits, decimals)

    def _whole_of_groups(self, block: LineBlock, starts: Ints, ends: Ints) -> tuple[WordArray, Ints]:
        """Whole numbers, and the digits of each. A group has three digits, but for the first, which has up to three."""
        width, letters = len(self._thousands), np.uint64(int.from_bytes(self._thousands, "little"))
        step = _GROUP + width
        digits, numbers = ends - starts, np.zeros(len(ends), dtype=np.uint64)
        there = np.flatnonzero(digits > step)
        before = block.words(ends[there] - step)[0] & FIRST_BYTES[width]
        grouped = there[before == letters]
        rest = ends.copy()
        for power in range(0, _DIGITS, _GROUP):
            if not len(grouped):
                break
            group = _to_numbers(block.words(rest[grouped] - 8)[0], np.full(len(grouped), _GROUP))
            numbers[grouped] += group * _POWERS[power]
            rest[grouped] -= step
            digits[grouped] -= width
            more = grouped[rest[grouped] - starts[grouped] > _GROUP]
            before = block.words(rest[more] - step)[0] & FIRST_BYTES[width]
            if ((before != letters) | (rest[more] - starts[more] <= step)).any():
                raise NotPlain
            last = np.setdiff1d(grouped, more, assume_unique=True)
            numbers[last] += _whole(block, starts[last], rest[last]) * _POWERS[power + _GROUP]
            starts = starts.copy()
            starts[last] = rest[last]
            grouped = more
        if len(grouped):
            raise NotPlain
        return numbers + _whole(block, starts, rest), digits

    def _scaled(self, numbers: WordArray, digits: Ints, decimals: Ints) -> WordArray:
        more = self._rule.decimals - decimals
        least, most = int(more.min(initial=0)), int(more.max(initial=0))
        if most > 0:
            if int((digits + np.maximum(more, 0)).max()) > _MOST_SCALED:
                raise NotPlain
            numbers = numbers * _POWERS[np.maximum(more, 0)]
        if least < 0:
            unit = _POWERS[np.maximum(-more, 0)]
            numbers, rest = np.divmod(numbers, unit)
            if rest.any():
                if not self._rule.rounded:
                    raise NotPlain
                twice = rest * np.uint64(2)
                numbers += (twice > unit) | ((twice == unit) & (numbers & _ONE == _ONE))
        return numbers


def _encoded(text: str, encoding: str) -> bytes:
    """The bytes of a text; none where the encoding has no such letter, and so no field has it."""
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return b""


def _whole(block: LineBlock, starts: Ints, ends: Ints) -> WordArray:
    """Digits and nothing else, or blank."""
    sizes = ends - starts
    longest = int(sizes.max(initial=0))
    if longest > _DIGITS:
        raise NotPlain
    *before, last = block.words(ends - 16, count=2) if longest > 8 else block.words(ends - 8)
    numbers = _to_numbers(last, np.minimum(sizes, 8))
    for words in before:
        numbers += _to_numbers(words, np.maximum(sizes - 8, 0)) * np.uint64(10**8)
    return numbers


def _to_numbers(words: WordArray, sizes: Ints) -> WordArray:
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


def _bytes_like(words: WordArray, letters: np.uint64, sizes: Ints) -> WordArray:
    """The high bit of each byte that is the letter, among the last `sizes` of eight."""
    before = ((8 - sizes) * 8).view(np.uint64)
    unlike = words ^ letters
    alike = ~(((unlike & _LOW_SEVEN) + _LOW_SEVEN) | unlike | _LOW_SEVEN)
    return (alike >> before) << before


def _top_bit(words: WordArray) -> Ints:
    """The place of the only bit that is set: the exponent of the number as a float, which is exact."""
    places: Ints = (words.astype(np.float64).view(np.int64) >> _MANTISSA_BITS) - _BIAS
    return places


def _is_text(block: LineBlock, starts: Ints, ends: Ints, text: bytes) -> Mask:
    """Which fields are this text."""
    same: Mask = ends - starts == len(text)
    rows = np.flatnonzero(same)
    for at in range(0, len(text) if len(rows) else 0, 8):
        part = text[at : at + 8]
        words = block.words(starts[rows] + at)[0] & FIRST_BYTES[len(part)]
        alike = words == np.uint64(int.from_bytes(part, "little"))
        same[rows[~alike]] = False
        rows = rows[alike]
    return same
