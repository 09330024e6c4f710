"""Which past dates the last runs changed, and by how much."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from chalicelib.pages.formatting import count
from chalicelib.tabulation.histories import Revision
from shared.dataset import Dataset
from shared.runs import Run

LISTED = 40


@dataclass(frozen=True, kw_only=True)
class Revisions:
    """What the page shows of them."""

    run: Run
    """The run that is served."""
    added: str
    """How many rows it added, in words."""
    total: int
    runs: int
    groups: Sequence[tuple[str, Sequence[Revision]]]
    """Run -> what it changed, the newest first, LISTED in all."""

    @property
    def summary(self) -> str:
        return f"{count(self.total, 'value')} of past dates changed in {count(self.runs, 'run')}."


def revisions_part(run: Run, changes: Sequence[Revision], dataset: Dataset) -> Revisions:
    listed = groupby(changes[:LISTED], key=lambda change: change.run_id)
    return Revisions(
        run=run,
        added=count(run.added, "row" if dataset.has_series else "date"),
        total=len(changes),
        runs=len({change.run_id for change in changes}),
        groups=[(run_id, list(group)) for run_id, group in listed],
    )
