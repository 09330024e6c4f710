"""Handlers at work at the same time: one writer at a time, and an older run never over a newer one."""

from collections.abc import Iterator
from typing import Any

import pytest

from shared.runs import State
from tests.proof.concurrency import (
    LAST_CALL,
    ROUNDS,
    SECOND,
    a_lease_that_runs_out_under_a_slow_writer,
    a_writer_that_wakes_after_another_has_committed,
    arrivals,
    bring_to_an_end,
    hold,
    two_arrivals_at_the_same_instant,
    two_arrivals_one_of_them_slow,
    two_runs_at_the_same_instant,
    two_runs_have_arrived,
    two_runs_one_of_them_slow,
)
from tests.proof.stories import SETTINGS, at
from tests.world import Sleep, World, world


@pytest.fixture(scope="module")
def deployment() -> Iterator[Any]:
    with world(SETTINGS) as made:
        yield made, two_runs_have_arrived(made)


@pytest.fixture
def system(deployment: tuple[World, Any]) -> World:
    made, arrived = deployment
    made.restore(arrived)
    return made


@pytest.mark.parametrize("stop_at", range(LAST_CALL))
def test_two_arrivals_of_a_run_in_any_order_of_their_calls_merge_it_once(system: World, stop_at: int) -> None:
    two_arrivals_one_of_them_slow(system, stop_at=stop_at)


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_two_arrivals_at_the_same_instant_merge_a_run_once(system: World, round_: int) -> None:
    two_arrivals_at_the_same_instant(system)


@pytest.mark.parametrize("stop_at", range(LAST_CALL))
@pytest.mark.parametrize("slow_day", [2, 3])
def test_two_runs_merged_at_once_end_with_the_newer_one(system: World, stop_at: int, slow_day: int) -> None:
    two_runs_one_of_them_slow(system, slow_day=slow_day, stop_at=stop_at)


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_two_runs_merged_at_the_same_instant_end_with_the_newer_one(system: World, round_: int) -> None:
    two_runs_at_the_same_instant(system)


@pytest.mark.parametrize("stop_at", range(LAST_CALL))
def test_a_writer_whose_lease_has_run_out_writes_nothing_more(system: World, stop_at: int) -> None:
    a_lease_that_runs_out_under_a_slow_writer(system, stop_at=stop_at)


@pytest.mark.parametrize("stop_at", range(LAST_CALL))
@pytest.mark.parametrize("sleeps", list(Sleep))
def test_what_a_writer_writes_after_another_has_committed_is_put_right(
    system: World, stop_at: int, sleeps: Sleep
) -> None:
    a_writer_that_wakes_after_another_has_committed(system, stop_at=stop_at, sleeps=sleeps)


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
