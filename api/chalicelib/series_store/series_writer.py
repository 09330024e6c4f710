"""Writes what a run changed: an object for each series that it touched, the blocks with their rows, the index.

The rest stays where it is. The index is put last, by who renders the page as well: it says that all is there.
"""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from chalicelib.series_store.series_documents import HISTORY, EntriesByDate, entry_of, series_documents, tabulate_series
from chalicelib.series_store.series_index import INDEX, SeriesEntry, SeriesIndex, TableBlock, series_object
from chalicelib.series_store.table_blocks import (
    TableChanges,
    TableLine,
    changes_between,
    cut_into_blocks,
    from_texts,
    spliced,
    table_lines,
    to_documents,
)
from chalicelib.tabulation.histories import Entry, History, extend_history
from chalicelib.tabulation.table_text import DatedTable
from chalicelib.tabulation.tabulating import Tables
from chalicelib.view_store.bundles import open_bundle, pack_bundle
from shared.changes import ChangeSet
from shared.dataset import ONE_SERIES, Dataset
from shared.exact import loads
from shared.runs import Run
from shared.tracing import carried

TABLES = ("data", "daily", "weekly", "monthly")
_WORKERS = 16

type FindView = Callable[[str, str], bytes | None]
"""(run id, name of a view) -> its bytes as they are stored."""
type Pieces = Mapping[str, dict[str, dict[str, TableLine | None]]]
"""Table -> date -> series -> the row as it is now."""
type Put = Callable[[str, str, bytes], None]


@dataclass(frozen=True, kw_only=True)
class Written:
    """What `write_series` did."""

    index: SeriesIndex
    touched: Sequence[str]
    """The series that the run changed."""
    objects: int


class SeriesWriter:
    """Of one dataset with several series."""

    def __init__(self, dataset: Dataset, *, find: FindView, put: Put) -> None:
        self._dataset, self._find, self._put = dataset, find, put

    def index_of(self, run_id: str) -> SeriesIndex | None:
        """None where the run has not been rendered."""
        body = self._find(run_id, INDEX)
        return None if body is None else SeriesIndex.from_json(body)

    def write(self, run: Run, change: ChangeSet, base: SeriesIndex | None) -> Written:
        """The series, blocks and index of a run, from those of its base; the same arguments write the same bytes."""
        before = base or SeriesIndex(run_id="")
        by_series = _by_series(change)
        if change.base_run_id is None:  # a first load that follows runs of days filled in later: the rest is gone
            empty = ChangeSet(run_id=change.run_id, base_run_id=None, added=[], changed=[], removed=[])
            by_series = dict.fromkeys(before.series, empty) | by_series
        pieces: Pieces = {table: defaultdict(dict) for table in TABLES}
        entries: dict[str, SeriesEntry] = dict(before.series)
        with ThreadPoolExecutor(_WORKERS) as workers:
            writing = []
            older = workers.map(carried(self.dates_of), by_series, [before] * len(by_series))
            for (series, its), old in zip(by_series.items(), older, strict=True):
                dates = extend_history({series: old} if old else {}, its, run=run, dataset=self._dataset)[series]
                was = tabulate_series(series, old, self._dataset)
                writing.append(self._written(workers, run.run_id, series, (was, dates), pieces, entries))
            for one in writing:
                one.result()
        return self._indexed(run.run_id, before, entries, pieces, touched=list(by_series))

    def write_histories(self, run_id: str, history: History) -> Written:
        """The same of a run whose base is not there, from every value that was known with it."""
        pieces: Pieces = {table: defaultdict(dict) for table in TABLES}
        entries: dict[str, SeriesEntry] = {}
        nothing = tabulate_series("", {}, self._dataset)
        with ThreadPoolExecutor(_WORKERS) as workers:
            writing = [
                self._written(workers, run_id, series, (nothing, dates), pieces, entries)
                for series, dates in history.items()
            ]
            for one in writing:
                one.result()
        return self._indexed(run_id, SeriesIndex(run_id=""), entries, pieces, touched=list(history))

    def _written(
        self,
        workers: ThreadPoolExecutor,
        run_id: str,
        series: str,
        change: tuple[Tables, EntriesByDate],
        pieces: Pieces,
        entries: dict[str, SeriesEntry],
    ) -> Future[None]:
        """Begin to write a series' object; note its entry, and the rows that are not as they were."""
        was, dates = change
        now = tabulate_series(series, dates, self._dataset)
        _collect(pieces, series, was, now)
        entries[series] = entry_of(now, self._dataset, run_id=run_id)
        bundle = pack_bundle(series_documents(now, dates))
        return workers.submit(carried(self._put), run_id, series_object(series), bundle)

    def _indexed(
        self,
        run_id: str,
        before: SeriesIndex,
        entries: Mapping[str, SeriesEntry],
        pieces: Pieces,
        *,
        touched: Sequence[str],
    ) -> Written:
        """Write the blocks; the index is made, not written."""
        ordered = {name: entries[name] for name in sorted(entries)}
        ranks = {name: place for place, name in enumerate(ordered)}
        blocks, count = {}, 0
        for table in TABLES:
            blocks[table], written = self._blocks(run_id, table, before.blocks.get(table, ()), pieces[table], ranks)
            count += written
        index = SeriesIndex(run_id=run_id, series=ordered, blocks=blocks)
        return Written(index=index, touched=touched, objects=len(touched) + count + 1)

    def recent_rows(self, index: SeriesIndex, table: str, *, dates: int) -> DatedTable:
        """The rows of all series on the newest dates of a table."""
        lines: list[TableLine] = []
        for block in reversed(index.blocks.get(table, ())):
            lines = [*self._lines(block), *lines]
            if len({line.text[:10] for line in lines}) >= dates:
                break
        newest = set(sorted({line.text[:10] for line in lines})[-dates:])
        cells = list(csv.reader(line.text for line in lines if line.text[:10] in newest))
        return DatedTable(
            dates=[row[0] for row in cells],
            series=[row[1] for row in cells],
            values={
                name: [Decimal(row[n]) if row[n] else None for row in cells]
                for n, name in enumerate(self._dataset.measure_names, start=2)
            },
        )

    def put_index(self, index: SeriesIndex) -> bytes:
        """Last of all; gives what was written."""
        plain = index.to_json()
        self._put(index.run_id, INDEX, plain)
        return plain

    def dates_of(self, series: str, index: SeriesIndex) -> dict[str, list[Entry]]:
        """Every value that a series ever had; empty where it is new."""
        entry = index.series.get(series)
        if entry is None:
            return {}
        body = self._find(entry.run_id, series_object(series))
        if body is None:
            raise KeyError(f"the object of series {series!r} of run {entry.run_id} is not there")
        dates: dict[str, list[Entry]] = loads(open_bundle(body)[HISTORY].plain)
        return dates

    def _blocks(
        self, run_id: str, table: str, old: Sequence[TableBlock], changes: TableChanges, ranks: Mapping[str, int]
    ) -> tuple[list[TableBlock], int]:
        """The blocks of a table after a run, and how many of them were written."""
        blocks: list[TableBlock] = []
        written = 0
        for block, its in _shared_out(old, changes):
            if not its and block is not None:
                blocks.append(block)
                continue
            lines = spliced(self._lines(block), its, ranks)
            for part in cut_into_blocks(lines):
                name = f"blocks/{table}-{part[0].text[:10]}.bundle"
                documents = to_documents(part)
                self._put(run_id, name, pack_bundle(documents, level=3))
                blocks.append(
                    TableBlock(
                        first=part[0].text[:10],
                        last=part[-1].text[:10],
                        rows=len(part),
                        size=len(documents["rows.csv"]),
                        run_id=run_id,
                        name=name,
                    )
                )
                written += 1
        return blocks, written

    def _lines(self, block: TableBlock | None) -> list[TableLine]:
        if block is None:
            return []
        body = self._find(block.run_id, block.name)
        if body is None:
            raise KeyError(f"block {block.name} of run {block.run_id} is not there")
        documents = open_bundle(body)
        return from_texts(documents["rows.csv"].text, documents["days.csv"].text)


def _collect(pieces: Pieces, series: str, was: Tables, now: Tables) -> None:
    """Which rows of the tables are not as they were, added to the pieces."""
    for name, table in now.items().items():
        for date, line in changes_between(table_lines(was.items()[name]), table_lines(table)):
            pieces[name][date][series] = line


def _shared_out(
    blocks: Sequence[TableBlock], changes: TableChanges
) -> Iterator[tuple[TableBlock | None, TableChanges]]:
    """Each block with the changes of its dates, up to the next block; what is earlier than all goes with the first."""
    if not blocks:
        yield None, changes
        return
    for n, block in enumerate(blocks):
        start = "" if n == 0 else block.first
        end = blocks[n + 1].first if n + 1 < len(blocks) else "~"
        yield block, {date: rows for date, rows in changes.items() if start <= date < end}


def _by_series(change: ChangeSet) -> dict[str, ChangeSet]:
    """A change set for each series that is changed, in order of the names."""
    parts: dict[str, dict[str, list[Any]]] = {}
    for kind in ("added", "changed", "removed"):
        for row in getattr(change, kind):
            part = parts.setdefault(row.get("series", ONE_SERIES), {"added": [], "changed": [], "removed": []})
            part[kind].append(row)
    return {
        series: ChangeSet(run_id=change.run_id, base_run_id=change.base_run_id, **parts[series])
        for series in sorted(parts)
    }
