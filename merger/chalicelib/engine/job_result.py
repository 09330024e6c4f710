"""What a job of the distributed engine came to: `result.json`, written when all parts are there."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from shared.errors import ContractBroken, EventMalformed


@dataclass(frozen=True, kw_only=True)
class WrittenObject:
    """An object of a part."""

    key: str
    sha256: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Part:
    """All rows of some series: those whose name falls into this bucket."""

    bucket: int
    rows: int
    """Rows of any feed."""
    joined: int
    """Rows of the dataset."""
    added: int
    changed: int
    removed: int
    moved: tuple[str, ...]
    """Feeds whose used rows are not those of the run before."""
    had_rows: int
    """Rows of the dataset before the run."""
    snapshot: WrittenObject
    """Rows of any feed as Parquet: the base of the next comparison."""
    index: WrittenObject
    """The same as the merger reads it."""
    changes: WrittenObject
    """Rows that were added, changed and removed, as readers get them."""


@dataclass(frozen=True, kw_only=True)
class JobResult:
    """What one attempt found."""

    dataset: str
    run_id: str
    attempt: int
    base: str
    """Id of the committed run that the files were compared with; empty: none."""
    rules: str
    """Those by which they were merged."""
    files: Mapping[str, str]
    """Feed -> sha256 of the file that was read, as the order has it."""
    fault: Mapping[str, Any] | None
    """What breaks a feed's contract (the arguments of ContractBroken); None where nothing does."""
    buckets: int
    parts: Sequence[Part]
    """One for each bucket, by its number; none where there is a fault."""
    plain: tuple[str, ...] = ()
    """Feeds in whose file every row is one line."""
    runs: tuple[str, ...] = ()
    """What the column of the run that last changed a row counts into."""
    seconds: float = 0
    """Of the job, from its start to this result; the start of the engine aside."""

    def raise_fault(self) -> None:
        """Raises ContractBroken where the job found a feed that does not keep its contract."""
        if self.fault is not None:
            raise ContractBroken(**self.fault)

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "JobResult":
        """Raises EventMalformed for what is no result."""
        try:
            values: dict[str, Any] = json.loads(data)
            values["parts"] = [part_of(part) for part in values["parts"]]
            return cls(**values | {name: tuple(values[name]) for name in ("plain", "runs")})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise EventMalformed(f"a result of the engine cannot be read: {error!r}") from error


def part_of(values: Mapping[str, Any]) -> Part:
    """From what `asdict` made of a part."""
    written = {name: WrittenObject(**values[name]) for name in ("snapshot", "index", "changes")}
    return Part(**{**values, **written, "moved": tuple(values["moved"])})


def fault_of(error: ContractBroken) -> dict[str, Any]:
    """A broken contract as JSON has it."""
    return {name: getattr(error, name) for name in ("feed", "line", "column", "value", "allowed")}
