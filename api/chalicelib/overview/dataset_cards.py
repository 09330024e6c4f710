"""What is told of a dataset at a glance, from the ledger: its newest numbers, its last commit, its last run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.dataset import Dataset
from shared.ledger.items import Head
from shared.runs import Run
from shared.summary import Summary


@dataclass(frozen=True, kw_only=True)
class Card:
    """A dataset at a glance."""

    dataset: Dataset
    head: Head
    committed: Run | None
    """The run that is the head; None before the first commit."""
    newest: Run | None
    """The newest run, however it ended."""
    due: str | None
    """When the next run is due, as a run id."""

    @property
    def summary(self) -> Summary | None:
        """What the committed run says of itself."""
        return Summary.from_map(self.committed.summary) if self.committed and self.committed.summary else None


def as_map(card: Card) -> dict[str, Any]:
    """For programs: `/datasets`."""
    dataset, summary, newest = card.dataset, card.summary, card.newest
    latest: Mapping[str, Any] = summary.latest if summary else {}
    return {
        "name": dataset.name,
        "title": dataset.title,
        "description": dataset.description,
        "path": f"{dataset.name}/",
        "period": dataset.period.value,
        "series": dataset.series.label if dataset.series else None,
        "measures": [
            {"name": it.name, "label": it.label, "kind": it.kind.value, "unit": it.unit, "decimals": it.decimals}
            for it in dataset.measures
        ],
        "credits": list(dataset.credits),
        "head": card.head.head or None,
        "rows": card.head.rows,
        "newest_date": card.head.newest or None,
        "latest": dict(latest),
        "increments": dict(summary.latest_increments) if summary else {},
        "last_run": {"run_id": newest.run_id, "state": newest.state, "reason": newest.reason} if newest else None,
        "next_run_due": card.due,
    }
