"""A change set in parts: so many of its entries, of all series or of one."""

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

from chalicelib.web.documents import sent_size
from shared.changes import ChangeSet

type _Entries = dict[str, list[Mapping[str, Any]]]
"""Kind -> entries of it."""

_KINDS = ("added", "changed", "removed")


def part_of(
    change: ChangeSet,
    *,
    write: Callable[[ChangeSet], str],
    series: str | None = None,
    skip: int = 0,
    limit: int | None = None,
    size: int,
) -> tuple[ChangeSet, int]:
    """The entries behind the first `skip`, at most `limit`, and how many come before the next part.

    It ends when it has grown beyond `size` bytes, as it is written and sent. Entries are counted through the added, the
    changed and the removed ones; 0 behind the last.
    """
    entries = list(chain.from_iterable(((kind, row) for row in getattr(change, kind)) for kind in _KINDS))
    wanted = [(kind, row) for kind, row in entries if series is None or row.get("series") == series]
    parts: _Entries = {kind: [] for kind in _KINDS}
    nothing = sent_size(write(_of(change, {})))
    taken = held = 0
    for kind, row in wanted[skip:]:
        if taken == limit or held > size:
            break
        parts[kind].append(row)
        taken += 1
        held += sent_size(write(_of(change, {kind: [row]}))) - nothing + 1
    following = skip + taken
    return _of(change, parts), following if following < len(wanted) else 0


def _of(change: ChangeSet, entries: _Entries) -> ChangeSet:
    """The change set with these entries alone."""
    return ChangeSet(run_id=change.run_id, base_run_id=change.base_run_id, **{kind: [] for kind in _KINDS} | entries)
