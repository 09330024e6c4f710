"""What a proof may find: something lost, something twice, something otherwise than it should be."""

import enum
import traceback
from collections.abc import Callable
from dataclasses import dataclass


class Kind(enum.StrEnum):
    """How the promise was broken."""

    LOSS = "loss"
    DUPLICATE = "duplicate"
    DIFFERENCE = "difference"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One breach of the promise."""

    kind: Kind
    where: str = ""
    """Enough to make it happen again."""
    what: str


class Lost(AssertionError):
    """Something did not come to its end, or was never told."""


class Twice(AssertionError):
    """Something happened, or was told, more often than it should."""


def finding_of(error: BaseException, *, where: str) -> Finding:
    """What an error says that was raised by a proof, or by the system where it should have raised none."""
    kind = Kind.LOSS if isinstance(error, Lost) else Kind.DUPLICATE if isinstance(error, Twice) else Kind.DIFFERENCE
    raised = [
        f"raised in {frame.filename}, line {frame.lineno}: {frame.line}"
        for frame in traceback.extract_tb(error.__traceback__)[-1:]
    ]
    lines = [f"{type(error).__name__}: {error}", *getattr(error, "__notes__", []), *raised]
    return Finding(kind=kind, where=where, what="\n".join(lines))


def kind_found(scenario: Callable[[], object]) -> Kind | None:
    """How the promise was broken, as `make proof` would count it; None where it was not."""
    try:
        scenario()
    except Exception as error:
        return finding_of(error, where="").kind
    return None
