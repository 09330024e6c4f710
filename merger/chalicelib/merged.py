"""The plain way from files to what changed: parse, join and compare everything. It is the definition of a merge."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from chalicelib.comparing import Changes, compare
from chalicelib.joining import first_positive, join, reported
from chalicelib.reading import has_plain_lines, read_feed
from chalicelib.snapshots import CHANGED_BY, Snapshot, with_marks
from chalicelib.tables import Ints, Table, on_common_names
from shared.dataset import Dataset


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What a merge finds: the state after the run and how it differs from the one before."""

    snapshot: Snapshot
    changes: Changes
    """Over rows as they are told: what is not reported is null."""
    newest_before: str
    """The newest date before the run, ISO; empty before the first."""
    rows_before: int


def full_merge(files: Mapping[str, bytes], *, old: Snapshot, dataset: Dataset, run_id: str) -> Merged:
    """Feed -> its file, compared with the last committed state. Raises ContractBroken."""
    tables, plain = {}, set()
    for feed in dataset.feeds:
        data = files[feed.name]
        tables[feed.name] = read_feed(data, feed, series=dataset.series)
        if has_plain_lines(data):
            plain.add(feed.name)
        del data
    joined = join(tables, measures=dataset.measure_names)
    firsts = {m.name: first_positive(joined.rows, m.name) for m in dataset.measures if m.cumulative}
    changes = compare(old.reported, reported(joined.rows, firsts))
    rows = with_marks(joined.rows, _marks(joined.rows, changes, old=old))
    snapshot = Snapshot(
        rows=rows,
        leftovers=joined.leftovers,
        firsts=firsts,
        runs=(*old.runs, run_id),
        plain=frozenset(plain),
    )
    return Merged(snapshot=snapshot, changes=changes, newest_before=old.rows.newest, rows_before=len(old.rows))


def _marks(rows: Table, changes: Changes, *, old: Snapshot) -> Ints:
    """For each row the run that last changed it: the old run, or this one where the row is told differently."""
    was, now, touched = on_common_names([old.rows, rows, changes.after])
    marks = np.full(len(rows), len(old.runs), dtype=np.int64)
    places, here = was.find(now.keys)
    marks[here] = was.values[CHANGED_BY][places[here]]
    places, here = now.find(touched.keys)
    marks[places[here]] = len(old.runs)
    return marks
