"""The state after a run, as two files: CSV for people, Athena and the views; an index for the next comparison."""

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.feed_masks import FEEDS, joined
from chalicelib.not_reported import NEVER, reported
from chalicelib.storing.csv_lines import lines, numbers, texts
from chalicelib.tables import NULL, Ints, Table, empty_table, is_null, iso_date, null_of, widened
from shared.dataset import Dataset, Join

CHANGED_BY = "#changed_by"
"""The column of a snapshot's rows that says which run last changed them: an index into `Snapshot.runs`."""

_CHUNK = 1 << 14
_ALIGNED = 8


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """All rows of the store after a run, and what the next comparison needs besides."""

    rows: Table
    """The rows of any feed, numbers as the feeds have them (what is not reported is 0 here); FEEDS and CHANGED_BY."""
    firsts: Mapping[str, Ints]
    """Total -> `first_positive` of it."""
    runs: tuple[str, ...]
    """What CHANGED_BY counts into: the run that last changed a row."""
    plain: frozenset[str]
    """Feeds in whose file every row is one line."""
    feeds: tuple[str, ...]
    """What the bits of FEEDS stand for."""
    inner: bool
    """Whether only rows that all feeds have are rows of the dataset."""
    decimals: Mapping[str, int]
    """Measure -> its decimals, in the declared order."""
    feed_measures: Mapping[str, tuple[str, ...]]
    """Feed -> its measures."""

    @property
    def measures(self) -> tuple[str, ...]:
        return tuple(self.decimals)

    @functools.cached_property
    def joined(self) -> Table:
        """The rows of the dataset, with FEEDS and CHANGED_BY."""
        return joined(self.rows, feeds=len(self.feeds), inner=self.inner)

    @functools.cached_property
    def reported(self) -> Table:
        """The rows as readers get them, measures alone."""
        return reported(self.joined.only(self.measures), self.firsts)

    @property
    def newest(self) -> str:
        """The newest date, ISO; empty where there is no row."""
        return self.joined.newest


def empty_snapshot(dataset: Dataset) -> Snapshot:
    return Snapshot(
        rows=empty_table((*dataset.measure_names, FEEDS, CHANGED_BY)),
        firsts={m.name: np.empty(0, dtype=np.int64) for m in dataset.totals},
        runs=(),
        plain=frozenset(),
        **_declared(dataset),
    )


def _declared(dataset: Dataset) -> dict[str, Any]:
    return {
        "feeds": tuple(feed.name for feed in dataset.feeds),
        "inner": dataset.join is Join.INNER,
        "decimals": dataset.decimals,
        "feed_measures": {feed.name: tuple(feed.measures) for feed in dataset.feeds},
    }


def with_changed_by(rows: Table, runs: Ints) -> Table:
    """The rows with a CHANGED_BY column."""
    return Table(names=rows.names, keys=rows.keys, values={**rows.values, CHANGED_BY: runs})


def csv_pieces(snapshot: Snapshot) -> Iterator[bytes]:
    """`series,date,<measures>,run_id`, a line a row in order of (date, series), null as nothing."""
    published, changed_by = snapshot.reported, snapshot.joined.values[CHANGED_BY]
    series = [_cell(name) for name in published.names]
    runs = [run.encode() for run in snapshot.runs]
    yield (",".join(["series", "date", *published.values, "run_id"]) + "\n").encode()
    for start in range(0, len(published), _CHUNK):
        rows = published.take(slice(start, start + _CHUNK))
        days = rows.days
        chosen, places = np.unique(days, return_inverse=True)
        yield lines(
            [
                texts(series, rows.codes),
                texts([iso_date(day).encode() for day in chosen.tolist()], places),
                *(numbers(widened(column), snapshot.decimals[name]) for name, column in rows.values.items()),
                texts(runs, changed_by[start : start + _CHUNK]),
            ]
        )


def _cell(name: str) -> bytes:
    return ('"' + name.replace('"', '""') + '"' if any(mark in name for mark in ',"') else name).encode()


def index_pieces(snapshot: Snapshot) -> Iterator[bytes | memoryview]:
    """The snapshot as a file for the next comparison: a line of JSON that says what follows, then array after array.

    A measure's numbers take as many bytes as its largest needs, so that the file is half of what memory holds.
    """
    arrays = {f"first|{name}": (days, "<i8") for name, days in snapshot.firsts.items()}
    arrays["rows|keys"] = snapshot.rows.keys, "<i8"
    arrays |= {f"rows|{name}": (numbers, narrowest(numbers)) for name, numbers in snapshot.rows.values.items()}
    head = {
        "names": snapshot.rows.names,
        "runs": snapshot.runs,
        "plain": sorted(snapshot.plain),
        "feeds": snapshot.feeds,
        "inner": snapshot.inner,
        "decimals": dict(snapshot.decimals),
        "arrays": {name: (kind, len(array)) for name, (array, kind) in arrays.items()},
    }
    text = json.dumps(head, separators=(",", ":"), ensure_ascii=False).encode()
    yield text + b" " * (-(len(text) + 1) % _ALIGNED) + b"\n"
    for array, kind in arrays.values():
        piece = narrowed_or_same(array, kind)
        yield piece.data
        yield bytes(-piece.nbytes % _ALIGNED)


def read_index(data: bytes | NDArray[np.uint8], dataset: Dataset) -> Snapshot:
    """The snapshot back from its index, its measures in the declared order; its arrays are views of the data.

    Measures and feeds declared after this index was written read as null, and numbers are brought to the decimals that
    are declared now. Whether the join is inner is as it was: the rows before the run are those that readers had.
    """
    head, start = _head(np.frombuffer(data, dtype=np.uint8))
    arrays: dict[str, Ints] = {}
    for name, (kind, size) in head["arrays"].items():
        arrays[name] = np.frombuffer(data, dtype=kind, count=size, offset=start)
        start += arrays[name].nbytes + -arrays[name].nbytes % _ALIGNED
    keys = arrays["rows|keys"]
    measures = {
        name: _rescaled(arrays.get(f"rows|{name}"), len(keys), head["decimals"].get(name, decimals), decimals)
        for name, decimals in dataset.decimals.items()
    }
    rows = Table(
        names=tuple(head["names"]),
        keys=keys,
        values=measures | {FEEDS: arrays[f"rows|{FEEDS}"], CHANGED_BY: arrays[f"rows|{CHANGED_BY}"]},
    )
    declared = _declared(dataset)
    rows = _with_declared_feeds(
        rows, head["feeds"], declared["feeds"], was_inner=head["inner"], inner=declared["inner"]
    )
    return Snapshot(
        rows=rows,
        firsts={
            m.name: arrays.get(f"first|{m.name}", np.full(len(rows.names), NEVER, dtype=np.int64))
            for m in dataset.totals
        },
        runs=tuple(head["runs"]),
        plain=frozenset(head["plain"]),
        **declared,
    )


def _with_declared_feeds(rows: Table, was: list[str], now: tuple[str, ...], *, was_inner: bool, inner: bool) -> Table:
    """FEEDS with the bits of the feeds declared now, so that the rows of the dataset stay the rows they were."""
    if tuple(was) == now and was_inner == inner:
        return rows
    masks, everywhere = rows.values[FEEDS].astype(np.int64), (1 << len(was)) - 1
    moved = np.zeros(len(masks), dtype=np.int64)
    for bit, feed in enumerate(now):
        if feed in was:
            moved |= (masks >> was.index(feed) & 1) << bit
    of_dataset = masks == everywhere if was_inner and len(was) > 1 else np.ones(len(masks), dtype=np.bool_)
    if inner:
        moved[of_dataset] = (1 << len(now)) - 1
    kept = rows if inner else rows.take(of_dataset)
    return Table(names=kept.names, keys=kept.keys, values={**kept.values, FEEDS: moved if inner else moved[of_dataset]})


def _head(data: NDArray[np.uint8]) -> tuple[dict[str, Any], int]:
    """The line of JSON that an index begins with, and where what follows begins."""
    size = 1 << 16
    while b"\n" not in (text := data[:size].tobytes()) and size < len(data):
        size *= 4
    start = text.index(b"\n") + 1
    return json.loads(text[:start]), start


def _rescaled(numbers: Ints | None, size: int, was: int, now: int) -> Ints:
    """The numbers with the decimals of now; those that do not fit are null, and so differ from any file's."""
    if numbers is None:
        return np.full(size, NULL, dtype=np.int64)
    if was == now:
        return numbers
    wide, nulls = widened(numbers), is_null(numbers)
    factor = 10 ** abs(now - was)
    if now > was:
        fits = np.abs(wide) <= np.iinfo(np.int64).max // factor
        rescaled = np.where(fits & ~nulls, wide, 0) * factor
    else:
        fits = wide % factor == 0
        rescaled = wide // factor
    return np.where(fits & ~nulls, rescaled, NULL)


def narrowest(numbers: Ints) -> str:
    """The smallest type that holds all of them; what is of a small one already stays so, unlooked at."""
    if numbers.dtype.itemsize < 8:
        return numbers.dtype.str
    nulls = is_null(numbers)
    there = numbers[~nulls] if nulls.any() else numbers
    least, most = (int(there.min()), int(there.max())) if len(there) else (0, 0)
    return next(kind for kind in ("<i2", "<i4", "<i8") if np.iinfo(kind).min < least and most <= np.iinfo(kind).max)


def narrowed_or_same(numbers: Ints, kind: str) -> Ints:
    """The numbers in a type that holds them all."""
    if numbers.dtype.str == kind:
        return np.ascontiguousarray(numbers)
    small: Ints = numbers.astype(kind)
    nulls = is_null(numbers)
    if nulls.any():
        small[nulls] = null_of(small)
    return small
