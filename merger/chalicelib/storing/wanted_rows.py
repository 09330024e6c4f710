"""What to write so that the store holds, for some keys, what a snapshot holds.

The keys are held as arrays, and requests are made while they are sent: a first load of a million rows needs no
million objects.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chalicelib.storing.row_writes import delete_request, put_request
from chalicelib.storing.snapshots import CHANGED_BY, Snapshot, with_changed_by
from chalicelib.tables import Ints, Table, make_keys, on_common_names

_CHUNK = 1 << 14


@dataclass(frozen=True, kw_only=True)
class WantedRows:
    """Keys, and the rows that are wanted at them."""

    dataset: str
    keys: Table
    """Without measures; over the same names as `rows`."""
    rows: Table
    """All rows as readers get them, with CHANGED_BY."""
    runs: Sequence[str]
    """What CHANGED_BY counts into."""
    decimals: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.keys)

    def requests(self) -> Iterator[dict[str, Any]]:
        """For every key, in order, a put of its row, or a delete where there is none."""
        for start in range(0, len(self), _CHUNK):
            chunk = self.keys.take(slice(start, start + _CHUNK))
            places, here = self.rows.find(chunk.keys)
            rows = self.rows.take(places[here]).rows(with_series=False, decimals=self.decimals)
            for key, present in zip(chunk.rows(with_series=True), here.tolist(), strict=True):
                if present:
                    row = next(rows)
                    yield put_request(
                        row, dataset=self.dataset, series=key["series"], run_id=self.runs[row.pop(CHANGED_BY)]
                    )
                else:
                    yield delete_request(dataset=self.dataset, series=key["series"], date=key["date"])


def find_wanted(snapshot: Snapshot, touched: Iterable[Table], *, dataset: str) -> WantedRows:
    """The rows of a snapshot at all keys of these tables, whatever their names and measures."""
    reported_rows = with_changed_by(snapshot.reported, snapshot.joined.values[CHANGED_BY])
    rows, *tables = on_common_names([reported_rows, *touched])
    keys = np.unique(np.concatenate([rows.keys[:0], *(table.keys for table in tables)]))
    return WantedRows(
        dataset=dataset,
        keys=Table(names=rows.names, keys=keys, values={}),
        rows=rows,
        runs=snapshot.runs,
        decimals=snapshot.decimals,
    )


def table_of_keys(pairs: Iterable[tuple[str, str]]) -> Table:
    """A table without measures that has these (series, date)."""
    listed = sorted({(dt.date.fromisoformat(date).toordinal(), series) for series, date in pairs})
    names = tuple(sorted({series for _, series in listed}))
    places = {name: place for place, name in enumerate(names)}
    days: Ints = np.array([day for day, _ in listed], dtype=np.int64)
    codes: Ints = np.array([places[series] for _, series in listed], dtype=np.int64)
    return Table(names=names, keys=make_keys(days, codes), values={})
