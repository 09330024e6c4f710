"""A run: one daily attempt to bring the store up to date with all of its feeds.

    COLLECTING ─▶ MERGING ─▶ COMMITTED    rows changed
        │            ├─────▶ UNCHANGED    nothing changed
        │            ├─────▶ REJECTED     a feed broke its contract or the gate
        │            ├─────▶ SUPERSEDED   a newer run was committed first
        │            └─────▶ FAILED       attempts used up
        └─────▶ INCOMPLETE                a feed had not arrived by the deadline

A run's id is the time of the scheduled event that started it, so a retry of the event is the same run.
"""

import datetime as dt
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from shared.errors import EventMalformed
from shared.sizes import ADDRESS, FEED_REASON, VALIDATOR, cut, whole

_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


class State(enum.StrEnum):
    """The states of a run; the last six are final until an operator approves or redrives."""

    COLLECTING = "COLLECTING"
    MERGING = "MERGING"
    COMMITTED = "COMMITTED"
    UNCHANGED = "UNCHANGED"
    REJECTED = "REJECTED"
    SUPERSEDED = "SUPERSEDED"
    FAILED = "FAILED"
    INCOMPLETE = "INCOMPLETE"

    @property
    def ended(self) -> bool:
        return self not in (State.COLLECTING, State.MERGING)


type DeliveryStatus = Literal["new", "same", "failed", "absent"]
"""`new` (other bytes than the last copy), `same` (the same bytes), `failed`, or `absent` (a run that has ended lacks it
and gets it no more; never written down)."""

type RejectedBy = Literal["", "contract", "gate"]
"""What a REJECTED run did not pass; empty for any other."""

type MailState = Literal["", "AGAIN", "SENDING", "SENT", "UNSURE"]
"""Of the mail about an item of the ledger: AGAIN asks the notifier for it once more; UNSURE was published twice without
an answer, so that it may be out or not."""

type ViewsState = Literal["", "AGAIN", "RENDERED", "FAILED"]
"""Of a committed run's views: AGAIN asks for them once more."""

ENDED_BADLY = frozenset({State.REJECTED, State.FAILED, State.INCOMPLETE})
"""The ends that an operator hears of and may redrive."""

MAILED = ENDED_BADLY | {State.COMMITTED}
"""The ends that are mailed about."""


def run_id_at(time: dt.datetime) -> str:
    """The id of the run that starts at this time (aware; seconds are kept, fractions dropped)."""
    return f"{time.astimezone(dt.UTC).replace(microsecond=0, tzinfo=None).isoformat()}Z"  # strftime does not pad years


def parse_time(text: object) -> dt.datetime:
    """The aware UTC time that a run id or an event's `time` says. Raises EventMalformed for any other text."""
    try:
        time = dt.datetime.strptime(text if isinstance(text, str) else "", _FORMAT).replace(tzinfo=dt.UTC)
    except ValueError:
        raise EventMalformed(f"{str(text)[:60]!r} is not a time like 2020-10-25T17:00:00Z") from None
    if run_id_at(time) != text:  # other digits, or fewer: as a run id it would be another, and out of order
        raise EventMalformed(f"{str(text)[:60]!r} is not a time like 2020-10-25T17:00:00Z")
    return time


def just_before(run_id: str) -> str:
    """The greatest text that sorts before a run id, for queries that include their bound."""
    return run_id[:-1] + "Y~"


def engine_owner(attempt: int) -> str:
    """Who holds the lease on a run while the distributed engine is at this attempt of it."""
    return f"engine#{attempt}"


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What became of one feed in one run, as the fetcher wrote it down."""

    status: DeliveryStatus
    reason: str = ""
    """Why it failed, for people; empty otherwise."""
    sha256: str = ""
    bytes: int = 0
    source_url: str = ""
    """What is harmless of it, see `shared.scrubbing.scrub_address`."""
    etag: str = ""
    last_modified: str = ""
    went_back_to: str = ""
    """Id of the older run that had this very file, where another file came in between; empty otherwise."""
    requests: int = 0
    """How many times the feed was requested without success: once by the schedule, then by the watch or a command."""
    first_requested: str = ""
    last_requested: str = ""
    """Times of the first and the last of these requests."""
    retry_after: str = ""
    """Time before which the server does not want to be asked again; empty where it named none."""

    def as_map(self) -> dict[str, str | int]:
        """As the ledger has it: bounded in bytes, whatever a server sent. Half a validator is none: it is left out."""
        bounded: dict[str, str | int] = vars(self) | {
            "reason": cut(self.reason, FEED_REASON),
            "source_url": cut(self.source_url, ADDRESS),
            "etag": whole(self.etag, VALIDATOR),
            "last_modified": whole(self.last_modified, VALIDATOR),
        }
        return {name: value for name, value in bounded.items() if value not in ("", 0)}


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run as the ledger has it. Fields that do not apply yet are empty."""

    run_id: str
    state: State
    reason: str = ""
    """Why it ended as it did, for people; empty for COMMITTED and UNCHANGED."""
    arrived: frozenset[str] = frozenset()
    """Names of the feeds whose raw file is in S3."""
    deliveries: Mapping[str, Delivery] = field(default_factory=dict)
    """Feed name -> what the fetcher says of it."""
    attempts: int = 0
    """How often a merge was begun; never counts down, which sets an older owner apart from a newer one."""
    attempts_forgiven: int = 0
    """Attempts made before an operator reopened the run: they do not count towards the limit."""
    lease_owner: str = ""
    lease_until: int = 0
    """Wall-clock milliseconds since 1970; the only clock that the ledger reads."""
    engine_attempt: int = 0
    """The attempt for whose result from the distributed engine the run waits, or whose it took; 0 without it."""
    engine_job: str = ""
    """The engine's id of the job of this attempt; empty until it is known to be started."""
    engine_trouble: str = ""
    """Why the last job of the run came to no result; empty where none failed."""
    base_run_id: str | None = None
    """The committed run that this one was compared with; None for the first."""
    added: int = 0
    changed: int = 0
    removed: int = 0
    known_from: str = ""
    """The time from which its data were known: its id, or the time of the command that let it pass."""
    summary: Mapping[str, Any] = field(default_factory=dict)
    """What the digest and the dashboard say of it; see `shared.summary`."""
    rejected_by: RejectedBy = ""
    superseded_by: str = ""
    """The newer run that was committed, or found nothing changed, before this SUPERSEDED one."""
    approved_by: str = ""
    approved_at: str = ""
    redriven_by: str = ""
    redriven_at: str = ""
    source: str = ""
    """Where the files of a backfilled run are from; empty for a run of the schedule. Nobody is mailed about one."""
    mail: MailState = ""
    views: ViewsState = ""
    traces: Mapping[str, str] = field(default_factory=dict)
    """Service -> X-Ray trace header of the invocation that last worked on the run."""

    @property
    def awaits_engine(self) -> bool:
        """Whether a job of the distributed engine is under way for it, as far as anyone knows."""
        return self.state is State.MERGING and self.lease_owner == engine_owner(self.engine_attempt)

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "Run":
        """From a ledger item as Python values (`shared.attributes.from_item`); unknown attributes are ignored.

        Raises KeyError, TypeError, ValueError and AttributeError for what is no run.
        """
        known = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
        for name, value in known.items():
            if not isinstance(value, _KINDS[name]):
                raise TypeError(f"{name} is {str(value)[:60]!r}, a {type(value).__name__}")
        known["state"] = State(known["state"])
        deliveries = known.get("deliveries", {})
        known["deliveries"] = {
            feed: Delivery(**{name: value for name, value in fields.items() if name in Delivery.__dataclass_fields__})
            for feed, fields in deliveries.items()
        }
        return cls(**known)

    @classmethod
    def from_event(cls, values: Mapping[str, Any]) -> "Run":
        """The same of an item that came by an event: nothing is taken for a run's id that is no time.

        Raises KeyError, TypeError, ValueError and AttributeError for what is no run.
        """
        parse_time(values["run_id"])
        return cls.from_values(values)


_KINDS: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(Run.__dataclass_fields__, str),
    **dict.fromkeys(
        ("attempts", "attempts_forgiven", "engine_attempt", "lease_until", "added", "changed", "removed"), int
    ),
    **dict.fromkeys(("deliveries", "summary", "traces"), Mapping),
    "arrived": frozenset,
    "base_run_id": (str, type(None)),
}
"""Attribute of a run -> what it is in Python."""
