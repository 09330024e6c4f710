"""Reading by pandas, some ten thousand rows at a time: files with quoted fields, which are not plain.

Every field is taken as text, and each distinct text of a column is judged once: asked for numbers or for categories,
pandas would take 1e3 and 1000.0 for the same. Whatever looks odd is left, as a whole, to the careful way.
"""

import io
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from chalicelib.csv_reading.field_rules import day_of, is_name, number_of
from chalicelib.tables import Ints, Table, ascending_table, make_keys, ranks_of
from shared.dataset import Feed

_QUOTED = re.compile(rb'(?:^|(?<=[,\r\n]))"[^"\r\n]*"(?=[,\r\n]|$)')
"""A quoted field as RFC 4180 has it, without a quote or the end of a line in it."""

_CHUNK = 1 << 16
_BLOCK = 1 << 20


class _Odd(Exception):
    """To be read carefully."""


def read_quoted(data: bytes, header: list[str], feed: Feed, *, series: str) -> Table | None:
    """All rows of an unfiltered feed; None where anything is out of the ordinary, be it allowed or not."""
    if not _rows_are_lines(data, len(header)):
        return None
    places = [header.index(column) for column in feed.columns]
    names = [header[n] if n in places else f"unused {n}" for n in range(len(header))]
    used = [header[n] for n in places]
    try:
        return _read(data, feed, series=series, options={"names": names, "usecols": used})
    except (_Odd, ValueError, OverflowError):  # the latter two are pandas's
        return None


def _read(data: bytes, feed: Feed, *, series: str, options: Mapping[str, Any]) -> Table | None:
    import pandas as pd  # deferred: a quarter of a second that plain feeds need not wait

    dates, names = dict[str, int](), dict[str, int]()
    days: list[Ints] = []
    codes: list[Ints] = []
    columns: dict[str, list[Ints]] = {measure: [] for measure in feed.measures}
    chunks = pd.read_csv(io.BytesIO(data), header=0, dtype=str, na_filter=False, chunksize=_CHUNK, **options)
    for frame in chunks:
        days.append(_codes(frame[feed.date[0]], dates))
        if feed.series:
            codes.append(_codes(frame[feed.series[0]], names))
        for measure, column in feed.measures.items():
            columns[measure].append(_judged(frame[column], lambda text: number_of(text.strip())))
    if not sum(map(len, days)):
        return None
    if not all(is_name(name) and name == name.strip() for name in names):
        raise _Odd
    listed, ranks = ranks_of(list(names)) if feed.series else ((series,), np.zeros(1, dtype=np.int64))
    ordinals = _all_known([day_of(date) for date in dates])
    code = ranks[np.concatenate(codes)] if codes else np.int64(0)
    values = {measure: np.concatenate(numbers) for measure, numbers in columns.items()}
    return ascending_table(listed, make_keys(ordinals[np.concatenate(days)], code), values)


def _codes(column: Any, known: dict[str, int]) -> Ints:
    """For each row the place of its text among the distinct ones, which grow."""
    return _judged(column, lambda text: known.setdefault(text, len(known)))


def _judged(column: Any, judge: Callable[[str], int | None]) -> Ints:
    """What `judge` makes of each row's text; it is asked once for each distinct one. Raises _Odd where it is None."""
    import pandas as pd

    places, distinct = pd.factorize(column)
    judged: Ints = _all_known([judge(text) for text in distinct])[places]
    return judged


def _all_known(numbers: list[int | None]) -> Ints:
    if None in numbers:
        raise _Odd
    return np.array(numbers, dtype=np.int64)


def _rows_are_lines(data: bytes, columns: int) -> bool:
    """Whether each line that is not blank is a row: no quoted field spans lines, none has too many or too few."""
    for block in without_quoted(data):
        lines = (line for line in block.split(b"\n") if line.strip())
        if b'"' in block or has_lone_return(block) or any(line.count(b",") != columns - 1 for line in lines):
            return False
    return True


def has_lone_return(data: bytes) -> bool:
    """Whether a carriage return stands without a line feed: the csv module ends a line there, too."""
    return b"\r" in data and data.count(b"\r") != data.count(b"\r\n")


def without_quoted(data: bytes) -> Iterator[bytes]:
    """The file in blocks of whole lines, less its quoted fields; a quote that is left is of another kind."""
    file = io.BytesIO(data)
    while lines := file.readlines(_BLOCK):
        block = b"".join(lines)
        yield _QUOTED.sub(b"", block) if b'"' in block else block
