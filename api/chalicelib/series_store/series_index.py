"""The index of a run: for each series where its object is and its newest numbers, for each table where its blocks are.

An object of a series or a block stays where it was first written, however many runs follow that leave it as it is: the
index of each run says which run that was. So what a run writes grows with what it changed.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.exact import Number, dumps, loads

INDEX = "index.json"


@dataclass(frozen=True, kw_only=True)
class SeriesEntry:
    """One series after a run."""

    run_id: str
    """The run that last changed it, and whose views hold its object."""
    rows: int
    """0 where all its dates were removed."""
    newest: str
    """Its newest date; empty where it has none."""
    values: Sequence[Number | None]
    """In the order of the measures, those of the newest date."""
    changes: Sequence[Number | None]
    """Differences to the last values reported before."""
    days: Sequence[int | None]
    """The days that lie between."""
    line: Sequence[float | None]
    """The last weeks (months, where months are published) of the first measure, for a small line."""


@dataclass(frozen=True, kw_only=True)
class TableBlock:
    """Some dates of a table of all series."""

    first: str
    last: str
    rows: int
    size: int
    """Bytes of its lines."""
    run_id: str
    """The run whose views hold it."""
    name: str


@dataclass(frozen=True, kw_only=True)
class SeriesIndex:
    """All series and tables after a run."""

    run_id: str
    series: Mapping[str, SeriesEntry] = field(default_factory=dict)
    """Name -> entry, in order of the names."""
    blocks: Mapping[str, Sequence[TableBlock]] = field(default_factory=dict)
    """Table -> its blocks, in order of the dates."""

    @property
    def rows(self) -> int:
        return sum(entry.rows for entry in self.series.values())

    @property
    def newest(self) -> str:
        """The newest date of any series; empty where there is none."""
        return max((entry.newest for entry in self.series.values()), default="")

    @property
    def present(self) -> list[str]:
        """The names of the series that have rows."""
        return [name for name, entry in self.series.items() if entry.rows]

    def to_json(self) -> bytes:
        plain: dict[str, Any] = {
            "run_id": self.run_id,
            "series": {name: list(vars(entry).values()) for name, entry in self.series.items()},
            "blocks": {table: [list(vars(it).values()) for it in blocks] for table, blocks in self.blocks.items()},
        }
        return dumps(plain).encode()

    @classmethod
    def from_json(cls, body: bytes) -> "SeriesIndex":
        plain, of_series, of_block = loads(body), list(SeriesEntry.__annotations__), list(TableBlock.__annotations__)
        return cls(
            run_id=plain["run_id"],
            series={
                name: SeriesEntry(**dict(zip(of_series, values, strict=True)))
                for name, values in plain["series"].items()
            },
            blocks={
                table: [TableBlock(**dict(zip(of_block, values, strict=True))) for values in blocks]
                for table, blocks in plain["blocks"].items()
            },
        )


def series_object(name: str) -> str:
    """The name of a series' object among the views of a run: names of series may be long and hold anything."""
    return f"series/{hashlib.sha256(name.encode()).hexdigest()[:32]}.bundle"


def default_series(index: SeriesIndex, declared: str) -> str:
    """The series that a page opens on: the declared one where it is there, else the first that has rows."""
    if declared in index.series and index.series[declared].rows:
        return declared
    return next(iter(index.present), "")


def largest_first(index: SeriesIndex) -> list[str]:
    """The series that have rows, by the newest value of the first measure; those without one last."""
    numbers = {name: index.series[name].values[0] for name in index.present}
    known = [name for name, value in numbers.items() if value is not None]
    known.sort(key=lambda name: numbers[name] or 0, reverse=True)
    return [*known, *(name for name, value in numbers.items() if value is None)]
