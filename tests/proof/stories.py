"""What can happen to the system, as stories: each starts from a state, goes on in steps, and comes to an end.

A step makes something happen and lets everything settle that comes of it. After each step in which feeds arrive comes
a watch, when leases have run out: what a crash has left lying is taken up by then.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from shared.runs import State
from tests.proof.small_feeds import jhu, nyt, pair
from tests.shared.calls import CrashPoint
from tests.world import World

type Step = Callable[[World], None]

ROWS = 30
"""Two batches of rows in a first load: threads write them."""

SETTINGS = {"MAX_REMOVED_PERCENT": "10", "STALE_AFTER_DAYS": "3", "MAX_ATTEMPTS": "3", "LEASE_SECONDS": "960"}

ALL = frozenset({"fetch", "on_feed_arrived", "watch", "operate", "on_run_ended", "refresh_views"})
MERGER = frozenset({"on_feed_arrived", "watch", "operate"})


@dataclass(frozen=True, kw_only=True)
class Story:
    """One of the things that can happen."""

    name: str
    before: Sequence[Step] = ()
    """What has happened before, without a crash that is tried."""
    steps: Sequence[Step]
    crash: frozenset[str] = ALL
    """The handlers that are made to crash."""
    ends: Mapping[str, State] = field(default_factory=dict)
    """Day -> the state its run ends in."""
    mails: Sequence[str] = ()
    """Kinds of the mails of the steps, in order."""
    may_be_late: bool = True
    """Whether an arrival may be left to the watch without another end: the watch takes the oldest run first."""


def at(day: int, hour: str = "17:00:00") -> str:
    """A time in March 2020; the run of a day is that of 17:00."""
    return f"2020-03-{day:02d}T{hour}Z"


def publish(day: int, files: Mapping[str, bytes]) -> Step:
    return lambda world: world.publish(files, at=at(day, "12:00:00"))


def fetch(day: int) -> Step:
    return lambda world: world.schedule("fetch", at(day))


def watch(day: int, hour: str = "23:59:00") -> Step:
    return lambda world: world.schedule("watch", at(day, hour))


def command(name: str, run: int, day: int) -> Step:
    return lambda world: world.command(name, at(run), time=at(day, "20:00:00"))


def a_day(day: int, files: Mapping[str, bytes]) -> list[Step]:
    """A day as it is: published, fetched, watched."""
    return [publish(day, files), fetch(day), watch(day, "18:30:00"), watch(day)]


def dies(handler: str, point: CrashPoint, *, times: int = 1) -> Step:
    """The next invocations of a handler die, and nobody tries again."""

    def step(world: World) -> None:
        for _ in range(times):
            while world.next_handler != handler:
                world.deliver_next()
            world.point = point
            world.deliver_next()
        world.platform.inbox.clear()

    return step


def carry(world: World, steps: Sequence[Step]) -> None:
    for step in steps:
        step(world)
        world.settle()


def in_the_midst_of_rows(world: World, *, behind: str = "dynamodb.BatchWriteItem") -> CrashPoint:
    """The point in a merge behind its first batch of rows: files are written, rows half, nothing committed.

    `behind`: the first call of another name, instead.
    """
    saved = world.save()
    while world.next_handler != "on_feed_arrived" or len(world.platform.inbox) > 1:
        world.deliver_next()
    world.deliver_next()
    names = [call.name for call in world.calls.made]
    world.restore(saved)
    return CrashPoint(number=names.index(behind), after=True)


def merge_dies(*, times: int = 1, fails: bool = False, reading: bool = False) -> Step:
    """The merge of the run that is fetched next dies while it writes rows; its event is not delivered again.

    `fails`: only its call fails. `reading`: it dies while it reads its files, before it writes anything.
    """
    behind = "s3.GetObject" if reading else "dynamodb.BatchWriteItem"

    def step(world: World) -> None:
        point = replace(in_the_midst_of_rows(world, behind=behind), fails=fails)
        while world.next_handler != "on_feed_arrived" or len(world.platform.inbox) > 1:
            world.deliver_next()
        for _ in range(times):
            world.point = point
            world.deliver_next()
        world.platform.inbox.clear()

    return step


def together(*steps: Step) -> Step:
    """Several things before anything is delivered."""

    def step(world: World) -> None:
        for part in steps:
            part(world)

    return step


_REVISED = {"nyt": nyt(ROWS + 2, cases={3: 4, 5: 6}, without=[7]), "jhu": jhu(ROWS + 2, recovered={8: 1})}
_MORE = {"nyt": nyt(ROWS + 3, cases={3: 5, 9: 1}), "jhu": jhu(ROWS + 3, confirmed=9)}
_SAME_ROWS = {"nyt": nyt(ROWS, tail="\n"), "jhu": jhu(ROWS, confirmed=1)}
_BROKEN = {"nyt": nyt(ROWS + 1), "jhu": jhu(ROWS + 1).replace(b"Recovered", b"Recoveries")}
_SHORT = {"nyt": nyt(ROWS - 2), "jhu": jhu(ROWS)}
_ONE = {"nyt": nyt(ROWS + 1)}
_LOADED = a_day(1, pair(ROWS))
_HALF = [together(publish(2, _REVISED), fetch(2), merge_dies())]

ENGINE_SETTINGS = SETTINGS | {"ENGINE": "spark"}
"""Every merge goes by the distributed engine."""
ENGINE = frozenset({"on_feed_arrived", "job", "watch"})

ENGINE_STORIES = (
    Story(
        name="a first load by the engine",
        before=[watch(1, "08:00:00")],
        steps=a_day(1, pair(ROWS)),
        crash=ENGINE,
        ends={at(1): State.COMMITTED},
        mails=["digest"],
    ),
    Story(
        name="revisions by the engine",
        before=_LOADED,
        steps=a_day(2, _REVISED),
        crash=ENGINE,
        ends={at(2): State.COMMITTED},
        mails=["digest"],
    ),
)

STORIES = (
    Story(name="first load", steps=a_day(1, pair(ROWS)), ends={at(1): State.COMMITTED}, mails=["digest"]),
    Story(
        name="rows added, changed and removed",
        before=_LOADED,
        steps=a_day(2, _REVISED),
        ends={at(2): State.COMMITTED},
        mails=["digest"],
    ),
    Story(name="same bytes", before=_LOADED, steps=a_day(2, pair(ROWS)), ends={at(2): State.UNCHANGED}),
    Story(
        name="other bytes, same rows",
        before=_LOADED,
        steps=a_day(2, _SAME_ROWS),
        crash=MERGER,
        ends={at(2): State.UNCHANGED},
    ),
    Story(
        name="a feed breaks its contract",
        before=_LOADED,
        steps=[*a_day(2, _BROKEN), *a_day(3, _REVISED)],
        crash=MERGER | {"on_run_ended"},
        ends={at(2): State.REJECTED, at(3): State.COMMITTED},
        mails=["failure", "digest"],
    ),
    Story(
        name="the gate closes and an operator approves",
        before=_LOADED,
        steps=[publish(2, _SHORT), fetch(2), watch(2, "18:30:00"), command("approve", 2, 2), watch(2)],
        crash=MERGER | {"on_run_ended"},
        ends={at(2): State.COMMITTED},
        mails=["failure", "digest"],
    ),
    Story(
        name="a feed is missing, then fetched again",
        before=_LOADED,
        steps=[*a_day(2, _ONE), publish(2, _REVISED), command("redrive", 2, 3), watch(3, "06:00:00")],
        ends={at(2): State.COMMITTED},
        mails=["failure", "digest"],
    ),
    Story(
        name="a feed is late and the watch has it fetched again",
        before=_LOADED,
        steps=[publish(2, _ONE), fetch(2), publish(2, _REVISED), watch(2, "18:30:00"), watch(2)],
        crash=frozenset({"fetch", "watch"}),
        ends={at(2): State.COMMITTED},
        mails=["digest"],
    ),
    Story(
        name="a feed stands still for days and comes back",
        before=[step for day in (1, 2, 3) for step in a_day(day, pair(ROWS))],
        steps=[*a_day(4, pair(ROWS)), *a_day(5, _REVISED)],
        crash=MERGER | {"on_run_ended"},
        ends={at(4): State.UNCHANGED, at(5): State.COMMITTED},
        mails=["stale", "stale", "digest"],
    ),
    Story(
        name="the schedule does not fire for two days",
        before=_LOADED,
        steps=[watch(2), watch(3), *a_day(4, _REVISED)],
        crash=MERGER | {"on_run_ended"},
        ends={at(4): State.COMMITTED},
        mails=["failure", "failure", "digest"],
    ),
    Story(
        name="an older run is taken up after a newer one was committed",
        before=[*_LOADED, *a_day(2, _BROKEN)],
        steps=[*a_day(3, _REVISED), command("redrive", 2, 3), watch(4, "06:00:00")],
        crash=MERGER,
        ends={at(2): State.SUPERSEDED, at(3): State.COMMITTED},
        mails=["digest"],
    ),
    Story(
        name="the next run finds half of a dead one's rows",
        before=[*_LOADED, *_HALF],
        steps=[together(publish(3, _MORE), lambda world: world.advance(days=1)), fetch(3), watch(3)],
        crash=MERGER,
        may_be_late=False,
        ends={at(2): State.SUPERSEDED, at(3): State.COMMITTED},
        mails=["digest"],
    ),
    Story(
        name="the next run changes nothing and finds half of a dead one's rows",
        before=[*_LOADED, *_HALF],
        steps=[together(publish(3, pair(ROWS)), lambda world: world.advance(days=1)), fetch(3), watch(3)],
        crash=MERGER,
        may_be_late=False,
        ends={at(2): State.SUPERSEDED, at(3): State.UNCHANGED},
    ),
    Story(
        name="a dead merge is taken up by the watch",
        before=[*_LOADED, *_HALF],
        steps=[watch(2, "18:00:00"), watch(2)],
        ends={at(2): State.COMMITTED},
        mails=["digest"],
    ),
    Story(
        name="a merge dies whenever it is tried, is given up and redriven",
        before=[*_LOADED, together(publish(2, _REVISED), fetch(2), merge_dies(times=3))],
        steps=[watch(2, "18:00:00"), command("redrive", 2, 2), watch(2)],
        crash=MERGER | {"on_run_ended"},
        ends={at(2): State.COMMITTED},
        mails=["failure", "digest"],
    ),
)
