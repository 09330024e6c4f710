"""Waiting for a condition, never for a time."""

import time
from collections.abc import Callable

from infra.errors import CommandFailed


class Overdue(CommandFailed):
    """What was waited for did not come about in time."""


def wait_for[T](look: Callable[[], T | None], *, seconds: float, what: str) -> T:
    """Look until there is something to see (a true value), and give it.

    Looks every 5 ms at first and more seldom the longer it takes. Raises Overdue after `seconds`, saying `what`.
    """
    began = time.monotonic()
    while not (seen := look()):
        elapsed = time.monotonic() - began
        if elapsed > seconds:
            raise Overdue(f"{what}: not after {seconds:g} s")
        time.sleep(min(max(0.005, elapsed / 20), 0.1))
    return seen
