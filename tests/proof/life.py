"""Any life the system may lead, as a state machine: Hypothesis chooses what happens next, a plain model what must hold.

The model knows files and rows, and nothing of leases, claims, events or tries.
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from itertools import zip_longest
from typing import Any, Self
from unittest import mock

import hypothesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from shared.changes import ChangeSet
from shared.dataset import Dataset
from shared.errors import NotAllowed, TransientError
from shared.keys import change_set_key, current_views_key, raw_key, snapshot_key
from shared.ledger.items import NOTICES
from shared.runs import ENDED_BADLY, Run, State
from tests.api import recomputed
from tests.proof.findings import Lost, Twice
from tests.proof.model import Broken, Rows, change_set, closes_gate, latest_date, lost_values, merged_rows
from tests.proof.upstream import BREAKS, ODDITIES, Upstream
from tests.shared.calls import Crash, CrashPoint, Fault
from tests.world import Pending, Slow, World

SETTINGS = {"MAX_REMOVED_PERCENT": "25", "STALE_AFTER_DAYS": "2,4", "MAX_ATTEMPTS": "3", "DEADLINE_HOURS": "6"}
_MOST_REMOVED = 25
_MAX_ATTEMPTS = 3

MOST_DAYS = 16
"""Of a history: so many that all of a column can be revised, and weeks and months end within."""
CHANGES = ("drop", "roll_back", "restore", "junk", "absent", "broken", "mended", *ODDITIES)
"""What may be odd about a feed."""

_places = st.integers(0, 9)
_points = st.builds(CrashPoint, number=st.integers(0, 16), after=st.booleans(), fails=st.booleans())


class Life(RuleBasedStateMachine):
    """One life of a deployment. `world` is the deployment, put back to its beginning."""

    world: World
    seen: Counter[str]
    """How many lives and steps there were, for the table."""

    def __init__(self) -> None:
        super().__init__()
        world = self.world
        world.restore(world.new)
        self.upstream = Upstream(world.dataset)
        self.day = 0
        self.run_ids: list[str] = []
        self.head, self.latest = "", ""
        self.rows_of: dict[str, Rows] = {"": Rows()}
        self.marks: dict[Any, str] = {}
        """Row -> the run that last changed it."""
        self.states: dict[str, Run] = {}
        self.bad_ends = Counter[str]()
        """Run -> how often it has ended badly."""
        self.spare_mails = 0
        """Invocations that died behind a mail."""
        self.sns_was_away = False
        """Whether records of the stream may be given up: for longer than there are retries no mail could be sent."""
        self.slow: Slow | None = None
        self.served = ""
        self.seen["lives"] += 1
        for feed in world.dataset.feeds:
            for _ in range(9):
                self.upstream.next_day(feed)
        self._publish()

    # --- upstream ---------------------------------------------------------------------------------------------------

    @rule(which=st.sampled_from(["both", "first", "second"]))
    def a_new_day_is_published(self, which: str) -> None:
        feeds = self.world.dataset.feeds
        for feed in {"both": feeds, "first": feeds[:1], "second": feeds[1:]}[which]:
            if self.upstream.days(feed.name) < MOST_DAYS:
                self.upstream.next_day(feed)
        self._publish()

    @rule(place=_places, back=st.integers(0, 5), number=st.sampled_from([0, 5, 6, 700]))
    def the_past_is_revised(self, place: int, back: int, number: int) -> None:
        self.upstream.revise(self._feed(place), back=back, number=number)
        self._publish()

    @rule(place=_places, change=st.sampled_from(CHANGES))
    def something_is_odd(self, place: int, change: str) -> None:
        feed = self._feed(place)
        match change:
            case "drop":
                self.upstream.drop(feed, back=place)
            case "roll_back":
                self.upstream.roll_back(feed)
            case "restore":
                self.upstream.restore(feed)
            case "junk":
                self.upstream.junk += 1
            case "absent":
                self.upstream.absent = {feed.name}
            case "broken":
                self.upstream.broken = {feed.name: BREAKS[place % len(BREAKS)]}
            case "mended":
                self.upstream.absent, self.upstream.broken = set(), {}
            case _:
                self.upstream.distort(feed, change, back=place % 4)
                self.seen[change] += 1
        self._publish()

    @rule(place=_places, oddity=st.sampled_from(ODDITIES), restored=st.booleans())
    def an_odd_day_goes_by(self, place: int, oddity: str, restored: bool) -> None:
        """The day's file is odd, and the next day's is so no more, or still."""
        self.something_is_odd(place, oddity)
        self.a_day_goes_by("both")
        if restored:
            self.something_is_odd(place, "restore")
            self.a_day_goes_by("both")

    def _publish(self) -> None:
        self.world.publish(self.upstream.files(), at=self.world.now)

    # --- events -----------------------------------------------------------------------------------------------------

    @rule()
    def the_schedule_fires(self) -> None:
        if self.day < 12:
            self.day += 1
            self.run_ids.append(f"2020-03-{self.day:02d}T17:00:00Z")
            self.world.schedule("fetch", self.run_ids[-1])

    @rule(which=st.sampled_from(["both", "first", "second"]))
    def a_day_goes_by(self, which: str) -> None:
        """A new day is published, fetched and merged, and all else that waits is delivered too."""
        self.a_new_day_is_published(which)
        self.the_schedule_fires()
        while not self.world.quiet:
            self.world.deliver_next()
            self._judge()

    @precondition(lambda self: self.world.platform.inbox)
    @rule(place=_places)
    def an_event_is_delivered(self, place: int) -> None:
        self.world.deliver(self._pending(place))
        self._judge()

    @precondition(lambda self: self.world.platform.inbox)
    @rule(place=_places, point=_points)
    def a_handler_crashes(self, place: int, point: CrashPoint) -> None:
        self.world.point = point
        self.world.deliver(self._pending(place))
        self.seen["crashes"] += self.world.died
        self._judge()

    @precondition(lambda self: self._arrivals())
    @rule(place=_places, number=st.integers(2, 14))
    def a_handler_crashes_whenever_it_is_tried(self, place: int, number: int) -> None:
        pending = self._arrivals()[place % len(self._arrivals())]
        while pending in self.world.platform.inbox:
            self.world.point = CrashPoint(number=number, after=True)
            self.world.deliver(pending)
            self.seen["crashes"] += self.world.died
            self._judge()

    @precondition(lambda self: self._arrivals())
    @rule(place=_places)
    def an_event_is_delivered_twice(self, place: int) -> None:
        pending = self._arrivals()[place % len(self._arrivals())]
        self.world._queue(pending.handler, pending.event)

    @precondition(lambda self: self._arrivals())
    @rule(place=_places)
    def an_event_is_lost(self, place: int) -> None:
        self.world.platform.inbox.remove(self._arrivals()[place % len(self._arrivals())])

    @precondition(lambda self: self.slow is None and self._arrivals())
    @rule(place=_places, stop_at=st.integers(0, 14))
    def a_handler_is_slow(self, place: int, stop_at: int) -> None:
        self.slow = self.world.start(self._arrivals()[place % len(self._arrivals())], stop_at=stop_at)
        self._judge()

    @precondition(lambda self: self.slow is not None)
    @rule()
    def the_slow_handler_goes_on(self) -> None:
        assert self.slow is not None
        self.slow.finish()
        self.slow = None
        self.seen["slow handlers"] += 1
        self._judge()

    @rule(hours=st.sampled_from([1, 7]))
    def the_watch_looks(self, hours: int) -> None:
        self.world.advance(hours=hours)
        self.world.schedule("watch", self.world.now)
        self.world.deliver(self.world.platform.inbox[-1])
        self._judge()

    @precondition(lambda self: any(stream.waiting for stream in self.world.platform.streams.values()))
    @rule(consumer=st.sampled_from(["on_run_ended", "refresh_views"]), point=st.none() | _points, again=st.booleans())
    def the_stream_is_delivered(self, consumer: str, point: CrashPoint | None, again: bool) -> None:
        stream = self.world.platform.streams[consumer]
        batch = list(stream.waiting[: stream.size])
        if not batch:
            return
        self.world.point = point
        self.world.deliver_batch(consumer)
        died = self.world.died
        self.seen["crashes"] += died
        self.spare_mails += died and any(call.name == "sns.Publish" for call in self.world.calls.made)
        if again and not died:
            stream.waiting = batch + stream.waiting
        self._judge()

    # --- operators --------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.states)
    @rule(place=_places, command=st.sampled_from(["approve", "redrive"]), point=st.none() | _points)
    def an_operator_commands(self, place: int, command: str, point: CrashPoint | None) -> None:
        bad = [run for run in self.states.values() if run.state in ENDED_BADLY]
        choice = bad if bad and place else list(self.states.values())
        run = choice[-1 - place % len(choice)]
        allowed = {State.REJECTED} if command == "approve" else ENDED_BADLY
        if run.rejected_by == "contract" and command == "approve":
            allowed = set()
        self.world.point = point
        try:
            self.world.operate(command, run.run_id, time=self.world.now)
        except NotAllowed:
            assert run.state not in allowed
        except (Crash, Fault, TransientError):
            self.seen["crashes"] += self.world.died
        else:
            repeated = self.world.now == (run.approved_at if command == "approve" else run.redriven_at)
            assert run.state in allowed or repeated
            self.seen[command] += 1
        self._judge()

    # --- what must hold ---------------------------------------------------------------------------------------------

    def readers_see_a_committed_run_never_an_older_one(self) -> None:
        pointer = self.world.files().get(current_views_key(self.world.dataset.name))
        if pointer is None:
            return
        run_id = json.loads(pointer)["run_id"]
        assert run_id >= self.served, "an older run is served"
        if run_id == self.served:
            return
        self.served = run_id
        for name, wanted in _tables(self.rows_of[run_id], self.world.dataset).items():
            served = self.world.get(f"/{name}" + ("" if name == "data" else "?days=yes")).json
            assert served == wanted, f"/{name} of {run_id}: {differing(wanted, served)}"

    def the_store_holds_the_head_when_nobody_writes(self) -> None:
        head = self.world.head()
        assert head.head == self.head
        if not head.writing:
            assert self.world.rows() == self._wanted_rows()

    def _judge(self) -> None:
        """Every run that came to an end, or was opened again, since the last time: was that right?"""
        self.seen["steps"] += 1
        for run in self.world.runs():
            before = self.states.get(run.run_id)
            self.states[run.run_id] = run
            if before is not None and before.state.ended and not run.state.ended:
                assert before.state in ENDED_BADLY and (run.approved_by or run.redriven_by)
            if run.state.ended and (before is None or before.state is not run.state or before.attempts != run.attempts):
                self._judge_end(run)
        self.readers_see_a_committed_run_never_an_older_one()
        self.the_store_holds_the_head_when_nobody_writes()

    def _judge_end(self, run: Run) -> None:
        if run.state in ENDED_BADLY:
            self.bad_ends[run.run_id] += 1
        if run.state is State.INCOMPLETE:
            assert run.arrived != self.world.dataset.feed_names
            return
        if run.state is State.FAILED:
            assert run.attempts - run.attempts_forgiven > _MAX_ATTEMPTS
            return
        assert run.arrived == self.world.dataset.feed_names
        rows = self._rows(run)
        assert (run.state, run.rejected_by) == self._verdict(run, rows)
        if run.state in (State.COMMITTED, State.UNCHANGED):
            self.latest = run.run_id
        if run.state is State.COMMITTED:
            self._commit(run, rows or Rows())

    def _verdict(self, run: Run, rows: Rows | None) -> tuple[State, str]:
        """How a run must end whose files are these, as things stand."""
        old = self.rows_of[self.head]
        if max(self.head, self.latest) > run.run_id:
            return State.SUPERSEDED, ""
        if not rows:
            return State.REJECTED, "contract"
        if not run.approved_by and old and closes_gate(self.world.dataset, old, rows, percent=_MOST_REMOVED):
            return State.REJECTED, "gate"
        return (State.UNCHANGED if rows == old and self.head else State.COMMITTED), ""

    def _commit(self, run: Run, rows: Rows) -> None:
        old, world = self.rows_of[self.head], self.world
        wanted = change_set(world.dataset, old, rows)
        written = ChangeSet.from_json(world.files()[change_set_key(world.dataset.name, run.run_id)])
        assert {name: list(getattr(written, name)) for name in wanted} == wanted
        assert (written.run_id, written.base_run_id) == (run.run_id, self.head or None) == (run.run_id, run.base_run_id)
        assert (run.added, run.changed, run.removed) == tuple(map(len, wanted.values()))
        labels = {measure.name: measure.label for measure in world.dataset.measures}
        for measure, (lost, of) in lost_values(old, rows).items() if old else ():
            words = f"{labels[measure]}: {lost:,} of {of:,} value".casefold()
            warned = [it for it in run.summary["warnings"] if it.casefold().startswith(words)]
            assert len(warned) == 1, f"{lost} of {of} values of {measure} are lost: {run.summary['warnings']}"
        self.marks = {key: run.run_id if rows[key] != old.get(key) else self.marks[key] for key in rows}
        self.head = run.run_id
        self.rows_of[run.run_id] = rows
        snapshot = csv.DictReader(io.StringIO(world.files()[snapshot_key(world.dataset.name, run.run_id)].decode()))
        assert {(row.pop("series"), row.pop("date")): row for row in snapshot} == {
            key: {name: "" if value is None else str(value) for name, value in row.items()}
            for key, row in self._wanted_rows().items()
        }

    def _rows(self, run: Run) -> Rows | None:
        """The rows that the run's files give; None where one breaks its contract."""
        dataset, kept = self.world.dataset, self.world.files()
        files = {feed: kept[raw_key(dataset.name, run.run_id, feed)] for feed in dataset.feed_names}
        try:
            return merged_rows(dataset, files, firsts=self.rows_of[self.head].firsts, latest=latest_date(run.run_id))
        except Broken:
            return None

    def _wanted_rows(self) -> dict[Any, dict[str, Any]]:
        return {key: dict(row) | {"run_id": self.marks[key]} for key, row in self.rows_of[self.head].items()}

    # --- the end ----------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        """Let everything be delivered, and the watch look until all runs have ended: then nothing may be amiss."""
        if self.slow is not None:
            self.slow.finish()
            self._judge()
        for _ in range(6):
            while not self.world.quiet:
                self.world.deliver_next()
                self._judge()
            if all(run.state.ended for run in self.states.values()):
                break
            self.the_watch_looks(7)
        while not self.world.quiet:
            self.world.deliver_next()
        self._judge()
        self._settle_doubts()
        if stuck := [run.run_id for run in self.states.values() if not run.state.ended]:
            raise Lost(f"runs are stuck: {stuck}")
        self.seen.update(f"runs {run.state}" for run in self.states.values())
        self._hold_to_the_end()

    def _settle_doubts(self) -> None:
        """Nobody knows whether a mail whose answers were lost is out: a notice says so, an operator resends it."""
        doubtful = [run.run_id for run in self.world.runs() if run.mail == "UNSURE"]
        if not doubtful:
            return
        self.the_watch_looks(1)
        self._settle()
        for run_id in doubtful:
            if (f"{self.world.dataset.name}{NOTICES}", f"failure#unsure#{run_id}") not in self.world.items():
                raise Lost(f"it is not known whether the mail about run {run_id} is out, and no notice says so")
            self.world.operate("resend", run_id, time=self.world.now)
            self.spare_mails += 1
            self.seen["mails sent again"] += 1
        self._settle()
        if left := [run.run_id for run in self.world.runs() if run.run_id in doubtful and run.mail != "SENT"]:
            raise Lost(f"mails that were sent again by command are not out: {left}")

    def _settle(self) -> None:
        while not self.world.quiet:
            self.world.deliver_next()
        self._judge()

    def _hold_to_the_end(self) -> None:
        world = self.world
        head = world.head()
        records = [it for it in world.platform.dead_letters if not isinstance(it, Pending)]
        assert self.sns_was_away or not records, records
        if head.writing and self.head:
            return  # rows of a run that failed for good: put right by whoever writes next
        self.readers_see_a_committed_run_never_an_older_one()
        assert self.served == self.head
        assert all(isinstance(error, TransientError | Fault) for error in world.platform.errors), world.platform.errors
        self._count_mails()

    def _count_mails(self) -> None:
        """Each commit is told once, each bad end that stands is told, and nothing is told that did not happen."""
        digests, failures = Counter[str](), Counter[str]()
        for mail in self.world.platform.mails:
            if mail.kind == "digest":
                digests[_found(re.escape(self.world.dataset.title) + r", run (\S+Z)", mail.body)] += 1
            elif mail.kind == "failure" and (run_id := _found(r"run (\S+Z) [A-Z]{6}", mail.subject)):
                failures[run_id] += 1
        committed = {run_id for run_id, run in self.states.items() if run.state is State.COMMITTED}
        bad = {run_id for run_id, run in self.states.items() if run.state in ENDED_BADLY}
        if untold := (committed - digests.keys()) | (bad - failures.keys()):
            raise Lost(f"runs whose end was not told: {sorted(untold)}")
        surplus = digests - Counter(committed) + (failures - self.bad_ends)
        self.seen["second mails"] += surplus.total()
        if surplus.total() > self.spare_mails:
            raise Twice(f"told too often: {surplus}; {self.spare_mails} may be told again")

    # --- helpers ----------------------------------------------------------------------------------------------------

    def _feed(self, place: int) -> Any:
        return self.world.dataset.feeds[place % len(self.world.dataset.feeds)]

    def _pending(self, place: int) -> Pending:
        inbox = self.world.platform.inbox
        return inbox[place % len(inbox)]

    def _arrivals(self) -> list[Pending]:
        return [pending for pending in self.world.platform.inbox if pending.handler == "on_feed_arrived"]


def _found(pattern: str, text: str) -> str:
    """What the pattern's group matches first; empty where it does not."""
    match = re.search(pattern, " ".join(text.split()))
    return match[1] if match else ""


def _tables(rows: Rows, dataset: Dataset) -> dict[str, list[dict[str, Any]]]:
    """All four tables as they must be served, worked out a day at a time."""
    series: dict[str, dict[str, list[int | None]]] = {}
    for (name, date), row in sorted(rows.items(), key=lambda it: it[0][1]):
        series.setdefault(name, {})[date] = [row[measure] for measure in dataset.measure_names]
    return recomputed.tables(series, dataset, days=True)


def differing(wanted: list[Any], served: list[Any]) -> str:
    """The first row that differs, as it must be and as it is."""
    pairs = zip_longest(wanted, served)
    return next((f"{right} must be, {left} is" for right, left in pairs if right != left), "the same")


def live(
    world: World,
    *,
    lives: int,
    steps: int,
    seen: Counter[str],
    seed: int | None = None,
    kind: type[RuleBasedStateMachine] = Life,
) -> None:
    """Lead so many lives, of so many steps at most; `seen` counts what they are made of.

    Raises what a life found, with its steps in the notes. With a `seed` they are the same lives each time. `kind` is
    `Life`, or that of several datasets.
    """
    life = type("Life", (kind,), {"world": world, "seen": seen})
    chosen = settings(
        max_examples=lives,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    if seed is not None:
        life, chosen = hypothesis.seed(seed)(life), settings(chosen, database=None)
    with mock.patch("chalicelib.collecting.ThreadPoolExecutor", OneAfterTheOther):
        run_state_machine_as_test(life, settings=chosen)


class OneAfterTheOther:
    """Stands for a thread pool: what is chosen next must not depend on which of two threads was faster."""

    def __init__(self, max_workers: int) -> None:
        """As many as you like: they take turns."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left to wait for."""

    def submit(self, call: Callable[..., Any], *arguments: Any, **named: Any) -> Future[Any]:
        future = Future[Any]()
        try:
            future.set_result(call(*arguments, **named))
        except BaseException as error:
            future.set_exception(error)
        return future
