"""The state after a run, as two files: CSV for people, Athena and the views; arrays for the next comparison."""

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from chalicelib.joining import reported
from chalicelib.tables import Ints, Table, empty_table
from shared.dataset import Dataset

CHANGED_BY = "#changed_by"
"""The column of a snapshot's rows that says which run last changed them: an index into `Snapshot.runs`."""

_CHUNK = 50_000


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
    marks = snapshot.rows.values[CHANGED_BY]
    yield (",".join(["series", "date", *told.values, "run_id"]) + "\n").encode()
    for start in range(0, len(told), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        runs = (snapshot.runs[n] for n in marks[chunk].tolist())
        rows = told.take(chunk).rows(with_series=True)
        lines = [_line(list(row.values()), run) for row, run in zip(rows, runs, strict=True)]
        yield "".join(lines).encode()


def _line(values: list[Any], run_id: str) -> str:
    series = values[0]
    if any(mark in series for mark in ',"'):
        series = '"' + series.replace('"', '""') + '"'
    return ",".join([series, *("" if value is None else str(value) for value in values[1:]), run_id]) + "\n"


def write_index(snapshot: Snapshot, into: BinaryIO) -> None:
    """The snapshot as an npz file."""
    head = {"names": snapshot.rows.names, "runs": snapshot.runs, "plain": sorted(snapshot.plain)}
    arrays: dict[str, NDArray[Any]] = {"head": np.frombuffer(json.dumps(head).encode(), dtype=np.uint8)}
    arrays |= {f"first|{name}": days for name, days in snapshot.firsts.items()}
    for prefix, table in {"rows": snapshot.rows, **{f"left.{k}": t for k, t in snapshot.leftovers.items()}}.items():
        arrays |= {f"{prefix}|keys": table.keys} | {f"{prefix}|{name}": table.values[name] for name in table.values}
    np.savez(into, allow_pickle=False, **arrays)


def read_index(data: bytes | BinaryIO, dataset: Dataset) -> Snapshot:
    """The snapshot back from its npz file, its measures in the declared order."""
    file = io.BytesIO(data) if isinstance(data, bytes) else data
    with np.load(file, allow_pickle=False) as arrays:
        head = json.loads(arrays["head"].tobytes())
        names = tuple(head["names"])

        def table(prefix: str, measures: tuple[str, ...]) -> Table:
            values = {name: arrays[f"{prefix}|{name}"] for name in measures}
            return Table(names=names, keys=arrays[f"{prefix}|keys"], values=values)

        return Snapshot(
            rows=table("rows", (*dataset.measure_names, CHANGED_BY)),
            leftovers={feed.name: table(f"left.{feed.name}", tuple(feed.measures)) for feed in dataset.feeds},
            firsts={m.name: arrays[f"first|{m.name}"] for m in dataset.measures if m.cumulative},
            runs=tuple(head["runs"]),
            plain=frozenset(head["plain"]),
        )
