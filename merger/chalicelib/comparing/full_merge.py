"""The plain way from files to what changed: parse, join and compare everything. It is the definition of a merge."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from chalicelib.comparing.differences import Changes, compare
from chalicelib.comparing.joining import join
from chalicelib.csv_reading.feed_reader import has_plain_lines, read_feed, read_stream
from chalicelib.not_reported import first_positive, reported
from chalicelib.storing.snapshots import CHANGED_BY, Snapshot, with_marks
from chalicelib.tables import Ints, Table, on_common_names
from shared.dataset import Dataset, Feed
from shared.errors import ContractBroken

_MIB = 2**20


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What a merge finds: the state after the run and how it differs from the one before."""

    snapshot: Snapshot
    changes: Changes
    """Over rows as they are told: what is not reported is null."""
    newest_before: str
    """The newest date before the run, ISO; empty before the first."""
    rows_before: int


def full_merge(
    files: Mapping[str, BinaryIO | bytes],
    *,
    old: Snapshot,
    dataset: Dataset,
    run_id: str,
    most_odd: int | None = None,
) -> Merged:
    """Feed -> its file, compared with the last committed state. Raises ContractBroken.

    A stream is read once; where that does not do, `files` is asked for it anew. `most_odd` is how many bytes a file
    may have that must be held as a whole; None: any.
    """
    read = {feed.name: _read(files, feed, series=dataset.series, most_odd=most_odd) for feed in dataset.feeds}
    joined = join({feed: table for feed, (table, _) in read.items()}, measures=dataset.measure_names)
    firsts = {m.name: first_positive(joined.rows, m.name) for m in dataset.measures if m.cumulative}
    changes = compare(old.reported, reported(joined.rows, firsts))
    rows = with_marks(joined.rows, _marks(joined.rows, changes, old=old))
    snapshot = Snapshot(
        rows=rows,
        leftovers=joined.leftovers,
        firsts=firsts,
        runs=(*old.runs, run_id),
        plain=frozenset(feed for feed, (_, plain) in read.items() if plain),
    )
    return Merged(snapshot=snapshot, changes=changes, newest_before=old.rows.newest, rows_before=len(old.rows))


def _read(
    files: Mapping[str, BinaryIO | bytes], feed: Feed, *, series: str, most_odd: int | None
) -> tuple[Table, bool]:
    """A feed's rows, and whether each of them is a line."""
    file = files[feed.name]
    if not isinstance(file, bytes) and not feed.where:  # a filtered feed is not read as a stream, nor asked for twice
        table = read_stream(file, feed, series=series)
        if table is not None:
            return table, True
        file = files[feed.name]
    data = file if isinstance(file, bytes) else file.read()
    if most_odd is not None and len(data) > most_odd:
        raise ContractBroken(
            feed=feed.name,
            line=0,
            column="",
            value=f"{len(data) / _MIB:,.1f} MiB",
            allowed=(
                f"at most {most_odd / _MIB:,.1f} MiB of a file that is filtered or quoted, or has anything odd in it,"
                " fit this function's memory; give it more"
            ),
        )
    return read_feed(data, feed, series=series), has_plain_lines(data)


def _marks(rows: Table, changes: Changes, *, old: Snapshot) -> Ints:
    """For each row the run that last changed it: the old run, or this one where the row is told differently."""
    was, now, touched = on_common_names([old.rows, rows, changes.after])
    marks = np.full(len(rows), len(old.runs), dtype=np.int64)
    places, here = was.find(now.keys)
    marks[here] = was.values[CHANGED_BY][places[here]]
    places, here = now.find(touched.keys)
    marks[places[here]] = len(old.runs)
    return marks
