"""The contenders of the diff benchmarks, each a task of `tests.bench.workers`.

All begin with files on disk and end with the change set as JSON in memory and, but for the floor, with what the
next comparison needs on disk. The CSV snapshot is to the plain way what the index is to ours; ours for people is
timed by itself (`snapshot_csv_1e6`).
"""

import datetime as dt
import functools
import hashlib
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.scale_data import REGIONS, Days, days_in

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

    def run() -> object:
        old = read_index(_index(folder), REGIONS)
        merged = delta_merge(
            files["after"], old_files=files["before"], old=old, dataset=REGIONS, run_id=RUN, latest_day=_LATEST
        )
        assert merged is not None, "the fast way declined"
        return _finish(merged, Path(folder))

    return run


def ours_full(folder: str) -> Task:
    """Our plain and full way, the definition of the other."""
    from chalicelib.comparing.full_merge import full_merge
    from chalicelib.storing.snapshots import read_index

    files = _opened(days_in(folder), "after")

    def run() -> object:
        old = read_index(_index(folder), REGIONS)
        return _finish(full_merge(files, old=old, dataset=REGIONS, run_id=RUN, latest_day=_LATEST), Path(folder))

    return run


def _opened(days: Days, day: str) -> "Mapping[str, Open]":
    """Streams, as S3 gives them."""
    return {feed.name: functools.partial(io.FileIO, days.file(feed.name, day=day)) for feed in REGIONS.feeds}


def _finish(merged, folder: Path) -> object:  # type: ignore[no-untyped-def]
    from chalicelib.comparing.differences import change_set_json
    from chalicelib.storing.snapshots import index_pieces

    text = b"".join(change_set_json(merged.changes, run_id=RUN, base_run_id=BASE, with_series=True, decimals={}))
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
        merged = full_merge(files, old=empty_snapshot(REGIONS), dataset=REGIONS, run_id=BASE, latest_day=_LATEST)
        with index_of(folder).open("wb") as file:
            for piece in index_pieces(merged.snapshot):
                file.write(piece)
        return None

    return run


def plain(folder: str) -> Task:
    """The well-known solution: pandas for everything, an outer merge with an indicator, a CSV snapshot."""
    import pandas as pd

    days, snapshot = days_in(folder), Path(folder) / "before.csv"

    def joined(day: str) -> pd.DataFrame:
        left = pd.read_csv(days.file("left", day=day))
        right = pd.read_csv(days.file("right", day=day), usecols=["Date", "Region", "Recovered"])
        right = right.rename(columns={"Date": "date", "Region": "region", "Recovered": "recoveries"})
        return left.merge(right, on=["date", "region"], how="inner")

    if not snapshot.exists():
        joined("before").to_csv(snapshot, index=False)

    def run() -> object:
        new, old = joined("after"), pd.read_csv(snapshot)
        both = old.merge(new, on=["date", "region"], how="outer", suffixes=("_old", "_new"), indicator=True)
        added = both[both["_merge"] == "right_only"]
        removed = both[both["_merge"] == "left_only"]
        same = both[both["_merge"] == "both"]
        differ = pd.Series(data=False, index=same.index)
        for measure in ("cases", "deaths", "recoveries"):
            differ |= same[f"{measure}_old"] != same[f"{measure}_new"]
        kinds = {"added": added, "changed": same[differ], "removed": removed}
        text = json.dumps({kind: rows.drop(columns="_merge").to_dict("records") for kind, rows in kinds.items()})
        new.to_csv(Path(folder) / "after.csv", index=False)
        assert text
        return [len(rows) for rows in kinds.values()]

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
