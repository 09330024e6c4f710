"""How the table of vintages grows: by blocks, of which a commit writes few.

What a commit closes becomes a block of its own, which no later commit changes; the newest versions of all keys are the
last block, as large as a snapshot. A block is joined with the one before it where that is at most twice as large: so
there are never more blocks than a logarithm of the versions, and a version is laid out anew so often at most. A small
table is one block, in order as a whole.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.vintages.version_lines import Chunk, Columns, header, pack_block, pack_lines, place_of, unpack
from chalicelib.vintages.version_table import Version, VersionTable
from shared.changes import ChangeSet
from shared.dataset import Dataset

SMALL = 50_000
"""Versions up to which the table is laid out anew at each commit, as one block."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """Versions in order, members of one object."""

    newest: bool
    """Whether the newest version of each key is in it."""
    chunks: Sequence[Chunk]

    @property
    def rows(self) -> int:
        return sum(chunk.rows for chunk in self.chunks)

    @property
    def start(self) -> int:
        return self.chunks[0].offset

    @property
    def end(self) -> int:
        return self.chunks[-1].offset + self.chunks[-1].length


@dataclass(frozen=True, kw_only=True)
class Directory:
    """What is where in the object that holds the table."""

    run_id: str
    """The run up to which it goes."""
    first_run_id: str
    """The run that it begins with."""
    blocks: Sequence[Block]

    @property
    def rows(self) -> int:
        return sum(block.rows for block in self.blocks)

    @property
    def length(self) -> int:
        """Of the object, in bytes; 0 where it has no version."""
        return max((block.end for block in self.blocks), default=0)

    def to_json(self) -> bytes:
        blocks = [{"newest": block.newest, "chunks": block.chunks} for block in self.blocks]
        plain = {"run_id": self.run_id, "first_run_id": self.first_run_id, "blocks": blocks}
        return json.dumps(plain, separators=(",", ":"), ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "Directory":
        plain: Mapping[str, Any] = json.loads(data)
        blocks = [
            Block(
                newest=block["newest"],
                chunks=[Chunk((it[0][0], it[0][1], it[0][2]), *it[1:]) for it in block["chunks"]],
            )
            for block in plain["blocks"]
        ]
        return cls(run_id=plain["run_id"], first_run_id=plain["first_run_id"], blocks=blocks)


@dataclass(frozen=True, kw_only=True)
class Laid:
    """The table as an object, and its directory."""

    data: bytes
    directory: Directory


type Change = tuple[ChangeSet, str]
"""A change set, and the time from which it was known."""


def begin(changes: Sequence[Change], dataset: Dataset) -> Laid:
    """The table of these runs, oldest first, at least one."""
    return _grow(None, changes, dataset)


def extend(base: Laid, changes: Sequence[Change], dataset: Dataset) -> Laid:
    """The table with later runs."""
    return _grow(base, changes, dataset)


def _grow(base: Laid | None, changes: Sequence[Change], dataset: Dataset) -> Laid:
    columns = Columns.of(dataset)
    blocks = list(base.directory.blocks) if base else []
    small = not base or base.directory.rows <= SMALL
    loaded = [
        version
        for block in blocks
        if base and (small or block.newest)
        for version in unpack(base.data[block.start : block.end], columns)
    ]
    table = VersionTable(dataset.measure_names, newest=(version for version in loaded if version.is_open))
    closed = [version for version in loaded if not version.is_open]
    for change, known_from in changes:
        table.add(change, known_from=known_from)
    closed += table.closed
    first = base.directory.first_run_id if base else changes[0][0].run_id
    layout = _Layout(columns)
    if small and len(closed) + len(table.newest) <= SMALL:
        layout.add([*closed, *table.newest.values()], newest=True)
    else:
        kept = [] if small else [block for block in blocks if not block.newest]
        rows = closed
        while base and kept and kept[-1].rows <= 2 * len(rows):
            block = kept.pop()
            rows += unpack(base.data[block.start : block.end], columns)
        for block in kept:
            assert base
            layout.keep(block, base.data)
        layout.add(rows, newest=False)
        layout.add(table.newest.values(), newest=True)
    return layout.laid(run_id=changes[-1][0].run_id, first_run_id=first)


class _Layout:
    """An object in the making: a header, and block after block."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._pieces = [pack_lines(header(columns))]
        self._at = len(self._pieces[0])
        self._blocks = list[Block]()

    def add(self, versions: Iterable[Version], *, newest: bool) -> None:
        packed, chunks = pack_block(sorted(versions, key=place_of), self._columns, offset=self._at)
        if chunks:
            self._append(packed, Block(newest=newest, chunks=chunks))

    def keep(self, block: Block, data: bytes) -> None:
        """A block of an earlier object, its bytes as they are."""
        moved = [chunk._replace(offset=chunk.offset - block.start + self._at) for chunk in block.chunks]
        self._append(data[block.start : block.end], Block(newest=block.newest, chunks=moved))

    def _append(self, packed: bytes, block: Block) -> None:
        self._pieces.append(packed)
        self._at += len(packed)
        self._blocks.append(block)

    def laid(self, *, run_id: str, first_run_id: str) -> Laid:
        directory = Directory(run_id=run_id, first_run_id=first_run_id, blocks=self._blocks)
        return Laid(data=b"".join(self._pieces), directory=directory)
