"""Random days under AWS's failure semantics: the platform fails all the time, and the model knows how it must end.

Any call may fail, before its effect or after it, or kill its process; events come twice, late or not at all; batches of
streams come again; SNS is down for hours; operators give commands in between. `Life` says what must hold.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator
from random import Random
from unittest import mock

from shared import aws
from tests.proof.life import CHANGES, Life, OneAfterTheOther
from tests.proof.troubles import sns_is_down, sns_is_silent
from tests.shared.calls import CrashPoint
from tests.world import World

DAYS = 10
"""Of one life; a run each."""
_CONSUMERS = ("on_run_ended", "refresh_views")
_FAILS = 0.25
"""Of all invocations."""
_SNS_IS_DOWN = 0.2
_SNS_IS_SILENT = 0.2
"""Of all hours."""


class Sns:
    """Refuses everything while it is down; takes everything and does not answer while it is silent."""

    def __init__(self) -> None:
        self.down, self.silent = False, False
        self.unanswered = 0
        """Mails that are out although nobody could know."""

    def _refuse(self, **_: object) -> None:
        if self.down:
            sns_is_down()

    def _lose(self, **_: object) -> None:
        if self.silent:
            self.unanswered += 1
            sns_is_silent()

    @contextlib.contextmanager
    def in_charge(self) -> Iterator[None]:
        events = aws.client("sns").meta.events
        events.register_first("before-call.sns.Publish", self._refuse)
        events.register_last("after-call.sns.Publish", self._lose)
        try:
            yield
        finally:
            events.unregister("before-call.sns.Publish", self._refuse)
            events.unregister("after-call.sns.Publish", self._lose)


def live_through_failures(random: Random, world: World, *, seen: Counter[str], days: int = DAYS) -> None:
    """Lead one life of so many days; `seen` counts what it is made of. Raises what it found."""
    sns = Sns()
    life = type("Life", (Life,), {"world": world, "seen": seen})()
    with mock.patch("chalicelib.collecting.ThreadPoolExecutor", OneAfterTheOther), sns.in_charge():
        for _ in range(days):
            _lead_a_day(life, random, sns)
        sns.down = sns.silent = False
        life.spare_mails += sns.unanswered
        life.teardown()


def _lead_a_day(life: Life, random: Random, sns: Sns) -> None:
    life.a_new_day_is_published(random.choice(["both", "both", "first", "second"]))
    if random.random() < 0.3:
        life.the_past_is_revised(random.randrange(10), random.randrange(6), random.choice([0, 5, 6, 700]))
    if random.random() < 0.4:
        life.something_is_odd(random.randrange(10), random.choice(CHANGES))
    life.the_schedule_fires()
    for _ in range(random.randint(3, 9)):
        sns.down, sns.silent = random.random() < _SNS_IS_DOWN, random.random() < _SNS_IS_SILENT
        life.seen["hours without SNS"] += sns.down or sns.silent
        life.sns_was_away |= sns.down or sns.silent
        for _ in range(random.randrange(12)):
            _something_is_delivered(life, random)
        if life.states and random.random() < 0.1:
            command = random.choice(["approve", "redrive"])
            life.an_operator_commands(random.randrange(10), command, _point(random))
        life.the_watch_looks(1)


def _something_is_delivered(life: Life, random: Random) -> None:
    waiting = [name for name in _CONSUMERS if life.world.platform.streams[name].waiting]
    inbox, place, point = life.world.platform.inbox, random.randrange(10), _point(random)
    if waiting and (not inbox or random.random() < 0.5):
        life.the_stream_is_delivered(random.choice(waiting), point, again=random.random() < 0.1)
    elif inbox and point:
        life.a_handler_crashes(place, point)
    elif life._arrivals() and random.random() < 0.1:
        random.choice([life.an_event_is_lost, life.an_event_is_delivered_twice])(place)
    elif inbox:
        life.an_event_is_delivered(place)


def _point(random: Random) -> CrashPoint | None:
    if random.random() >= _FAILS:
        return None
    return CrashPoint(number=random.randrange(9), after=random.random() < 0.5, fails=random.random() < 0.5)
