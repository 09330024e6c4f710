"""Some lines of a file as an array of bytes, and where their fields are.

A block is plain where each line is a row, all have as many fields as the header, and quotes are of the simplest kind:
around a whole field, with none within. Quotes are taken off by moving the ends of a field, not by copying it.
"""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from chalicelib.tables import Ints, Mask

type WordArray = NDArray[np.uint64]

BLOCK = 1 << 19
"""Bytes of a block, about: so few that they stay in the processor's cache."""
LONGEST_TEXT = 64
"""Bytes of a text that is looked at by words."""
FIRST_BYTES = np.array([(1 << 8 * size) - 1 for size in range(9)], dtype=np.uint64)
"""Of a word of eight bytes the first n."""

_BEFORE, _BEHIND = 24, 72
"""Bytes of padding, so that words may be read across the ends of a block."""
_QUOTE, _LINE_END = ord('"'), ord("\n")
_FEW_COLUMNS = 16
"""So many are copied to lie one behind the other; of more, most are not used."""
_LEAST_QUOTED = 2
"""Bytes of a quoted field: its quotes."""


class NotPlain(Exception):
    """To be read another way."""


def blocks_of(file: BinaryIO, *, size: int = BLOCK) -> Iterator[bytes]:
    """The rest of a file in blocks of whole lines; the last line may have no end. Raises NotPlain for endless lines."""
    rest = b""
    while more := file.read(size):
        block = rest + more if rest else more
        cut = block.rfind(b"\n") + 1
        rest = block[cut:]
        if len(rest) > BLOCK:
            raise NotPlain
        if cut:
            yield block[:cut]
    if rest:
        yield rest


def with_plain_ends(block: bytes) -> bytes:
    """The same lines, each with an end of one character."""
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n")
    return block if block.endswith(b"\n") else block.removesuffix(b"\r") + b"\n"


def lines_are_rows(data: bytes, delimiter: str) -> bool:
    """Whether every row is one line that ends in a line feed, and all quoting is of the simplest kind."""
    if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
        return False  # the csv module ends a line at a lone carriage return, too
    if b'"' not in data:
        return True
    text = b"\n" + data.replace(b"\r\n", b"\n") + b"\n"
    letters = np.frombuffer(text, dtype=np.uint8)
    line_ends = letters == _LINE_END
    separators = np.flatnonzero(line_ends | (letters == ord(delimiter)))
    return _quoted(letters, separators, ord(delimiter)) is not None


def _quoted(letters: NDArray[np.uint8], separators: Ints, delimiter: int) -> Mask | None:
    """Which separators stand within quotes; None where quotes are not simple, or a line ends within them."""
    are_quotes = letters == _QUOTE
    quotes = np.flatnonzero(are_quotes)
    if len(quotes) % 2:
        return None
    before, after = letters[quotes[::2] - 1], letters[quotes[1::2] + 1]
    for beside in (before, after):
        if not ((beside == delimiter) | (beside == _LINE_END)).all():
            return None
    within: Mask = np.cumsum(are_quotes, dtype=np.uint8)[separators] & 1 == 1  # a count that wraps around stays odd
    return None if (letters[separators[within]] == _LINE_END).any() else within


class LineBlock:
    """Lines, and where their fields are; of chosen rows, once some are chosen."""

    def __init__(self, text: bytes, *, width: int, delimiter: str) -> None:
        if b"\r" in text or b"\0" in text:
            raise NotPlain
        self.size = len(text)
        """Bytes of the lines."""
        self.text = b"".join([bytes(_BEFORE - 1), b"\n", text, bytes(_BEHIND)])
        self.letters = np.frombuffer(self.text, dtype=np.uint8)
        self._starts: Ints | None = None
        """For each column where its fields begin; None where that is behind the end of the field before."""
        self._quotes = b'"' in text
        if not (text.startswith(b'"') and self._take_quoted(width, ord(delimiter))):
            self._take_any(width, ord(delimiter))
        self._chosen: Ints | None = None
        self.rows = self._ends.shape[1]

    def _take_quoted(self, width: int, delimiter: int) -> bool:
        """Find the fields where every field is quoted: by the quotes alone; False where it is otherwise."""
        letters = self.letters
        places = np.flatnonzero(letters == _QUOTE)
        rows, more = divmod(len(places), 2 * width)
        if more or np.count_nonzero(letters == _LINE_END) != rows + 1:
            return False
        opening, closing = places[::2], places[1::2]
        behind = letters[closing + 1].reshape(rows, width)
        if not (
            (opening[1:] == closing[:-1] + _LEAST_QUOTED).all()
            and (behind[:, :-1] == delimiter).all()
            and (behind[:, -1] == _LINE_END).all()
        ):
            return False
        starts, ends = (opening + 1).reshape(rows, width).T, closing.reshape(rows, width).T
        few = width <= _FEW_COLUMNS
        self._starts, self._ends = (starts.copy(), ends.copy()) if few else (starts, ends)
        return True

    def _take_any(self, width: int, delimiter: int) -> None:
        """Find the fields by what separates them. Raises NotPlain."""
        line_ends = self.letters == _LINE_END
        ends = np.flatnonzero(line_ends | (self.letters == delimiter))[1:]
        if self._quotes:
            within = _quoted(self.letters, ends, delimiter)
            if within is None:
                raise NotPlain
            ends = ends[~within]
        rows = len(ends) // width
        if len(ends) != rows * width:
            raise NotPlain
        columns = ends.reshape(rows, width).T
        self._ends = columns.copy() if width <= _FEW_COLUMNS else columns
        if not line_ends[self._ends[-1]].all() or np.count_nonzero(line_ends) != rows + 1:
            raise NotPlain

    def choose(self, mask: Mask) -> None:
        """Keep some of the rows."""
        chosen = np.flatnonzero(mask)
        self._chosen = chosen if self._chosen is None else self._chosen[chosen]
        self.rows = len(chosen)

    def field(self, place: int) -> tuple[Ints, Ints]:
        """Where the fields of a column begin and end, quotes left out."""
        ends = self._ends[place]
        if self._starts is not None:
            starts = self._starts[place]
        elif place:
            starts = self._ends[place - 1] + 1
        else:
            starts = np.concatenate([[_BEFORE], self._ends[-1][:-1] + 1])
        if self._chosen is not None:
            starts, ends = starts[self._chosen], ends[self._chosen]
        if self._quotes and self._starts is None:
            quoted = self.letters[starts] == _QUOTE
            return starts + quoted, ends - quoted
        return starts, ends

    def words(self, places: Ints, *, count: int = 1) -> list[WordArray]:
        """The eight bytes from each place on, the eight behind them, and so on.

        They are fetched together: it is the places that take time, not the bytes.
        """
        size = 8 * count
        there = np.ndarray((len(self.text) - size + 1,), f"V{size}", buffer=self.text, strides=(1,))
        words = there[places].view("<u8").reshape(len(places), count)
        return [words[:, number] for number in range(count)]
