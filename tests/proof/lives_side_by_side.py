"""The lives of several datasets in one stage, side by side: their events interleave, and each is held to its own model.

Both have runs of the same ids at the same times, their events wait in one inbox, their records in one stream, and a
crash may be of a batch that has records of both.
"""

from collections import Counter
from types import SimpleNamespace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from shared.dataset import Dataset
from shared.ledger.items import Head
from shared.runs import Run
from tests.api.serving import Answer
from tests.proof.life import CHANGES, Life
from tests.proof.upstream import ODDITIES
from tests.shared.calls import CrashPoint
from tests.world import World

_either, _places = st.integers(0, 1), st.integers(0, 9)
_points = st.builds(CrashPoint, number=st.integers(0, 16), after=st.booleans(), fails=st.booleans())
_feeds = st.sampled_from(["both", "first", "second"])


class OfOne:
    """A world as it is for one of its datasets; what is not a dataset's own is the world's."""

    def __init__(self, world: World, dataset: Dataset) -> None:
        vars(self).update(_world=world, dataset=dataset, _name=dataset.name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._world, name, value)

    def restore(self, _saved: Any) -> None:
        """It is put back with the others."""

    @property
    def platform(self) -> Any:
        """The world's, with the mails about this dataset alone."""
        shared = self._world.platform
        mails = [mail for mail in shared.mails if mail.dataset == self._name]
        return SimpleNamespace(**vars(shared) | {"mails": mails})

    def publish(self, files: dict[str, bytes], *, at: str) -> None:
        self._world.publish(files, at=at, dataset=self._name)

    def schedule(self, handler: str, time: str) -> None:
        self._world.schedule(handler, time, dataset=self._name if handler == "fetch" else "")

    def operate(self, command: str, run_id: str, *, time: str) -> dict[str, Any]:
        return dict(self._world.operate(command, run_id, time=time, dataset=self._name))

    def runs(self) -> list[Run]:
        return list(self._world.runs(dataset=self._name))

    def head(self) -> Head:
        found: Head = self._world.head(dataset=self._name)
        return found

    def rows(self) -> Any:
        return self._world.rows(dataset=self._name)

    def get(self, path: str) -> Answer:
        found: Answer = self._world.get(f"/{self._name}{path}")
        return found


class LifeOfOne(Life):
    """A life that is not alone: whatever is delivered may be another's, so that all are judged each time."""

    beside: list[Life]

    def _judge(self) -> None:
        for life in self.beside:
            Life._judge(life)


class SideBySide(RuleBasedStateMachine):
    """A life of each dataset of a stage."""

    world: World
    seen: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.world.restore(self.world.new)
        views = [OfOne(self.world, dataset) for dataset in self.world.datasets.values()]
        self.lives: list[Life] = []
        shared = {"seen": self.seen, "beside": self.lives}
        for view in views:
            self.lives.append(type("LifeOfOne", (LifeOfOne,), shared | {"world": view})())

    def _step(self, n: int, step: str, **chosen: Any) -> None:
        """A step of one of the lives; a batch of mails that it dies in may have been of both."""
        one, before = self.lives[n], self.lives[n].spare_mails
        getattr(one, step)(**chosen)
        for life in self.lives:
            life.spare_mails += one.spare_mails - before if life is not one else 0

    # --- upstream and schedule --------------------------------------------------------------------------------------

    @rule(n=_either, which=_feeds)
    def a_new_day_is_published(self, n: int, which: str) -> None:
        self._step(n, "a_new_day_is_published", which=which)

    @rule(n=_either, place=_places, back=st.integers(0, 5), number=st.sampled_from([0, 5, 6, 700]))
    def the_past_is_revised(self, n: int, **chosen: Any) -> None:
        self._step(n, "the_past_is_revised", **chosen)

    @rule(n=_either, place=_places, change=st.sampled_from(CHANGES))
    def something_is_odd(self, n: int, **chosen: Any) -> None:
        self._step(n, "something_is_odd", **chosen)

    @rule(n=_either, place=_places, oddity=st.sampled_from(ODDITIES), restored=st.booleans())
    def an_odd_day_goes_by(self, n: int, **chosen: Any) -> None:
        self._step(n, "an_odd_day_goes_by", **chosen)

    @rule(n=_either)
    def the_schedule_fires(self, n: int) -> None:
        self._step(n, "the_schedule_fires")

    @rule(which=_feeds)
    def the_schedule_fires_for_both_at_once(self, which: str) -> None:
        for n in range(len(self.lives)):
            self._step(n, "a_new_day_is_published", which=which)
            self._step(n, "the_schedule_fires")

    # --- events -----------------------------------------------------------------------------------------------------

    @rule(n=_either, which=_feeds)
    def a_day_goes_by(self, n: int, which: str) -> None:
        self._step(n, "a_day_goes_by", which=which)

    @precondition(lambda self: self.world.platform.inbox)
    @rule(place=_places)
    def an_event_is_delivered(self, place: int) -> None:
        self._step(0, "an_event_is_delivered", place=place)

    @precondition(lambda self: self.world.platform.inbox)
    @rule(place=_places, point=_points)
    def a_handler_crashes(self, **chosen: Any) -> None:
        self._step(0, "a_handler_crashes", **chosen)

    @precondition(lambda self: self._arrivals())
    @rule(place=_places)
    def an_event_is_delivered_twice(self, place: int) -> None:
        self._step(0, "an_event_is_delivered_twice", place=place)

    @precondition(lambda self: self._arrivals())
    @rule(place=_places)
    def an_event_is_lost(self, place: int) -> None:
        self._step(0, "an_event_is_lost", place=place)

    @precondition(lambda self: self.lives[0].slow is None and self._arrivals())
    @rule(place=_places, stop_at=st.integers(0, 14))
    def a_handler_is_slow(self, **chosen: Any) -> None:
        self._step(0, "a_handler_is_slow", **chosen)

    @precondition(lambda self: self.lives[0].slow is not None)
    @rule()
    def the_slow_handler_goes_on(self) -> None:
        self._step(0, "the_slow_handler_goes_on")

    @rule(hours=st.sampled_from([1, 7]))
    def the_watch_looks(self, hours: int) -> None:
        self._step(0, "the_watch_looks", hours=hours)

    @precondition(lambda self: any(stream.waiting for stream in self.world.platform.streams.values()))
    @rule(consumer=st.sampled_from(["on_run_ended", "refresh_views"]), point=st.none() | _points, again=st.booleans())
    def the_stream_is_delivered(self, **chosen: Any) -> None:
        self._step(0, "the_stream_is_delivered", **chosen)

    @rule(n=_either, place=_places, command=st.sampled_from(["approve", "redrive"]), point=st.none() | _points)
    def an_operator_commands(self, n: int, **chosen: Any) -> None:
        if self.lives[n].states:
            self._step(n, "an_operator_commands", **chosen)

    # --- the end ----------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        """Each life ends as it would alone; what the first delivers and watches is done for the others too."""
        for life in self.lives:
            life.teardown()
        for life in self.lives:
            life._judge()
            life._hold_to_the_end()

    def _arrivals(self) -> list[Any]:
        return self.lives[0]._arrivals()
