"""The change set: what one run changed, as a value.

As JSON: `{"run_id", "base_run_id", "added": [row], "changed": [{"date", "fields": {name: {"old", "new"}}}],
"removed": [row]}`, each list in order of (series, date). A row is `{"date", measures...}`; where the dataset has
several series every entry has `"series"` too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.exact import dumps, loads

type Row = Mapping[str, Any]
"""`date` (ISO), `series` where there are several, and each measure: an int, a Decimal or None."""


@dataclass(frozen=True, kw_only=True)
class ChangeSet:
    """The difference between two snapshots."""

    run_id: str
    base_run_id: str | None
    added: Sequence[Row]
    changed: Sequence[Mapping[str, Any]]
    removed: Sequence[Row]

    @property
    def empty(self) -> bool:
        return not (self.added or self.changed or self.removed)

    def to_json(self) -> bytes:
        return dumps(vars(self)).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "ChangeSet":
        return cls(**loads(data))

    @property
    def touched(self) -> Iterator[tuple[str | None, str]]:
        """(series or None, date) of every row that differs."""
        for entry in (*self.added, *self.changed, *self.removed):
            yield entry.get("series"), entry["date"]
