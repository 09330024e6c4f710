"""Every crash point of a story: die there, have the event delivered again, and compare with a life without a crash."""

import enum
import itertools
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shared.events import FEED_WANTED
from tests.proof.findings import Finding, Kind
from tests.proof.stories import Story, carry
from tests.shared.calls import Call, CrashPoint, lanes_of
from tests.world import BUCKET, OBSERVATIONS, RUNS_TABLE, Announced, PublishedMail, World, memory

BOOKKEEPING = frozenset(
    {
        *("attempts", "attempts_forgiven", "lease_owner", "lease_until", "mail_owner", "mail_until", "writing_until"),
        *("mail_tries", "mail_again_at", "views_again_at", "late", "announced"),
        *("engine_attempt", "engine_job", "engine_trouble"),
    }
)
"""What a crash may leave different: how often it was tried, also as events name it, and who held which lease."""


class Then(enum.StrEnum):
    """What comes after the crash."""

    AGAIN = "delivered again at once"
    LATE = "taken up when leases have run out"
    """An arrival does not come again at all, and the next step, a watch, has to see to it."""
    FAILED = "failed and taken up by the watch at once"
    """No crash: a call of an arrival's handler fails, the event does not come again, and no lease runs out."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """All that can be seen of a world, but for the bookkeeping of tries and leases."""

    rows: Mapping[Any, Any]
    ledger: Mapping[Any, Any]
    files: Mapping[str, Any]
    mails: Sequence[PublishedMail]
    events: Sequence[Announced]
    waiting: Sequence[Any]
    """What is yet to be delivered."""
    dead_letters: int
    served: bytes
    """What a reader is answered."""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One invocation of the undisturbed life."""

    step: int
    handler: str
    before: Any
    """The world as it was saved."""
    turns: Sequence[tuple[str, int]]
    calls: Sequence[Call]
    after: Seen


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One crash point, or a life without one."""

    handler: str
    """Empty without a crash."""
    findings: Sequence[Finding]
    """What was lost, came twice or was otherwise than without the crash."""
    second_mails: int = 0
    """Mails that came twice, where they may."""
    seconds: float


def look(world: World) -> Seen:
    runs = {(item["dataset"], item["run_id"]): item for item in memory.items(RUNS_TABLE)}
    rows = {(item["dataset#series"], item["date"]): item for item in memory.items(OBSERVATIONS)}
    platform = world.platform
    pending = (_wanted(it.handler, it.event, runs) for it in platform.inbox)
    waiting = sorted(_once_each(it for it in pending if it), key=str)
    streams = [
        (name, record["dynamodb"]["Keys"], _plain(record["dynamodb"]["NewImage"]))
        for name, stream in platform.streams.items()
        for record in stream.waiting
    ]
    streams = [it for number, it in enumerate(streams) if it not in streams[:number]]
    return Seen(
        rows=rows,
        ledger={key: _plain(item) for key, item in runs.items()},
        files={key: data for key, data in memory.files(BUCKET).items() if not key.startswith("jobs/")},
        mails=list(platform.mails),
        events=list(platform.events),
        waiting=[*waiting, *streams],
        dead_letters=len(platform.dead_letters),
        served=served(world),
    )


def _wanted(
    handler: str, event: Mapping[str, Any], runs: Mapping[Any, Mapping[str, Any]]
) -> tuple[str, Mapping[str, Any]] | None:
    """What is to be delivered, of the engine without its attempt; None of an attempt that nobody waits for."""
    key = (
        event["arguments"]["--request"]
        if handler == "job"
        else str(event.get("detail", {}).get("object", {}).get("key"))
    )
    if not key.startswith("jobs/"):
        return handler, event
    _, dataset, run_id, attempt, _ = key.split("/")
    run = runs.get((dataset, run_id), {})
    return (handler, {"run_id": run_id}) if run.get("engine_attempt") == int(attempt) else None


def _once_each(waiting: Iterable[tuple[str, Mapping[str, Any]]]) -> list[tuple[str, Mapping[str, Any]]]:
    """What is to be delivered. That a run's feeds are wanted may be sent twice: the second finds nothing missing.

    When the bus took it does not matter: its detail has the time that counts.
    """
    kept = list[tuple[str, Mapping[str, Any]]]()
    for handler, event in waiting:
        wanted = event.get("detail-type") == FEED_WANTED
        shown = {name: value for name, value in event.items() if name != "time"} if wanted else event
        if not wanted or (handler, shown) not in kept:
            kept.append((handler, shown))
    return kept


def served(world: World) -> bytes:
    """The table a reader gets just now."""
    answer = world.get("/data")
    return answer.body if answer.status == 200 else f"HTTP {answer.status}".encode()


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    """What a run or notice comes to. Mails and views that were asked for again are not out, like those never tried."""
    plain = {name: value for name, value in item.items() if name not in BOOKKEEPING}
    return {name: value for name, value in plain.items() if name not in ("mail", "views") or value not in _WANTED_AGAIN}


_WANTED_AGAIN = ("AGAIN", {"S": "AGAIN"})
"""In the table, and in a record of its stream."""


def _requested_again() -> bool:
    return any("AGAIN" in (item.get("mail"), item.get("views")) for item in memory.items(RUNS_TABLE))


def live(world: World, story: Story) -> tuple[list[Moment], list[Seen]]:
    """The undisturbed life: every invocation of it, and the end of every step.

    An invocation with threads is there once for every order of them.
    """
    moments, ends = [], []
    for number, step in enumerate(story.steps):
        step(world)
        while not world.quiet:
            before, handler = world.save(), world.next_handler
            world.deliver_next()
            calls = list(world.calls.made)
            after = look(world)
            lanes = lanes_of(calls)
            for order in itertools.permutations(lanes.items()) if len(lanes) > 1 else [()]:
                if order:
                    world.restore(before)
                    world.turns = order
                    world.deliver_next()
                    calls = list(world.calls.made)
                    after = look(world)
                moments.append(
                    Moment(step=number, handler=handler, before=before, turns=order, calls=calls, after=after)
                )
        ends.append(look(world))
    return moments, ends


def points_of(moment: Moment, then: Then) -> Iterator[CrashPoint]:
    for number in range(len(moment.calls)):
        for after in (False, True):
            yield CrashPoint(number=number, after=after, fails=then is Then.FAILED)


def mail_may_come_twice(moment: Moment, point: CrashPoint) -> bool:
    """Between publishing and marking: after the one call, or before the next."""
    names = [call.name for call in moment.calls]
    if point.after:
        return names[point.number] == "sns.Publish"
    return point.number > 0 and names[point.number - 1] == "sns.Publish"


def try_point(
    world: World, story: Story, moment: Moment, point: CrashPoint, *, then: Then, ends: Sequence[Seen], to_the_end: bool
) -> tuple[list[Finding], int]:
    """Die there and go on; what is otherwise than without, and how many mails came twice where they may.

    Without `to_the_end` it is enough that all is well once the event has come again, and no mail was asked for again:
    where one was, the same item comes by the stream twice, and its mail must come once.
    """
    world.restore(moment.before)
    answers = {served(world), moment.after.served}
    world.turns, world.point = moment.turns, point
    batch = _waiting(world, moment.handler)
    world.deliver_next()
    if (answer := served(world)) not in answers:
        half = f"a reader sees neither what was nor what will be: {answer[:200]!r}"
        return [Finding(kind=Kind.DIFFERENCE, what=half)], 0
    twice, step = mail_may_come_twice(moment, point), moment.step
    if then is Then.LATE:
        world.advance(hours=1)
    if moment.handler == "job" or (then is not Then.AGAIN and moment.handler == "on_feed_arrived"):
        if moment.handler != "job":
            world.platform.inbox.pop(0)
        world.settle()
        step += 1
        now = world.platform.now_ms
        story.steps[step](world)
        if then is Then.FAILED:
            world.platform.now_ms = now
        world.settle()
        wanted = ends[step]
    else:
        while any(number in batch for number in _waiting(world, moment.handler)):
            world.deliver_next()
        wanted = moment.after
    found, second_mails = _compare(wanted, look(world), twice=twice)
    if found or not (to_the_end or _requested_again()):
        return found, second_mails
    world.settle()
    carry(world, story.steps[step + 1 :])
    return _compare(ends[-1], look(world), twice=twice)


def _waiting(world: World, handler: str) -> set[str]:
    """What is to be delivered again until it is done."""
    if handler in world.platform.streams:
        return {record["dynamodb"]["SequenceNumber"] for record in world.platform.streams[handler].waiting[:10]}
    return {pending.request_id for pending in world.platform.inbox[:1]}


def _compare(wanted: Seen, found: Seen, *, twice: bool) -> tuple[list[Finding], int]:
    """What is not as it should be; and how many mails came twice: one may, if `twice`."""
    lost, surplus = (
        (Counter(left.mails) - Counter(right.mails)).total() for left, right in ((wanted, found), (found, wanted))
    )
    findings = list(_compare_events(wanted.events, found.events))
    if lost:
        findings.append(Finding(kind=Kind.LOSS, what=f"{lost} mails are missing"))
    if strange := [mail.subject for mail in found.mails if mail not in wanted.mails]:
        findings.append(Finding(kind=Kind.DIFFERENCE, what=f"mails that nobody waits for: {strange}"))
    elif surplus > twice:
        findings.append(Finding(kind=Kind.DUPLICATE, what=f"{surplus} mails too many"))
    for name in ("rows", "ledger", "files"):
        findings += _compare_items(name, getattr(wanted, name), getattr(found, name))
    if wanted.waiting != found.waiting:
        left, right = len(wanted.waiting), len(found.waiting)
        kind = Kind.LOSS if right < left else Kind.DUPLICATE if right > left else Kind.DIFFERENCE
        findings.append(Finding(kind=kind, what=f"waiting events: {left} became {right}"))
    if wanted.served != found.served:
        findings.append(Finding(kind=Kind.DIFFERENCE, what="another table is served"))
    if wanted.dead_letters != found.dead_letters:
        findings.append(Finding(kind=Kind.LOSS, what=f"dead letters: {found.dead_letters}"))
    return findings, surplus


def _compare_events(wanted: Sequence[Announced], found: Sequence[Announced]) -> Iterator[Finding]:
    """Each at least once and none before its run ended; one may come again where a crash left nothing written down."""
    if missing := Counter(wanted) - Counter(found):
        yield Finding(
            kind=Kind.LOSS, what=f"{missing.total()} events are missing: {sorted(it.about for it in missing)}"
        )
    if strange := [event.about for event in found if event not in wanted]:
        yield Finding(kind=Kind.DIFFERENCE, what=f"events that nobody waits for: {strange}")
    if (surplus := (Counter(found) - Counter(wanted)).total()) > 1:
        yield Finding(kind=Kind.DUPLICATE, what=f"{surplus} events too many")


def _compare_items(name: str, wanted: Mapping[Any, Any], found: Mapping[Any, Any]) -> Iterator[Finding]:
    for key in {**wanted, **found}:
        left, right = wanted.get(key), found.get(key)
        if left != right:
            kind = Kind.LOSS if right is None else Kind.DIFFERENCE
            if isinstance(left, Mapping) and isinstance(right, Mapping):
                left, right = _only_where_they_differ(left, right)
            yield Finding(kind=kind, what=f"{name}: {key}: {_shown(left)} became {_shown(right)}")


def _only_where_they_differ(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[dict[str, Any]]:
    same = {name for name in {**left, **right} if left.get(name) == right.get(name)}
    return [{name: value for name, value in it.items() if name not in same} for it in (left, right)]


def _shown(value: Any) -> str:
    return str(value)[:600]


def try_story(world: World, story: Story, *, then: Then, to_the_end: bool, every: int = 1) -> Iterator[Tried]:
    """The story without a crash, then its crash points, one after the other: all, or one in `every`."""
    began, points = time.monotonic(), itertools.count()
    world.restore(world.new)
    carry(world, story.before)
    mails_before = len(world.platform.mails)
    moments, ends = live(world, story)
    findings = _undisturbed(world, story, mails_before=mails_before)
    yield Tried(handler="", findings=findings, seconds=time.monotonic() - began)
    for moment in moments:
        if moment.handler not in story.crash or not _is_tried(story, moment, then):
            continue
        for point in points_of(moment, then):
            if next(points) % every:
                continue
            began = time.monotonic()
            found, second_mails = try_point(world, story, moment, point, then=then, ends=ends, to_the_end=to_the_end)
            where = f"{story.name}, step {moment.step}, {moment.handler}: {_place(moment, point)}, {then}"
            yield Tried(
                handler=moment.handler,
                findings=[replace(finding, where=where) for finding in found],
                second_mails=second_mails,
                seconds=time.monotonic() - began,
            )


def _place(moment: Moment, point: CrashPoint) -> str:
    how = "failure" if point.fails else "crash"
    lanes = f" (threads in the order {[lane for lane, _ in moment.turns]})" if moment.turns else ""
    called = moment.calls[point.number].name
    return f"{how} {'after' if point.after else 'before'} call {point.number}, {called}{lanes}"


def _is_tried(story: Story, moment: Moment, then: Then) -> bool:
    """A command comes again at once or not at all; so does an arrival in some stories."""
    arrival = moment.handler == "on_feed_arrived"
    match then:
        case Then.AGAIN:
            return True
        case Then.LATE:
            return moment.handler != "operate" and (story.may_be_late or not arrival)
        case Then.FAILED:
            return story.may_be_late and arrival


def _undisturbed(world: World, story: Story, *, mails_before: int) -> list[Finding]:
    """Whether the story goes as it is told, without a crash."""
    states = {run_id: world.run(run_id).state for run_id in story.ends}
    kinds = [mail.kind for mail in world.platform.mails[mails_before:]]
    early = [event.about for event in world.platform.events if not event.ended]
    untold = [run_id for run_id in story.ends if not _is_announced(world, run_id)]
    if early or untold:
        what = f"events before the run had ended: {early}; runs that ended without one: {untold}"
        return [Finding(kind=Kind.DIFFERENCE, where=story.name, what=what)]
    if states == dict(story.ends) and kinds == list(story.mails):
        return []
    what = f"without a crash it ended {states} with mails {kinds}"
    return [Finding(kind=Kind.DIFFERENCE, where=story.name, what=what)]


def _is_announced(world: World, run_id: str) -> bool:
    """Whether there was an event about the state that the run ended in."""
    run = world.run(run_id)
    wanted = f"/{run_id}/{run.state}/"
    return not run.state.ended or any(wanted in f"{event.about}/" for event in world.platform.events)
