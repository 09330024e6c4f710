"""Handlers at work at the same time: what is tried, and what must hold. Time stands where a scenario stops it."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from shared.dataset import ONE_SERIES
from shared.errors import TransientError
from shared.runs import State, parse_time
from tests.proof.findings import Lost, Twice
from tests.proof.model import merged_rows
from tests.proof.small_feeds import jhu, nyt, pair
from tests.proof.stories import at
from tests.shared.declared import US_COVID
from tests.world import Pending, Sleep, World

ROWS = 12
FIRST = {"nyt": nyt(ROWS + 1, cases={3: 4}), "jhu": jhu(ROWS + 1)}
SECOND = {"nyt": nyt(ROWS + 2, cases={5: 6}, without=[7]), "jhu": jhu(ROWS + 2)}

LAST_CALL = 16
"""Stops beyond an invocation's last call are none: the invocation is then over before the other begins."""
ROUNDS = 10
"""How often what happens at the same instant is tried."""


def two_runs_have_arrived(made: World) -> Any:
    """Loaded; then the feeds of the second and the third of March have arrived, and nothing was told of it yet."""
    for day, files in ((1, pair(ROWS)), (2, FIRST), (3, SECOND)):
        made.publish(files, at=at(day, "12:00:00"))
        made.schedule("fetch", at(day))
        made.deliver(made.platform.inbox[-1])
        if day == 1:
            made.settle()
    return made.save()


def two_arrivals_one_of_them_slow(system: World, *, stop_at: int) -> None:
    first, second = arrivals(system, 2)
    system.platform.inbox[:] = [first, second]
    slow = system.start(first, stop_at=stop_at)
    system.deliver(second)
    slow.finish()
    bring_to_an_end(system)
    assert (system.run(at(2)).state, system.run(at(2)).attempts) == (State.COMMITTED, 1)


def two_arrivals_at_the_same_instant(system: World) -> None:
    both = arrivals(system, 2)
    system.platform.inbox[:] = both
    system.at_once(both)
    bring_to_an_end(system)
    assert (system.run(at(2)).state, system.run(at(2)).attempts) == (State.COMMITTED, 1)


def two_runs_one_of_them_slow(system: World, *, slow_day: int, stop_at: int) -> None:
    for day in (2, 3):
        system.deliver(arrivals(system, day)[0])
    slow = system.start(*arrivals(system, slow_day), stop_at=stop_at)
    system.deliver(*arrivals(system, 5 - slow_day))
    slow.finish()
    bring_to_an_end(system)
    assert system.run(at(2)).state in (State.COMMITTED, State.SUPERSEDED)
    assert system.run(at(3)).state is State.COMMITTED
    hold(system, SECOND)


def two_runs_at_the_same_instant(system: World) -> None:
    for day in (2, 3):
        system.deliver(arrivals(system, day)[0])
    system.at_once([*arrivals(system, 2), *arrivals(system, 3)])
    bring_to_an_end(system)
    assert system.run(at(3)).state is State.COMMITTED
    hold(system, SECOND)


def a_lease_that_runs_out_under_a_slow_writer(system: World, *, stop_at: int) -> None:
    """The watch takes the run over, and the next run is merged, before the slow one goes on."""
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


def a_writer_that_wakes_after_another_has_committed(system: World, *, stop_at: int, sleeps: Sleep) -> None:
    """The third of March takes over from the second, which had a call under way; the fourth puts right what it did."""
    for day in (2, 3):
        system.deliver(arrivals(system, day)[0])
    slow = system.start(*arrivals(system, 2), stop_at=stop_at, sleeps=sleeps)
    system.advance(hours=1)
    system.deliver(*arrivals(system, 3))
    committed = system.run(at(3)).state is State.COMMITTED
    slow.finish()
    system.settle()
    system.platform.now_ms = max(system.platform.now_ms, int(parse_time(at(3, "23:00:00")).timestamp() * 1000))
    bring_to_an_end(system)
    system.publish(SECOND, at=at(4, "12:00:00"))
    system.schedule("fetch", at(4))
    system.settle()
    assert (system.run(at(4)).state, system.head().settled or not committed) == (State.UNCHANGED, True)
    hold(system, SECOND)


def scenarios() -> Iterator[tuple[str, Callable[[World], None]]]:
    """(what happens, how to make it happen): all of it."""
    for n in range(LAST_CALL):
        yield f"two arrivals, the first stops at call {n}", partial(two_arrivals_one_of_them_slow, stop_at=n)
        for sleeps in Sleep:
            wakes = partial(a_writer_that_wakes_after_another_has_committed, stop_at=n, sleeps=sleeps)
            yield f"a writer sleeps at call {n} until another has committed: {sleeps.value}", wakes
        yield f"a lease runs out at call {n}", partial(a_lease_that_runs_out_under_a_slow_writer, stop_at=n)
        for day in (2, 3):
            slow = partial(two_runs_one_of_them_slow, slow_day=day, stop_at=n)
            yield f"two runs, that of day {day} stops at call {n}", slow
    for n in range(ROUNDS):
        yield f"two arrivals at the same instant, round {n}", two_arrivals_at_the_same_instant
        yield f"two runs at the same instant, round {n}", two_runs_at_the_same_instant


def arrivals(system: World, day: int) -> list[Pending]:
    return [pending for pending in system.platform.inbox if at(day) in pending.event["detail"]["object"]["key"]]


def bring_to_an_end(system: World) -> None:
    """Deliver what is left, and let the watch look once leases have run out."""
    system.settle()
    system.schedule("watch", at(3, "23:59:00"))
    system.settle()


def hold(system: World, files: Mapping[str, bytes]) -> None:
    """The store, the views and the mails are those of these files, and each run that was committed was told once."""
    rows = {key: {k: v for k, v in row.items() if k != "run_id"} for key, row in system.rows().items()}
    assert rows == merged_rows(US_COVID, files)
    assert {(ONE_SERIES, row.pop("date")): row for row in system.get("/data").json} == rows
    committed = [run.run_id for run in system.runs() if run.state is State.COMMITTED]
    mails = len(system.platform.mails)
    if mails != len(committed):
        raise (Lost if mails < len(committed) else Twice)(f"{mails} mails of {committed}")
    assert system.head().head == committed[-1]
    assert not system.head().writing
    assert all(isinstance(error, TransientError) for error in system.platform.errors)
