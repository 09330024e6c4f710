"""The state after a run, as two files: CSV for people, Athena and the views; an index for the next comparison."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.not_reported import NEVER, reported
from chalicelib.storing.csv_lines import lines, numbers, texts
from chalicelib.tables import NULL, Ints, Table, empty_table, iso_date
from shared.dataset import Dataset

CHANGED_BY = "#changed_by"
"""The column of a snapshot's rows that says which run last changed them: an index into `Snapshot.runs`."""

_CHUNK = 1 << 14
_ALIGNED = 8


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """All rows of the store after a run, and what the next comparison needs besides."""

    rows: Table
    """Joined rows, numbers as the feeds have them (what is not reported is still 0 here), and CHANGED_BY."""
    leftovers: Mapping[str, Table]
    """Feed -> its rows that another feed lacks, over the same names."""
    firsts: Mapping[str, Ints]
    """Cumulative measure -> `first_positive` of it."""
    runs: tuple[str, ...]
    """What CHANGED_BY counts into: the run that last changed a row."""
    plain: frozenset[str]
    """Feeds in whose file every row is one line."""

    @property
    def measures(self) -> tuple[str, ...]:
        return tuple(name for name in self.rows.values if name != CHANGED_BY)

    @property
    def reported(self) -> Table:
        """The rows as they are told, without CHANGED_BY."""
        return reported(self.rows.only(self.measures), self.firsts)


def empty_snapshot(dataset: Dataset) -> Snapshot:
    return Snapshot(
        rows=empty_table((*dataset.measure_names, CHANGED_BY)),
        leftovers={feed.name: empty_table(feed.measures) for feed in dataset.feeds},
        firsts={m.name: np.empty(0, dtype=np.int64) for m in dataset.measures if m.cumulative},
        runs=(),
        plain=frozenset(),
    )


def with_marks(rows: Table, marks: Ints) -> Table:
    """The rows with a CHANGED_BY column."""
    return Table(names=rows.names, keys=rows.keys, values={**rows.values, CHANGED_BY: marks})


def csv_pieces(snapshot: Snapshot) -> Iterator[bytes]:
    """`series,date,<measures>,run_id`, a line a row in order of (date, series), null as nothing."""
    told = snapshot.reported
    series = [_cell(name) for name in told.names]
    runs = [run.encode() for run in snapshot.runs]
    yield (",".join(["series", "date", *told.values, "run_id"]) + "\n").encode()
    for start in range(0, len(told), _CHUNK):
        rows = told.take(slice(start, start + _CHUNK))
        days = rows.days
        dates = [iso_date(day).encode() for day in range(int(days[0]), int(days[-1]) + 1)]
        yield lines(
            [
                texts(series, rows.codes),
                texts(dates, days - days[0]),
                *map(numbers, rows.values.values()),
                texts(runs, snapshot.rows.values[CHANGED_BY][start : start + _CHUNK]),
            ]
        )


def _cell(name: str) -> bytes:
    return ('"' + name.replace('"', '""') + '"' if any(mark in name for mark in ',"') else name).encode()


def index_pieces(snapshot: Snapshot) -> Iterator[bytes | memoryview]:
    """The snapshot as a file for the next comparison: a line of JSON that says what follows, then array after array.

    A measure's numbers take as many bytes as its largest needs, so that the file is half of what memory holds.
    """
    arrays = {f"first|{name}": (days, "<i8") for name, days in snapshot.firsts.items()}
    for prefix, table in {"rows": snapshot.rows, **{f"left.{k}": t for k, t in snapshot.leftovers.items()}}.items():
        arrays[f"{prefix}|keys"] = table.keys, "<i8"
        arrays |= {f"{prefix}|{name}": (numbers, _narrowest(numbers)) for name, numbers in table.values.items()}
    head = {
        "names": snapshot.rows.names,
        "runs": snapshot.runs,
        "plain": sorted(snapshot.plain),
        "arrays": {name: (kind, len(array)) for name, (array, kind) in arrays.items()},
    }
    text = json.dumps(head, separators=(",", ":"), ensure_ascii=False).encode()
    yield text + b" " * (-(len(text) + 1) % _ALIGNED) + b"\n"
    for array, kind in arrays.values():
        piece = array.astype(kind, copy=False)
        yield piece.data
        yield bytes(-piece.nbytes % _ALIGNED)


def read_index(data: bytes | NDArray[np.uint8], dataset: Dataset) -> Snapshot:
    """The snapshot back from its index, its measures in the declared order; its arrays are views of the data.

    What the dataset has been declared with since is as if it had never been reported.
    """
    head, start = _head(np.frombuffer(data, dtype=np.uint8))
    arrays: dict[str, Ints] = {}
    for name, (kind, size) in head["arrays"].items():
        arrays[name] = np.frombuffer(data, dtype=kind, count=size, offset=start)
        start += arrays[name].nbytes + -arrays[name].nbytes % _ALIGNED
    names = tuple(head["names"])

    def table(prefix: str, measures: tuple[str, ...]) -> Table:
        keys = arrays.get(f"{prefix}|keys", np.empty(0, dtype=np.int64))
        found = {name: arrays.get(f"{prefix}|{name}") for name in measures}
        return Table(names=names, keys=keys, values={name: _or_null(it, len(keys)) for name, it in found.items()})

    return Snapshot(
        rows=table("rows", (*dataset.measure_names, CHANGED_BY)),
        leftovers={feed.name: table(f"left.{feed.name}", tuple(feed.measures)) for feed in dataset.feeds},
        firsts={
            m.name: arrays.get(f"first|{m.name}", np.full(len(names), NEVER, dtype=np.int64))
            for m in dataset.measures
            if m.cumulative
        },
        runs=tuple(head["runs"]),
        plain=frozenset(head["plain"]),
    )


def _head(data: NDArray[np.uint8]) -> tuple[dict[str, Any], int]:
    """The line of JSON that an index begins with, and where what follows begins."""
    size = 1 << 16
    while b"\n" not in (text := data[:size].tobytes()) and size < len(data):
        size *= 4
    start = text.index(b"\n") + 1
    return json.loads(text[:start]), start


def _or_null(numbers: Ints | None, size: int) -> Ints:
    return np.full(size, NULL, dtype=np.int64) if numbers is None else numbers


def _narrowest(numbers: Ints) -> str:
    """The smallest type that holds all of them; what is of a small one already stays so, unlooked at."""
    if numbers.dtype.itemsize < 8:
        return numbers.dtype.str
    least, most = (int(numbers.min()), int(numbers.max())) if len(numbers) else (0, 0)
    return next(kind for kind in ("<i2", "<i4", "<i8") if np.iinfo(kind).min <= least and most <= np.iinfo(kind).max)
