"""Runs that the distributed engine merges: as by a function, and whatever becomes of the job."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from shared.runs import Run, State
from tests.proof.crash_points import Then, look, try_story
from tests.proof.small_feeds import nyt, pair
from tests.proof.stories import (
    ENGINE_SETTINGS,
    ENGINE_STORIES,
    SETTINGS,
    Story,
    a_day,
    at,
    carry,
    fetch,
    publish,
    watch,
)
from tests.world import World, world

ROWS = 12


BROKEN = {"nyt": nyt(ROWS).replace(b"2018-01-25", b"2018-01-99"), "jhu": pair(ROWS)["jhu"]}


@dataclass(frozen=True, kw_only=True)
class ByFunction:
    """What comes of the same files without the engine."""

    days: Mapping[str, Any]
    broken: Run


@pytest.fixture(scope="module")
def by_function() -> ByFunction:
    with world(SETTINGS) as made:
        found = days(made)
        made.restore(made.new)
        carry(made, a_day(1, BROKEN))
        return ByFunction(days=found, broken=made.run(at(1)))


@pytest.fixture(scope="module")
def by_engine(by_function: ByFunction) -> Iterator[World]:
    with world(ENGINE_SETTINGS) as made:
        yield made


@pytest.fixture
def engine(by_engine: World) -> World:
    by_engine.restore(by_engine.new)
    return by_engine


def days(system: World) -> Mapping[str, Any]:
    """Three days through a system, and all that can be seen of it then, but for what only the engine leaves."""
    revised = {"nyt": nyt(ROWS + 2, cases={3: 4}, without=[7]), "jhu": pair(ROWS + 2)["jhu"]}
    for number, files in enumerate((pair(ROWS), revised, pair(ROWS + 2)), start=1):
        carry(system, a_day(number, files))
    seen = look(system)
    files = {key: data for key, data in seen.files.items() if not key.endswith(".parquet")}
    ledger = {key: _compared(item) for key, item in seen.ledger.items() if not key[0].endswith("#feeds")}
    return {"rows": seen.rows, "ledger": ledger, "files": files, "mails": seen.mails, "served": seen.served}


def _compared(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item without what names a port of this test, a trace, or the engine's parts."""
    return {name: value for name, value in item.items() if name not in ("parts", "traces", "deliveries")}


def test_days_by_the_engine_are_days_by_a_function(engine: World, by_function: ByFunction) -> None:
    found = days(engine)
    assert engine.head().engine_attempt > 0
    assert engine.platform.errors == []
    for name, value in by_function.days.items():
        assert found[name] == value, name


@pytest.mark.parametrize(
    ("story", "then"),
    [(ENGINE_STORIES[0], Then.FAILED), (ENGINE_STORIES[1], Then.AGAIN), (ENGINE_STORIES[1], Then.LATE)],
    ids=["first load, failed", "revisions, again", "revisions, late"],
)
def test_no_crash_changes_the_end(by_engine: World, story: Story, then: Then) -> None:
    tried = list(try_story(by_engine, story, then=then, to_the_end=False))
    assert len(tried) > 1
    assert [finding for it in tried for finding in it.findings] == []


def ordered(system: World, day: int) -> None:
    """A day's files arrive, and its job is started and no more."""
    publish(day, pair(ROWS + day))(system)
    fetch(day)(system)
    while system.next_handler != "job":
        system.deliver_next()


def test_a_run_waits_for_its_job_and_says_so(engine: World) -> None:
    ordered(engine, 1)
    run = engine.run(at(1))
    assert (run.state, run.awaits_engine, run.engine_attempt) == (State.MERGING, True, 1)
    watch(1, "18:30:00")(engine)
    engine.deliver(engine.platform.inbox[-1])
    assert engine.run(at(1)) == run


def test_a_job_that_hangs_is_given_up_when_its_time_is_over_and_its_late_result_is_left_alone(engine: World) -> None:
    ordered(engine, 1)
    hanging = engine.platform.inbox.pop(0)
    watch(2)(engine)
    engine.settle()
    run = engine.run(at(1))
    assert (run.state, run.engine_attempt) == (State.COMMITTED, 2)
    before = look(engine)
    engine.platform.inbox.append(hanging)
    engine.settle()
    assert look(engine) == before


def test_jobs_that_fail_again_and_again_end_the_run_with_their_reason(engine: World) -> None:
    ordered(engine, 1)
    for number in range(5):
        if engine.platform.inbox:
            engine._failed(engine.platform.inbox.pop(0))
        watch(1, f"2{number % 4}:00:00")(engine)
        while not engine.quiet and engine.next_handler != "job":
            engine.deliver_next()
    run = engine.run(at(1))
    assert run.state is State.FAILED
    assert "merging was begun 3 times" in run.reason
    assert "the engine's last job ended FAILED" in run.reason


def test_a_job_that_ends_after_a_newer_run_was_committed_gives_way(engine: World) -> None:
    ordered(engine, 1)
    late = engine.platform.inbox.pop(0)
    ordered(engine, 2)
    engine.settle()
    assert engine.run(at(2)).state is State.COMMITTED
    engine.platform.inbox.append(late)
    engine.settle()
    assert engine.run(at(1)).state is State.SUPERSEDED
    assert engine.head().head == at(2)


def test_the_event_of_a_result_that_is_lost_is_made_up_for_by_the_watch(engine: World) -> None:
    ordered(engine, 1)
    engine.deliver_next()
    assert engine.next_handler == "on_feed_arrived"
    engine.platform.inbox.clear()
    watch(1, "18:30:00")(engine)
    engine.settle()
    run = engine.run(at(1))
    assert (run.state, run.engine_attempt) == (State.COMMITTED, 1)


def test_a_run_that_the_gate_holds_is_approved_from_the_same_result(engine: World) -> None:
    carry(engine, a_day(1, pair(ROWS)))
    carry(engine, a_day(2, pair(ROWS - 6)))
    rejected = engine.run(at(2))
    assert (rejected.state, rejected.rejected_by) == (State.REJECTED, "gate")
    engine.operate("approve", at(2), time=at(2, "20:00:00"))
    approved = engine.run(at(2))
    assert (approved.state, approved.engine_attempt) == (State.COMMITTED, rejected.engine_attempt)


def test_what_breaks_the_contract_is_rejected_in_the_same_words(engine: World, by_function: ByFunction) -> None:
    carry(engine, a_day(1, BROKEN))
    found, wanted = engine.run(at(1)), by_function.broken
    assert (found.state, found.rejected_by, found.reason) == (wanted.state, wanted.rejected_by, wanted.reason)
    assert found.state is State.REJECTED
