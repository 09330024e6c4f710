"""What the ledger holds beside runs: the head pointer, what is known of each feed, notices, and operators' notes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from shared.attributes import Value
from shared.runs import MailState

type NoticeKind = Literal["stale", "failure"]
"""A feed that stands still, or something that went wrong and is not the end of a run."""

HEAD, FEEDS, NOTICES, ANNOTATIONS = "#head", "#feeds", "#notices", "#annotations"
"""What the names of their partitions end in."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """Which run is committed, and who is writing the rows of the next one."""

    head: str = ""
    """Id of the committed run whose rows are in the store; empty before the first."""
    latest: str = ""
    """Id of the newest run that ended COMMITTED or UNCHANGED: what an older one finds is of the past."""
    newest: str = ""
    """The newest date in the snapshot."""
    rows: int = 0
    """Rows in the snapshot."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """Feed -> sha256 of the file the snapshot was made from."""
    seen: Mapping[str, str] = field(default_factory=dict)
    """Feed -> sha256 of the last file that gave these same rows."""
    rows_since: Mapping[str, str] = field(default_factory=dict)
    """Feed -> the run that last found its used rows changed."""
    rules: str = ""
    """Fingerprint of the declaration and the merge rules that the snapshot was made by."""
    engine_attempt: int = 0
    """The attempt of `head` whose result from the distributed engine was committed; 0 where a function merged."""
    parts: int = 0
    """Parquet parts of the snapshot, where the engine found it; 0 where there is its index alone."""
    writing: str = ""
    """Id of the run whose rows are being written; left behind by one that died."""
    dirty: frozenset[str] = frozenset()
    """Writers (see `writer`) that began since the last commit: rows they touched may not be those of `head`."""
    late: frozenset[str] = frozenset()
    """Writers that had not finished when the last commit was made: one that was paused may have written after it, so
    that whoever writes next looks after its rows once more."""
    writing_until: int = 0
    """Wall-clock milliseconds until which no other run may write."""
    closed: str = ""
    """Why no run can write or commit, as a sentence; empty where one can."""

    @property
    def settled(self) -> bool:
        """Whether all rows are those of `head`, as far as anyone knows."""
        return not self.dirty and not self.late


def writer(run_id: str, *, base: str) -> str:
    """Who writes rows, as the head has it: a run, and the head that it was compared with (empty: none)."""
    return f"{run_id}#{base}"


@dataclass(frozen=True, kw_only=True)
class FeedState:
    """The last copy of a feed."""

    feed: str
    sha256: str
    source_url: str = ""
    """Where it came from; what the server said there holds for no other address."""
    etag: str = ""
    last_modified: str = ""
    last_run_id: str
    """The run that saw it last: its raw file has these bytes."""
    changed_run_id: str
    """The run that saw these bytes first."""
    received_run_id: str = ""
    """The run that last received them from the server, rather than its word that they still hold."""
    etag_trust: str = ""
    last_modified_trust: str = ""
    """Whether the validator `moves` with the bytes, or `stands` although they changed; empty where neither was seen."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """sha256 of files that the feed had before -> the run that had it last; the newest of them."""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Something to mail that is not the end of a run."""

    kind: NoticeKind
    about: str
    """What it is about, unique: `nyt#2020-10-12#3`. The same notice is written once only."""
    text: str
    time: str
    """Time of the event that found it."""
    details: Mapping[str, Value] = field(default_factory=dict)
    """For `stale`: `feed`, `since` (the run that saw the feed's bytes first), `days`, `source_url`."""
    mail: MailState = ""
    recovered_by: str = ""
    """The committed run whose digest reports that it is over."""

    def __post_init__(self) -> None:
        lacking = {"feed", "since", "days"} - self.details.keys() if self.kind == "stale" else set()
        if self.kind not in ("stale", "failure") or lacking:
            raise ValueError(f"a notice of kind {self.kind!r} without {sorted(lacking)}; stale and failure are allowed")


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """What an operator wrote down about a run or a date."""

    about: str
    """A run's id; or a date, and behind it, after a blank, a series where one is meant."""
    text: str
    time: str
    """When it was written, as a run id."""
    by: str = ""
    """Who wrote it: the ARN that STS names. Readers do not see it."""
    reported_by: str = ""
    """The committed run whose digest has it; empty while none has."""

    @property
    def key(self) -> str:
        """Its sort key in the ledger."""
        return f"{self.about}#{self.time}"

    @property
    def date(self) -> str:
        """The date that it is about; empty where that is a run."""
        return "" if self.about[10:11] == "T" else self.about[:10]

    @property
    def series(self) -> str:
        """The one series that it is about; empty where that is none or all."""
        return self.about[11:] if self.date else ""

    @property
    def sentence(self) -> str:
        """`2020-10-05 Florida: counted twice until then`."""
        return f"{'' if self.date else 'run '}{self.about}: {self.text}"
