"""Files through the merge, and what comes of it as plain values."""

import datetime as dt
import functools
import io
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from chalicelib.comparing.differences import Changes, change_set_json, changed_rows
from chalicelib.comparing.full_merge import Merged, Open, full_merge
from chalicelib.comparing.gate import GateLimits
from chalicelib.comparing.run_warnings import find_notes, find_warnings
from chalicelib.feed_masks import FEEDS
from chalicelib.runs.summarising import summarise
from chalicelib.storing.snapshots import Snapshot, csv_pieces, empty_snapshot, index_pieces, read_index
from chalicelib.tables import Table
from shared.dataset import Dataset
from tests.merger.feed_files import kept

LIMITS = GateLimits(max_removed_percent=1, revision_warn_percent=10)
LATEST = dt.date.max.toordinal()
"""Every date is allowed."""


def opened(files: Mapping[str, bytes]) -> dict[str, Open]:
    """The files as a merge opens them."""
    return {feed: functools.partial(io.BytesIO, data) for feed, data in files.items()}


def as_plain(table: Table) -> dict[str, Any]:
    values = {name: numbers.tolist() for name, numbers in table.wide.values.items()}
    return {"names": table.names, "keys": table.keys.tolist(), "values": values}


def keyed(table: Table) -> dict[tuple[str, str], dict[str, Any]]:
    """(series, date) -> row."""
    return {(row.pop("series"), row.pop("date")): row for row in table.rows(with_series=True)}


def entries(changes: Changes, dataset: Dataset) -> dict[str, list[dict[str, Any]]]:
    """As in the change set."""
    shown: dict[str, Any] = {"with_series": dataset.has_series, "decimals": dataset.decimals}
    return {
        "added": list(changes.added.rows(**shown)),
        "changed": list(changed_rows(changes.before, changes.after, **shown)),
        "removed": list(changes.removed.rows(**shown)),
    }


def output(merged: Merged, dataset: Dataset) -> dict[str, Any]:
    """All that leaves the merger: files, warnings, summary."""
    shown: dict[str, Any] = {"with_series": dataset.has_series, "decimals": dataset.decimals}
    has_rows = len(merged.snapshot.joined) > 0
    warnings = find_warnings(merged, dataset, LIMITS)
    return {
        "change set": b"".join(change_set_json(merged.changes, run_id="run", base_run_id="base", **shown)),
        "csv": b"".join(csv_pieces(merged.snapshot)) if has_rows else b"",
        "warnings": warnings,
        "notes": find_notes(merged, dataset),
        "moved": merged.moved,
        "summary": summarise(merged, dataset, warnings=warnings) if has_rows else None,
    }


def state(snapshot: Snapshot) -> dict[str, Any]:
    """All that the next comparison sees, whichever names its tables share."""
    return {
        "rows": keyed(snapshot.joined),
        "all rows": keyed(snapshot.rows.only([*snapshot.measures, FEEDS])),
        "firsts": {
            measure: {name: int(day) for name, day in zip(snapshot.rows.names, days, strict=True) if day < 10**9}
            for measure, days in snapshot.firsts.items()
        },
        "runs": snapshot.runs,
    }


def through_storage(snapshot: Snapshot, dataset: Dataset) -> Snapshot:
    """As the next run reads it."""
    return read_index(b"".join(map(bytes, index_pieces(snapshot))), dataset)


def merge(
    dataset: Dataset,
    files: Mapping[str, bytes],
    *,
    old: Snapshot | None = None,
    run_id: str = "r1",
    latest_day: int = LATEST,
) -> Merged:
    return full_merge(
        opened(files), old=old or empty_snapshot(dataset), dataset=dataset, run_id=run_id, latest_day=latest_day
    )


@st.composite
def kept_files(draw: st.DrawFn, dataset: Dataset, *, days: int = 6) -> dict[str, bytes]:
    """Files of all feeds, each as its contract wants it; each has a row at least that its filter lets pass."""
    return {feed.name: draw(kept(feed, days=days)) for feed in dataset.feeds}
