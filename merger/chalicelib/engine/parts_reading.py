"""Parts of a state or of changes, each of some series, as one."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from chalicelib.comparing.differences import Changes
from chalicelib.storing.packed_tables import pack_tables, unpack_tables
from chalicelib.storing.snapshots import Snapshot
from chalicelib.tables import Ints, Table, on_common_names, places_of_names, widened

_KINDS = ("added", "before", "after", "removed")


def pack_changes(changes: Changes) -> bytes:
    return pack_tables({kind: getattr(changes, kind) for kind in _KINDS})


def unpack_changes(data: bytes) -> Changes:
    tables, _ = unpack_tables(data)
    return Changes(**{kind: tables[kind].wide for kind in _KINDS})


def joined_changes(parts: Sequence[Changes]) -> Changes:
    """The changes of all series, in order of date and series, over common names."""
    flat = on_common_names([getattr(part, kind) for part in parts for kind in _KINDS])
    count = len(_KINDS)
    return Changes(**{kind: _joined(flat[place::count]) for place, kind in enumerate(_KINDS)})


def joined_snapshot(parts: Sequence[Snapshot]) -> Snapshot:
    """The state of all series, of one part at least. What is said of files as a whole is the first part's."""
    tables = on_common_names([part.rows for part in parts])
    rows = _joined(tables)
    firsts = {measure: _joined_firsts(parts, measure, rows.names) for measure in parts[0].firsts}
    return replace(parts[0], rows=rows, firsts=firsts)


def _joined_firsts(parts: Sequence[Snapshot], measure: str, names: tuple[str, ...]) -> Ints:
    days = np.full(len(names), np.iinfo(np.int64).max, dtype=np.int64)
    for part in parts:
        days[places_of_names(part.rows.names, names)] = part.firsts[measure]
    return days


def _joined(tables: Sequence[Table]) -> Table:
    """Tables over the same names, no key in two of them, as one in order."""
    first = tables[0]
    keys = np.concatenate([table.keys for table in tables])
    order = np.argsort(keys, kind="stable")
    values = {name: np.concatenate([widened(table.values[name]) for table in tables])[order] for name in first.values}
    return Table(names=first.names, keys=keys[order], values=values)
