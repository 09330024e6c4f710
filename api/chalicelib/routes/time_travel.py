"""Which run was the head at the end of a day."""

from shared.ledger import Ledger
from shared.runs import State


def head_at(ledger: Ledger, day: str) -> str | None:
    """The newest run that was committed and known by the end of this UTC day; None before the first."""
    end = f"{day}T23:59:59Z"
    for run in ledger.newest_first(upto=end, state=State.COMMITTED, page=10):
        if (run.known_from or run.run_id) <= end:
            return run.run_id
    return None
