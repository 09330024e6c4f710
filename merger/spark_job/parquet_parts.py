"""A part of a state as Parquet, and back: for the next comparison, and for whoever reads Parquet.

`series`, `date`, the measures as the feeds have them (a total that its feed does not report any more is 0), `feeds` (a
bit for each feed that has the row) and `run_id` of the run that last changed it. The file's metadata hold what a
comparison needs besides.
"""

import io
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from chalicelib.feed_masks import FEEDS
from chalicelib.storing.snapshots import CHANGED_BY, Snapshot, index_pieces, read_index
from chalicelib.tables import NULL, Ints, ascending_table, is_null, make_keys, ranks_of, widened
from shared.dataset import Dataset

_EPOCH = 719_163
"""The ordinal of 1970-01-01."""
_DIGITS = 19
_META = b"covid-stats"


def to_parquet(snapshot: Snapshot) -> bytes:
    rows = snapshot.rows
    columns: dict[str, Any] = {
        "series": pa.DictionaryArray.from_arrays(rows.codes.astype(np.int32), pa.array(rows.names, pa.string())),
        "date": pa.array((rows.days - _EPOCH).astype(np.int32)).cast(pa.date32()),
        **{name: _numbers(rows.values[name], decimals) for name, decimals in snapshot.decimals.items()},
        "feeds": pa.array(widened(rows.values[FEEDS])),
        "run_id": pa.DictionaryArray.from_arrays(
            widened(rows.values[CHANGED_BY]).astype(np.int32), pa.array(snapshot.runs, pa.string())
        ),
    }
    more = {
        "names": rows.names,
        "firsts": {name: days.tolist() for name, days in snapshot.firsts.items()},
        "runs": snapshot.runs,
        "plain": sorted(snapshot.plain),
        "feeds": snapshot.feeds,
        "inner": snapshot.inner,
        "decimals": dict(snapshot.decimals),
        "feed_measures": {name: list(measures) for name, measures in snapshot.feed_measures.items()},
    }
    table = pa.table(columns).replace_schema_metadata({_META: json.dumps(more).encode()})
    into = io.BytesIO()
    pq.write_table(table, into, compression="zstd", use_dictionary=["series", "run_id"])
    return into.getvalue()


def from_parquet(data: bytes, dataset: Dataset) -> Snapshot:
    """The part back, brought to what is declared now, as `read_index` does it."""
    table = pq.read_table(pa.BufferReader(data), read_dictionary=["series", "run_id"])
    more = json.loads(table.schema.metadata[_META])
    runs = {run: place for place, run in enumerate(more["runs"])}
    listed, codes = _texts(table, "series")
    names, ranks = ranks_of(listed)
    run_ids, places = _texts(table, "run_id")
    decimals = more["decimals"]
    days = table.column("date").cast(pa.int32()).to_numpy().astype(np.int64) + _EPOCH
    values = {name: _back(table, name, places_) for name, places_ in decimals.items()}
    values[FEEDS] = table.column("feeds").to_numpy()
    values[CHANGED_BY] = np.array([runs[run] for run in run_ids], dtype=np.int64)[places]
    rows = ascending_table(names, make_keys(days, ranks[codes]) if len(days) else days, values)
    assert rows is not None, "keys of a part are unique"
    rows = rows.over(tuple(more["names"]))
    snapshot = Snapshot(
        rows=rows,
        firsts={name: np.array(known, dtype=np.int64) for name, known in more["firsts"].items()},
        runs=tuple(more["runs"]),
        plain=frozenset(more["plain"]),
        feeds=tuple(more["feeds"]),
        inner=more["inner"],
        decimals=decimals,
        feed_measures={name: tuple(measures) for name, measures in more["feed_measures"].items()},
    )
    return read_index(b"".join(map(bytes, index_pieces(snapshot))), dataset)


def _texts(table: Any, column: str) -> tuple[list[str], Ints]:
    """The distinct texts of a column, and each row's place among them."""
    array = table.column(column).combine_chunks().cast(pa.dictionary(pa.int32(), pa.string()))
    array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
    return array.dictionary.to_pylist(), array.indices.to_numpy(zero_copy_only=False).astype(np.int64)


def _numbers(numbers: Ints, decimals: int) -> Any:
    wide = widened(numbers)
    nulls = is_null(wide)
    if not decimals:
        return pa.array(wide, mask=nulls)
    halves = np.empty((len(wide), 2), dtype="<i8")  # a decimal is 128 bits: the number, and its sign over again
    halves[:, 0], halves[:, 1] = wide, wide >> 63
    valid = pa.array(~nulls).buffers()[1]
    kind = pa.decimal128(_DIGITS, decimals)
    return pa.Array.from_buffers(kind, len(wide), [valid, pa.py_buffer(halves.tobytes())])


def _back(table: Any, name: str, decimals: int) -> Ints:
    array = table.column(name).combine_chunks()
    array = pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array
    if not len(array):
        return np.empty(0, dtype=np.int64)
    here = array.is_valid().to_numpy(zero_copy_only=False)
    if decimals:
        words = np.frombuffer(array.buffers()[1], dtype="<i8").reshape(-1, 2)
        numbers = words[array.offset : array.offset + len(array), 0]
    else:
        numbers = array.fill_null(0).to_numpy(zero_copy_only=False)
    return np.where(here, numbers, NULL)
