"""What a whole run asks of AWS, over all four services, counted call by call: nothing here depends on the machine.

The four apps run in this process (`tests.world`), with AWS in memory and every event delivered.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from tests.bench.measuring import OURS, Figure
from tests.bench.workers import ROOT
from tests.proof.small_feeds import jhu, nyt

if TYPE_CHECKING:  # brings moto, which takes a second to load
    from tests.shared.calls import Call
    from tests.world import World

NAMES = ("unchanged_run_calls", "changed_run_writes")

_ROWS = 100
_CHANGED = (1, 20, 60)
_WRITES = frozenset({"PutObject", "PutItem", "UpdateItem", "DeleteItem"})


class Counts:
    """What was called since it was made."""

    def __init__(self, made: "World") -> None:
        self.calls: Counter[str] = Counter()
        """`dynamodb.UpdateItem` -> how often."""
        self.rows_written = self.rows_read = self.items_in_transactions = 0
        made.calls.listeners.append(self._hear)

    def _hear(self, call: "Call", _: object) -> None:
        self.calls[call.name] += 1
        if not call.name.startswith("dynamodb."):
            return
        from tests.world import OBSERVATIONS

        request = json.loads(call.request.body)
        tables = request.get("RequestItems", {request.get("TableName"): [request]})
        if OBSERVATIONS in tables:
            written = len(tables[OBSERVATIONS])
            is_write = call.name.removeprefix("dynamodb.") in _WRITES | {"BatchWriteItem"}
            self.rows_written += written if is_write else 0
            self.rows_read += 0 if is_write else written
        self.items_in_transactions += len(request.get("TransactItems", ()))

    @property
    def writes(self) -> int:
        """Everything that was written: rows, items of the ledger, objects."""
        single = sum(number for name, number in self.calls.items() if name.partition(".")[2] in _WRITES)
        return single + self.rows_written + self.items_in_transactions


def measure(wanted: Iterable[str]) -> Iterator[Figure]:
    """The figures asked for."""
    chosen = set(wanted)
    sys.path += [str(ROOT / service) for service in ("fetcher", "merger", "api", "notifier")]
    if "unchanged_run_calls" in chosen:
        yield _unchanged()
    if "changed_run_writes" in chosen:
        yield _changed()


def _unchanged() -> Figure:
    """A day on which neither feed has a new byte."""
    from tests.world import world

    with world() as made:
        _day(made, 1, {"nyt": nyt(_ROWS), "jhu": jhu(_ROWS)})
        counts = _day(made, 2, {"nyt": nyt(_ROWS), "jhu": jhu(_ROWS)})
        state = made.runs()[-1].state
    assert state == "UNCHANGED", state
    assert (counts.rows_read, counts.rows_written) == (0, 0), counts.calls
    assert counts.calls["dynamodb.TransactWriteItems"] == 1, counts.calls
    assert counts.calls["sns.Publish"] == 0, counts.calls
    return Figure(
        name="unchanged_run_calls",
        unit="calls",
        rounds={OURS: [counts.calls.total()]},
        note=f"no row read or written, one transaction; {_listed(counts.calls)}",
    )


def _changed() -> Figure:
    """Days on which the first feed revises some numbers."""
    from tests.world import world

    besides = []
    for changed in _CHANGED:
        with world() as made:
            _day(made, 1, {"nyt": nyt(_ROWS), "jhu": jhu(_ROWS)})
            revised = {row: 50_000 + row for row in range(changed)}
            counts = _day(made, 2, {"nyt": nyt(_ROWS, cases=revised), "jhu": jhu(_ROWS)})
            run = made.runs()[-1]
        assert (run.state, run.changed) == ("COMMITTED", changed), run
        assert counts.rows_written == changed, counts.rows_written
        besides.append(counts.writes - counts.rows_written)
    assert len(set(besides)) == 1, f"not the same beside {_CHANGED} changed rows: {besides}"
    return Figure(
        name="changed_run_writes",
        unit="writes",
        rounds={OURS: [besides[0]]},
        note=f"beside the changed rows, each written once; the same for {', '.join(map(str, _CHANGED))} changed rows",
    )


def _day(made: "World", number: int, files: Mapping[str, bytes]) -> Counts:
    """One day from its fetch to its mail, and what was called meanwhile."""
    counts = Counts(made)
    time = f"2020-11-{number:02d}T17:00:00Z"
    made.publish(files, at=time)
    made.schedule("fetch", time)
    made.settle()
    made.calls.listeners.remove(counts._hear)
    assert not made.platform.errors, made.platform.errors
    return counts


def _listed(calls: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(calls.items()))
