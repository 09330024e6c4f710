"""Handlers at work at the same time: one writer at a time, and an older run never over a newer one."""

from collections.abc import Iterator
from typing import Any

import pytest

from shared.datasets import US_COVID
from shared.errors import TransientError
from shared.runs import State
from tests.proof.model import merged_rows
from tests.proof.small_feeds import jhu, nyt, pair
from tests.proof.stories import SETTINGS, at
from tests.world import Pending, World, world

ROWS = 12
FIRST = {"nyt": nyt(ROWS + 1, cases={3: 4}), "jhu": jhu(ROWS + 1)}
SECOND = {"nyt": nyt(ROWS + 2, cases={5: 6}, without=[7]), "jhu": jhu(ROWS + 2)}

LAST_CALL = 16
"""Stops beyond an invocation's last call are none: the invocation is then over before the other begins."""


@pytest.fixture(scope="module")
def deployment() -> Iterator[Any]:
    """Loaded; then the feeds of the second and the third of March have arrived, and nothing was told of it yet."""
    with world(SETTINGS) as made:
        for day, files in ((1, pair(ROWS)), (2, FIRST), (3, SECOND)):
            made.publish(files, at=at(day, "12:00:00"))
            made.schedule("fetch", at(day))
            made.deliver(made.platform.inbox[-1])
            if day == 1:
                made.settle()
        yield made, made.save()


@pytest.fixture
def system(deployment: tuple[World, Any]) -> World:
    made, arrived = deployment
    made.restore(arrived)
    return made


def arrivals(system: World, day: int) -> list[Pending]:
    return [pending for pending in system.platform.inbox if at(day) in pending.event["detail"]["object"]["key"]]


def bring_to_an_end(system: World) -> None:
    """Deliver what is left, and let the watch look once leases have run out."""
    system.settle()
    system.schedule("watch", at(3, "23:59:00"))
    system.settle()


def hold(system: World, files: dict[str, bytes]) -> None:
    """The store, the views and the mails are those of these files, and each run that was committed was told once."""
    rows = {key: {k: v for k, v in row.items() if k != "run_id"} for key, row in system.rows().items()}
    assert rows == merged_rows(US_COVID, files)
    assert {("US", row.pop("date")): row for row in system.get("/data").json} == rows
    committed = [run.run_id for run in system.runs() if run.state is State.COMMITTED]
    assert len(system.platform.mails) == len(committed)
    assert system.head().head == committed[-1]
    assert not system.head().writing
    assert all(isinstance(error, TransientError) for error in system.platform.errors)


@pytest.mark.parametrize("stop_at", range(LAST_CALL))
def test_two_arrivals_of_a_run_in_any_order_of_their_calls_merge_it_once(system: World, stop_at: int) -> None:
    first, second = arrivals(system, 2)
    system.platform.inbox.clear()
    system.platform.inbox += [first, second]
    slow = system.start(first, stop_at=stop_at)
    system.deliver(second)
    slow.finish()
    bring_to_an_end(system)
    assert (system.run(at(2)).state, system.run(at(2)).attempts) == (State.COMMITTED, 1)


@pytest.mark.parametrize("round_", range(10))
def test_two_arrivals_at_the_same_instant_merge_a_run_once(system: World, round_: int) -> None:
    both = arrivals(system, 2)
    system.platform.inbox[:] = both
    system.at_once(both)
    bring_to_an_end(system)
    assert (system.run(at(2)).state, system.run(at(2)).attempts) == (State.COMMITTED, 1)


@pytest.mark.parametrize("stop_at", range(LAST_CALL))
@pytest.mark.parametrize("slow_day", [2, 3])
def test_two_runs_merged_at_once_end_with_the_newer_one(system: World, stop_at: int, slow_day: int) -> None:
    for day in (2, 3):
        system.deliver(arrivals(system, day)[0])
    slow = system.start(*arrivals(system, slow_day), stop_at=stop_at)
    system.deliver(*arrivals(system, 5 - slow_day))
    slow.finish()
    bring_to_an_end(system)
    assert system.run(at(2)).state in (State.COMMITTED, State.SUPERSEDED)
    assert system.run(at(3)).state is State.COMMITTED
    hold(system, SECOND)


@pytest.mark.parametrize("round_", range(10))
def test_two_runs_merged_at_the_same_instant_end_with_the_newer_one(system: World, round_: int) -> None:
    for day in (2, 3):
        system.deliver(arrivals(system, day)[0])
    system.at_once([*arrivals(system, 2), *arrivals(system, 3)])
    bring_to_an_end(system)
    assert system.run(at(3)).state is State.COMMITTED
    hold(system, SECOND)


@pytest.mark.parametrize("stop_at", range(LAST_CALL))
def test_a_writer_whose_lease_has_run_out_writes_nothing_more(system: World, stop_at: int) -> None:
    """It is stopped anywhere, for longer than its lease; the watch takes the run over, and the next run is merged."""
    for day in (2, 3):
        system.deliver(arrivals(system, day)[0])
    slow = system.start(*arrivals(system, 2), stop_at=stop_at)
    system.advance(hours=1)
    system.schedule("watch", at(3, "18:30:00"))
    system.deliver(system.platform.inbox[-1])
    system.deliver(*arrivals(system, 3))
    slow.finish()
    bring_to_an_end(system)
    assert [system.run(at(day)).state for day in (2, 3)] == [State.COMMITTED, State.COMMITTED]
    hold(system, SECOND)


def test_giving_way_to_another_run_uses_up_no_attempt(system: World) -> None:
    """Run 2 stands still while it writes; run 3 comes again and again, and is not given up for it."""
    for day in (2, 3):
        system.deliver(arrivals(system, day)[0])
    writing = _call_number(system, "dynamodb.BatchWriteItem")
    slow = system.start(*arrivals(system, 2), stop_at=writing)
    [newer] = arrivals(system, 3)
    while newer in system.platform.inbox:
        system.deliver(newer)
    assert (system.run(at(3)).attempts, system.run(at(3)).attempts_forgiven) == (3, 3)
    slow.finish()
    bring_to_an_end(system)
    assert [system.run(at(day)).state for day in (2, 3)] == [State.COMMITTED, State.COMMITTED]
    hold(system, SECOND)


def _call_number(system: World, name: str) -> int:
    """Which call of the merge of run 2 this is."""
    saved = system.save()
    system.deliver(*arrivals(system, 2))
    number = [call.name for call in system.calls.made].index(name)
    system.restore(saved)
    return number
