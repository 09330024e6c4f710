"""What the first run of a dataset would come to with these files, and the rows that readers would get."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.checking.feed_check import FeedCheck
from chalicelib.comparing.full_merge import Merged, merge_rows
from chalicelib.comparing.gate import GateLimits, check_rows
from chalicelib.comparing.run_warnings import find_notes, find_warnings
from chalicelib.storing.snapshots import empty_snapshot
from chalicelib.tables import Table
from shared.dataset import Dataset
from shared.errors import ContractBroken

_RUN = "check"


@dataclass(frozen=True, kw_only=True)
class FirstRun:
    """The run's end."""

    rejected: str
    """Why it is REJECTED; empty where it is COMMITTED."""
    warnings: Sequence[str] = ()
    notes: Sequence[str] = ()
    merged: Merged | None = None

    @property
    def rows(self) -> Table:
        """What readers get."""
        assert self.merged is not None, "a rejected run has no rows"
        return self.merged.snapshot.reported


def first_run(checks: Sequence[FeedCheck], dataset: Dataset) -> FirstRun:
    """Merge the feeds as a run does that finds nothing committed before."""
    broken = [it for it in checks if it.rows is None]
    if broken:
        return FirstRun(rejected=str(broken[0].faults.first[0]))
    read = {it.feed.name: it.rows for it in checks if it.rows is not None}
    merged = merge_rows(read, old=empty_snapshot(dataset), dataset=dataset, run_id=_RUN)
    try:
        check_rows(merged, dataset)
    except ContractBroken as nothing:
        return FirstRun(rejected=str(nothing), merged=merged)
    limits = GateLimits(
        max_removed_percent=dataset.max_removed_percent,
        revision_warn_percent=dataset.revision_warn_percent,
        revision_warn_at_least=dataset.revision_warn_at_least,
    )
    return FirstRun(
        rejected="",
        warnings=find_warnings(merged, dataset, limits),
        notes=find_notes(merged, dataset),
        merged=merged,
    )


def rows_as_read(table: Table, dataset: Dataset) -> Iterator[dict[str, Any]]:
    """The rows as `/data` gives them, the date first."""
    shown = table.only(dataset.measure_names)
    for row in shown.rows(with_series=dataset.has_series, decimals=dataset.decimals):
        yield {"date": row.pop("date"), **row}
