"""What a committed run says about itself to readers: small, capped, written by the merger onto the run's item.

The notifier, the Atom feed and the dashboard word it; none of them reads the change set or the snapshot for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.sizes import FEED_REASON, SUMMARY, cut, size

LISTED = 25
"""At most this many entries of each list are carried; the counts on the run tell how many there are."""

_ROWS = ("added", "changed", "removed")


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Every list holds at most LISTED entries; rows are as in the change set."""

    latest: Mapping[str, Any]
    """The newest date's row: `date`, the measures (whole numbers or None), `series` where there are several."""
    latest_increments: Mapping[str, int | None]
    """Measure -> difference of the newest date to the present date before it; None where either side is null."""
    rows: int
    """Rows in the store after the run."""
    first_load: bool
    """Whether this was the first commit: everything is new, so nothing is listed."""
    added: Sequence[Mapping[str, Any]]
    """The newest added rows, newest last; each with `increments`: measure -> difference to the present date before."""
    changed: Sequence[Mapping[str, Any]]
    """The newest changed rows: `date`, `fields`: measure -> `old`, `new`."""
    removed: Sequence[Mapping[str, Any]]
    """The newest removed rows with their last values."""
    warnings: Sequence[str]
    """What did not stop the run but should be known; whole sentences."""
    recovered: Sequence[str]
    """Feeds that are back after having been announced as stale or missing; whole sentences."""

    def as_map(self) -> dict[str, Any]:
        """As the ledger has it: at most `shared.sizes.SUMMARY` bytes; where rows are too wide, the oldest are left out.

        Sentences are cut. The counts on the run tell how many rows there are.
        """
        values = {name: _plain(value) for name, value in vars(self).items()}
        for name in ("warnings", "recovered"):
            values[name] = [cut(sentence, FEED_REASON) for sentence in values[name]]
        while size(values) > SUMMARY and (longest := max((values[name] for name in _ROWS), key=size)):
            del longest[0]
        return values

    @classmethod
    def from_map(cls, values: Mapping[str, Any]) -> "Summary":
        return cls(**{name: values[name] for name in cls.__dataclass_fields__})


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
