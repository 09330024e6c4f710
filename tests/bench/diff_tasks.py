"""The contenders of the diff benchmarks, each a task of `tests.bench.workers`.

All begin with files on disk and end with the change set as JSON in memory and, but for the floor, with what the
next comparison needs on disk. The CSV snapshot is to the plain way what the index is to ours; ours for people is
timed by itself (`snapshot_csv_1e6`).
"""

import datetime as dt
import decimal
import functools
import hashlib
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from shared.exact import dumps
from tests.bench.scale_data import REGIONS, Days, dataset_in, days_in

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from chalicelib.comparing.full_merge import Open

_LATEST = dt.date.max.toordinal()
RUN, BASE = "2020-10-26T17:00:00Z", "2020-10-25T17:00:00Z"

type Task = Callable[[], object]


def index_of(folder: str) -> Path:
    return Path(folder) / "before.index"


def _index(folder: str) -> "NDArray[np.uint8]":
    """As `RunFiles.read_array` has it from S3."""
    import numpy as np  # deferred: the floor has none

    return np.fromfile(index_of(folder), dtype=np.uint8)


def ours_delta(folder: str) -> Task:
    """Our fast way: only changed lines are parsed."""
    from chalicelib.comparing.delta_merge import delta_merge
    from chalicelib.storing.snapshots import read_index

    files = {day: _opened(days_in(folder), day) for day in ("before", "after")}
    dataset = dataset_in(folder)

    def run() -> object:
        old = read_index(_index(folder), dataset)
        merged = delta_merge(
            files["after"], old_files=files["before"], old=old, dataset=dataset, run_id=RUN, latest_day=_LATEST
        )
        assert merged is not None, "the fast way declined"
        return _finish(merged, Path(folder))

    return run


def ours_full(folder: str) -> Task:
    """Our plain and full way, the definition of the other."""
    from chalicelib.comparing.full_merge import full_merge
    from chalicelib.storing.snapshots import read_index

    files, dataset = _opened(days_in(folder), "after"), dataset_in(folder)

    def run() -> object:
        old = read_index(_index(folder), dataset)
        return _finish(full_merge(files, old=old, dataset=dataset, run_id=RUN, latest_day=_LATEST), Path(folder))

    return run


def _opened(days: Days, day: str) -> "Mapping[str, Open]":
    """Streams, as S3 gives them."""
    return {feed.name: functools.partial(io.FileIO, days.file(feed.name, day=day)) for feed in REGIONS.feeds}


def _finish(merged, folder: Path) -> object:  # type: ignore[no-untyped-def]
    from chalicelib.comparing.differences import change_set_json
    from chalicelib.storing.snapshots import index_pieces

    decimals = dataset_in(str(folder)).decimals
    text = b"".join(change_set_json(merged.changes, run_id=RUN, base_run_id=BASE, with_series=True, decimals=decimals))
    with (folder / "after.index").open("wb") as file:
        for piece in index_pieces(merged.snapshot):
            file.write(piece)
    assert text
    return [len(rows) for rows in (merged.changes.added, merged.changes.after, merged.changes.removed)]


def make_index(folder: str) -> Task:
    """What the last run left behind."""
    from chalicelib.comparing.full_merge import full_merge
    from chalicelib.storing.snapshots import empty_snapshot, index_pieces

    days = days_in(folder)

    def run() -> object:
        files = _opened(days, "before")
        dataset = dataset_in(folder)
        merged = full_merge(files, old=empty_snapshot(dataset), dataset=dataset, run_id=BASE, latest_day=_LATEST)
        with index_of(folder).open("wb") as file:
            for piece in index_pieces(merged.snapshot):
                file.write(piece)
        return None

    return run


def plain(folder: str) -> Task:
    """The well-known solution: pandas for everything, an outer merge with an indicator, a CSV snapshot."""
    return _plain(folder, exact=False)


def plain_exact(folder: str) -> Task:
    """The same with numbers that have decimals, kept exactly: as texts they are made decimals."""
    return _plain(folder, exact=True)


def _plain(folder: str, *, exact: bool) -> Task:
    import pandas as pd

    days, snapshot = days_in(folder), Path(folder) / "before.csv"
    measures = ("cases", "deaths", "recoveries")
    types = dict.fromkeys([*measures, "Recovered"], str) if exact else None

    def numbers(frame: pd.DataFrame) -> pd.DataFrame:
        for name in measures if exact else ():
            if name in frame:
                frame[name] = frame[name].map(decimal.Decimal)
        return frame

    def joined(day: str) -> pd.DataFrame:
        left = pd.read_csv(days.file("left", day=day), dtype=types)
        right = pd.read_csv(days.file("right", day=day), usecols=["Date", "Region", "Recovered"], dtype=types)
        right = right.rename(columns={"Date": "date", "Region": "region", "Recovered": "recoveries"})
        return numbers(left.merge(right, on=["date", "region"], how="inner"))

    if not snapshot.exists():
        joined("before").to_csv(snapshot, index=False)

    def run() -> object:
        new, old = joined("after"), numbers(pd.read_csv(snapshot, dtype=types))
        both = old.merge(new, on=["date", "region"], how="outer", suffixes=("_old", "_new"), indicator=True)
        added = both[both["_merge"] == "right_only"]
        removed = both[both["_merge"] == "left_only"]
        same = both[both["_merge"] == "both"]
        differ = pd.Series(data=False, index=same.index)
        for measure in measures:
            differ |= same[f"{measure}_old"] != same[f"{measure}_new"]
        kinds = {"added": added, "changed": same[differ], "removed": removed}
        text = dumps({kind: rows.drop(columns="_merge").to_dict("records") for kind, rows in kinds.items()})
        new.to_csv(Path(folder) / "after.csv", index=False)
        assert text
        return [len(rows) for rows in kinds.values()]

    return run


_JOINED = """
    SELECT l.date, l.region, l.cases, l.deaths, r.Recovered AS recoveries
    FROM read_csv('{left}') l JOIN read_csv('{right}') r ON l.date = r.Date AND l.region = r.Region
"""
_KINDS = {
    "added": "SELECT n.* FROM new n ANTI JOIN old o USING (date, region)",
    "changed": """SELECT n.*, o.cases AS old_cases, o.deaths AS old_deaths, o.recoveries AS old_recoveries
        FROM new n JOIN old o USING (date, region)
        WHERE (n.cases, n.deaths, n.recoveries) IS DISTINCT FROM (o.cases, o.deaths, o.recoveries)""",
    "removed": "SELECT o.* FROM old o ANTI JOIN new n USING (date, region)",
}


def duckdb(folder: str) -> Task:
    """A peer: DuckDB from the CSV files to the changes, with a Parquet snapshot."""
    import duckdb as engine

    days, snapshot = days_in(folder), Path(folder) / "before.parquet"

    def load(day: str) -> "engine.DuckDBPyConnection":
        connection = engine.connect()
        query = _JOINED.format(left=days.file("left", day=day), right=days.file("right", day=day))
        connection.execute(f"CREATE TABLE new AS {query}")
        return connection

    load("before").execute(f"COPY new TO '{snapshot}' (FORMAT parquet)")

    def run() -> object:
        connection = load("after")
        connection.execute(f"CREATE TABLE old AS SELECT * FROM '{snapshot}'")
        found = {kind: connection.execute(query).fetchall() for kind, query in _KINDS.items()}
        text = json.dumps(found, default=str)
        connection.execute(f"COPY new TO '{Path(folder) / 'after.parquet'}' (FORMAT parquet)")
        connection.close()
        assert text
        return [len(rows) for rows in found.values()]

    return run


def pyarrow(folder: str) -> Task:
    """A peer: PyArrow's reader, joins and comparisons, with a Parquet snapshot."""
    from pyarrow import Table, compute, csv, parquet

    days, snapshot = days_in(folder), Path(folder) / "arrow-before.parquet"
    keys, measures = ["date", "region"], ["cases", "deaths", "recoveries"]

    def joined(day: str) -> Table:
        left = csv.read_csv(days.file("left", day=day))
        right = csv.read_csv(days.file("right", day=day)).select(["Date", "Region", "Recovered"])
        return left.join(right.rename_columns([*keys, "recoveries"]), keys=keys, join_type="inner")

    parquet.write_table(joined("before"), snapshot)

    def run() -> object:
        new, old = joined("after"), parquet.read_table(snapshot)
        both = old.join(new, keys=keys, join_type="inner", left_suffix="_old", right_suffix="_new")
        differ = None
        for name in measures:
            unlike = compute.not_equal(both[f"{name}_old"], both[f"{name}_new"])
            differ = unlike if differ is None else compute.or_(differ, unlike)
        found = {
            "added": new.join(old, keys=keys, join_type="left anti"),
            "changed": both.filter(differ),
            "removed": old.join(new, keys=keys, join_type="left anti"),
        }
        text = json.dumps({kind: rows.to_pylist() for kind, rows in found.items()}, default=str)
        parquet.write_table(new, Path(folder) / "arrow-after.parquet")
        assert text
        return [len(rows) for rows in found.values()]

    return run


def floor(folder: str) -> Task:
    """The least that can be done with the day's files: read and hash them."""
    days = days_in(folder)

    def run() -> object:
        digests = []
        for feed in REGIONS.feeds:
            digest = hashlib.sha256()
            with days.file(feed.name, day="after").open("rb", buffering=0) as file:
                while block := file.read(1 << 18):
                    digest.update(block)
            digests.append(digest.hexdigest())
        return digests

    return run


def csv_ours(folder: str) -> Task:
    """The snapshot for people and Athena."""
    from chalicelib.storing.snapshots import csv_pieces, read_index

    snapshot = read_index(_index(folder), REGIONS)

    def run() -> object:
        with (Path(folder) / "people.csv").open("wb") as file:
            for piece in csv_pieces(snapshot):
                file.write(piece)
        return None

    return run


def csv_plain(folder: str) -> Task:
    import pandas as pd

    frame = pd.read_csv(Path(folder) / "before.csv")

    def run() -> object:
        frame.to_csv(Path(folder) / "plain.csv", index=False)
        return None

    return run


def csv_floor(folder: str) -> Task:
    """Writing as many bytes."""
    data = (Path(folder) / "people.csv").read_bytes()

    def run() -> object:
        (Path(folder) / "floor.csv").write_bytes(data)
        return None

    return run
