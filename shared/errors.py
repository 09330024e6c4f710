"""Every error this system raises on purpose, sorted by what the runtime should do about it.

CovidStatsError
├── TransientError          try again, nothing is wrong with the input
│   ├── UpstreamUnavailable     a feed's server did not answer properly
│   ├── AnswerLost              a request went out and its answer did not come back
│   ├── LeaseHeld               another writer is at work
│   ├── LeaseLost               this writer's time is up; another may have taken over
│   ├── HeadMoved               another run was committed meanwhile
│   └── ObjectMissing           a file that the ledger or an event speaks of is not in S3
└── PermanentError          stop and tell someone, a retry gives the same result
    ├── SettingInvalid          the environment lacks a setting, or holds an impossible one
    ├── EventMalformed          an event is not of the declared shape
    ├── ContractBroken          a feed does not keep its contract
    ├── GateClosed              a change from run to run is beyond what is allowed
    ├── FeedRefused             a feed's server gave a definite no, or a body that cannot be taken
    ├── ItemMalformed           an item of the ledger is not as the ledger writes it
    ├── UnknownRun              no such run in the ledger
    └── NotAllowed              the run's state does not allow this command
"""


class CovidStatsError(Exception):
    """The root: catching it catches all that this system raises on purpose."""


class TransientError(CovidStatsError):
    """Trying again may succeed."""


class UpstreamUnavailable(TransientError):
    """A feed's server timed out, broke off, or answered with a 5xx.

    `wait_seconds`: how long the server wants to be left alone (`Retry-After`); 0 where it named no time.
    """

    def __init__(self, message: str, *, wait_seconds: float = 0) -> None:
        self.wait_seconds = wait_seconds
        super().__init__(message)


class AnswerLost(TransientError):
    """A request went out and its answer did not come back: whether it had its effect is not known."""


class LeaseHeld(TransientError):
    """Another invocation holds the lease on this run, or is writing another run."""


class LeaseLost(TransientError):
    """The lease ran out while this invocation was at work."""


class HeadMoved(TransientError):
    """The head pointer is no longer at the run that this one was compared with."""


class ObjectMissing(TransientError):
    """A file that the ledger or an event speaks of is not in S3; the message has its key."""


class PermanentError(CovidStatsError):
    """Trying again gives the same result."""


class SettingInvalid(PermanentError):
    """A setting is missing or impossible; the message names it."""


class EventMalformed(PermanentError):
    """An event lacks a field, or has one of another shape; the message names it."""


class ContractBroken(PermanentError):
    """A feed file does not keep its contract.

    `line` counts from 1 (the header); 0 where the file as a whole is meant.
    """

    def __init__(self, *, feed: str, line: int, column: str, value: str, allowed: str) -> None:
        self.feed, self.line, self.column, self.value, self.allowed = feed, line, column, value, allowed
        where = f"feed {feed}" + (f", line {line}" if line else "") + (f", column {column}" if column else "")
        shown = value if len(value) <= 80 else f"{value[:77]}..."
        super().__init__(f"{where}: {f'{shown!r} is not allowed; ' if value or line else ''}{allowed}")


class GateClosed(PermanentError):
    """The difference to the last committed run is beyond what is allowed without approval.

    `rows` are how many the run would have added, changed and removed.
    """

    def __init__(self, message: str, *, rows: int = 0) -> None:
        self.rows = rows
        super().__init__(message)


class FeedRefused(PermanentError):
    """A feed's server answered with a definite no (4xx), or with a body that is too large or not whole."""


class ItemMalformed(PermanentError):
    """An item of the ledger is not as the ledger writes it; the message names it, and what is wrong."""


class UnknownRun(PermanentError):
    """The ledger has no run of this id."""


class NotAllowed(PermanentError):
    """The run is in a state that does not allow this command; the message names both."""
