"""A change set in parts: so many of its entries, of all series or of one."""

from collections.abc import Mapping
from itertools import chain
from typing import Any

from shared.changes import ChangeSet
from shared.exact import dumps

_KINDS = ("added", "changed", "removed")


def part_of(
    change: ChangeSet, *, series: str | None = None, skip: int = 0, limit: int | None = None, size: int
) -> tuple[ChangeSet, int]:
    """The entries behind the first `skip`, at most `limit` and about `size` bytes; and how many come before the next.

    Entries are counted through the added, the changed and the removed ones; 0 behind the last.
    """
    entries = list(chain.from_iterable(((kind, row) for row in getattr(change, kind)) for kind in _KINDS))
    wanted = [(kind, row) for kind, row in entries if series is None or row.get("series") == series]
    parts: dict[str, list[Mapping[str, Any]]] = {kind: [] for kind in _KINDS}
    taken = held = 0
    for kind, row in wanted[skip:]:
        if taken == limit or held > size:
            break
        parts[kind].append(row)
        taken += 1
        held += len(dumps(row))
    following = skip + taken
    part = ChangeSet(run_id=change.run_id, base_run_id=change.base_run_id, **parts)
    return part, following if following < len(wanted) else 0
