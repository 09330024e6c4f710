"""What AWS keeps besides the stores: what waits to be delivered, what was mailed, what was given up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

RETRIES = 2
"""Of an asynchronous invocation that failed, after the first try; infra/fragments/*.yaml says so."""
STREAM_RETRIES = 8
"""Of a batch of stream records; infra/fragments/*.yaml says so."""
BATCH = 10

CONSUMERS = ("on_run_ended", "refresh_views")


@dataclass(frozen=True, kw_only=True)
class PublishedMail:
    """What was published, as subscribers get it."""

    kind: str
    subject: str
    body: str
    dataset: str = ""
    """By the message attribute."""


@dataclass(frozen=True, kw_only=True)
class Announced:
    """An event about a run that was put on the bus."""

    kind: str
    about: str
    """Stage, dataset, run and state, and when an operator had it end again: the event's id, without its tries."""
    ended: bool
    """Whether the ledger had that end when the event was put."""


@dataclass(kw_only=True)
class Pending:
    """An asynchronous event that waits for its delivery."""

    handler: str
    event: Mapping[str, Any]
    request_id: str
    """Kept by the platform's retries."""
    tries: int = 0


@dataclass(kw_only=True)
class Stream:
    """One consumer's place in the ledger's stream."""

    waiting: list[dict[str, Any]] = field(default_factory=list)
    tries: int = 0
    """Of the first record that waits."""
    size: int = BATCH
    """Of the next batch: halved after a failure, as BisectBatchOnFunctionError has it."""


@dataclass(kw_only=True)
class Platform:
    """What the platform remembers, apart from the stores."""

    now_ms: int = 1_577_836_800_000
    requests: int = 0
    inbox: list[Pending] = field(default_factory=list)
    streams: dict[str, Stream] = field(default_factory=lambda: {name: Stream() for name in CONSUMERS})
    dead_letters: list[Any] = field(default_factory=list)
    mails: list[PublishedMail] = field(default_factory=list)
    events: list[Announced] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    """What handlers raised, crashes apart."""
