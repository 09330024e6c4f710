"""What a merge works with and what it comes to."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from chalicelib.runs.fetching_again import FetchAgain
from chalicelib.storing.run_files import RunFiles
from shared.dataset import Dataset
from shared.errors import ContractBroken
from shared.keys import index_key
from shared.ledger import Ledger
from shared.ledger.items import Head
from shared.runs import Run, State

if TYPE_CHECKING:
    from chalicelib.comparing.gate import GateLimits
    from chalicelib.engine.job_result import JobResult
    from chalicelib.storing.snapshots import Snapshot

type Way = Literal["", "same", "delta", "full", "engine"]
"""How a run was compared: `same` (no byte changed), `delta` or `full`, or by the distributed `engine`; empty where it
did not come to that."""

type EngineUse = Literal["", "large", "spark"]
"""What the distributed engine merges: nothing, files that do not fit a function's memory, or everything."""

RULES = "2"
"""Raise this when the same files would give other rows: runs are then compared anew although no byte changed."""


def rules_of(dataset: Dataset) -> str:
    """Fingerprint of the declaration and of the rules of merging."""
    return f"{RULES}-{dataset.fingerprint}"


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What an operator can set."""

    max_removed_percent: float | None
    """In place of the dataset's, where the stage sets it."""
    revision_warn_percent: float | None
    """In place of the dataset's, where the stage sets it."""
    max_attempts: int
    lease_seconds: float
    delta_from_bytes: int
    """Below this size of all files together, reading the old files again costs more than parsing the new ones."""
    most_bytes: int
    """Files larger than this together do not fit the function's memory."""
    engine: EngineUse = ""
    engine_lease_seconds: float = 0
    """How long a run waits for the engine: longer than its job may take."""
    most_result_bytes: int = 0
    """What of the engine's result fits the function's memory."""
    most_odd_bytes: int
    """Nor does a single one that is larger than this, where it is filtered, quoted, or has anything odd in it."""

    def limits(self, dataset: Dataset) -> "GateLimits":
        """What the stage sets, else what the dataset declares."""
        from chalicelib.comparing.gate import GateLimits  # deferred: brings numpy

        removed, revised = self.max_removed_percent, self.revision_warn_percent
        return GateLimits(
            max_removed_percent=dataset.max_removed_percent if removed is None else removed,
            revision_warn_percent=dataset.revision_warn_percent if revised is None else revised,
            revision_warn_at_least=dataset.revision_warn_at_least,
        )


class EngineJobs(Protocol):
    """Jobs of the distributed engine: those of Glue; and, in tests, those of this process."""

    def start(self, request: str) -> str:
        """The id of a job that carries out the order at this key."""
        ...

    def trouble(self, job_run: str) -> str:
        """Why a job came to no result; empty where it is under way, or has succeeded."""
        ...


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What a merge works with; made once by the composition root."""

    dataset: Dataset
    ledger: Ledger
    files: RunFiles
    write_rows: Callable[[Iterable[dict[str, Any]], Callable[[], None]], int]
    """Requests for rows, and the check before every call."""
    fetch_again: FetchAgain
    """Has feeds of a run fetched again."""
    policy: Policy
    engine: EngineJobs | None = None
    """None where the stage has no distributed engine."""
    clock: Callable[[], int]
    """Wall-clock milliseconds: for leases only."""

    @property
    def rules(self) -> str:
        return rules_of(self.dataset)

    def snapshot_of(self, run_id: str) -> "Snapshot":
        """The state after a committed run; that before the first where the id is empty. Raises ObjectMissing."""
        from chalicelib.storing.snapshots import empty_snapshot, read_index  # deferred: brings numpy

        if not run_id:
            return empty_snapshot(self.dataset)
        return read_index(self.files.read_array(index_key(self.dataset.name, run_id)), self.dataset)

    def check_fits(self, size: int, *, most: int, what: str = "") -> None:
        """Raises ContractBroken where so many bytes, of all feeds together, are more than the memory has room for."""
        if size > most:
            raise ContractBroken(
                feed=" and ".join(feed.name for feed in self.dataset.feeds),
                line=0,
                column="",
                value=f"{what}{size / 2**20:,.0f} MiB",
                allowed=f"at most {most / 2**20:,.0f} MiB fit this function's memory; give it more",
            )


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A run that was claimed, and what it is compared with."""

    run: Run
    head: Head
    """As it was before the comparison; the commit needs it to be so still."""
    shas: Mapping[str, str]
    """Feed -> sha256 of the run's file."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Feed -> bytes of its file; empty where none had to be read."""
    way: Way = "same"
    result: "JobResult | None" = None
    """What the engine found, where it was."""

    @property
    def size(self) -> int:
        """Bytes of these files together; 0 where none had to be read."""
        return sum(self.sizes.values())


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a merge came to, for the log line."""

    state: State
    reason: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    """`added`, `changed`, `removed` of a COMMITTED run; `rejected` of a REJECTED one: rows the gate kept out."""
    way: Way = ""
    rows_written: int = 0
    bytes_read: int = 0
