"""Tables as bytes, to be sent and kept: a line of JSON that says what follows, then array after array.

A column takes as many bytes a row as its largest number needs.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from chalicelib.storing.snapshots import narrowed_or_same, narrowest
from chalicelib.tables import Table

_ALIGNED = 8


def pack_tables(tables: Mapping[str, Table], **more: Any) -> bytes:
    """The tables by their names, and whatever else JSON holds."""
    pieces: list[bytes] = []
    head: dict[str, Any] = {"more": more, "tables": {}}
    for name, table in tables.items():
        columns = {"": table.keys} | dict(table.values)
        kinds = {column: "<i8" if not column else narrowest(numbers) for column, numbers in columns.items()}
        for column, numbers in columns.items():
            piece = narrowed_or_same(numbers, kinds[column]).tobytes()
            pieces += [piece, bytes(-len(piece) % _ALIGNED)]
        head["tables"][name] = {"names": table.names, "rows": len(table), "columns": kinds}
    text = json.dumps(head, separators=(",", ":")).encode()
    return b"".join([text, b" " * (-(len(text) + 1) % _ALIGNED), b"\n", *pieces])


def unpack_tables(data: bytes) -> tuple[dict[str, Table], dict[str, Any]]:
    """The tables back, their arrays views of the data, and what else was packed."""
    start = data.index(b"\n") + 1
    head = json.loads(data[:start])
    tables = {}
    for name, of_one in head["tables"].items():
        columns = {}
        for column, kind in of_one["columns"].items():
            columns[column] = np.frombuffer(data, dtype=kind, count=of_one["rows"], offset=start)
            start += -(-columns[column].nbytes // _ALIGNED) * _ALIGNED
        keys = columns.pop("")
        tables[name] = Table(names=tuple(of_one["names"]), keys=keys, values=columns)
    return tables, head["more"]
