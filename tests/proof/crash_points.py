"""Every crash point of a story: die there, have the event delivered again, and compare with a life without a crash."""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.proof import memory
from tests.proof.calls import Call, CrashPoint, lanes_of
from tests.proof.stories import Story, carry
from tests.world import BUCKET, OBSERVATIONS, RUNS_TABLE, Mail, World

BOOKKEEPING = frozenset(
    {"attempts", "attempts_forgiven", "lease_owner", "lease_until", "mail_owner", "mail_until", "writing_until"}
)
"""What a crash may leave different: how often it was tried, and who held which lease."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """All that can be seen of a world, but for the bookkeeping of tries and leases."""

    rows: Mapping[Any, Any]
    ledger: Mapping[Any, Any]
    files: Mapping[str, Any]
    mails: Sequence[Mail]
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


@dataclass(kw_only=True)
class Tally:
    """What was tried and what came of it."""

    points: int = 0
    second_mails: int = 0
    """Mails that came twice, where they may."""
    differences: list[str] = field(default_factory=list)
    """Where something was lost, came twice or was otherwise than without the crash."""


def look(world: World) -> Seen:
    runs = {(item["dataset"], item["run_id"]): item for item in memory.items(RUNS_TABLE)}
    rows = {(item["series"], item["date"]): item for item in memory.items(OBSERVATIONS)}
    platform = world.platform
    waiting = sorted(((pending.handler, pending.event) for pending in platform.inbox), key=str)
    streams = [
        (name, record["dynamodb"]["Keys"], _plain(record["dynamodb"]["NewImage"]))
        for name, stream in platform.streams.items()
        for record in stream.waiting
    ]
    return Seen(
        rows=rows,
        ledger={key: _plain(item) for key, item in runs.items()},
        files=memory.files(BUCKET),
        mails=list(platform.mails),
        waiting=[*waiting, *streams],
        dead_letters=len(platform.dead_letters),
        served=served(world),
    )


def served(world: World) -> bytes:
    """The table a reader gets just now."""
    answer = world.get("/data")
    return answer.body if answer.status == 200 else f"HTTP {answer.status}".encode()


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in BOOKKEEPING}


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


def points_of(moment: Moment) -> Iterator[CrashPoint]:
    for number in range(len(moment.calls)):
        yield CrashPoint(number=number, after=False)
        yield CrashPoint(number=number, after=True)


def mail_may_come_twice(moment: Moment, point: CrashPoint) -> bool:
    """Between publishing and marking: after the one call, or before the next."""
    names = [call.name for call in moment.calls]
    if point.after:
        return names[point.number] == "sns.Publish"
    return point.number > 0 and names[point.number - 1] == "sns.Publish"


def try_point(
    world: World, story: Story, moment: Moment, point: CrashPoint, *, late: bool, ends: Sequence[Seen], to_the_end: bool
) -> str:
    """Die there and go on; what is different, or nothing.

    `late`: leases have run out before the event comes again; an arrival does not come again at all, and the next step,
    a watch, has to see to it. Without `to_the_end` it is enough that all is well once the event has come again.
    """
    world.restore(moment.before)
    answers = {served(world), moment.after.served}
    world.turns, world.point = moment.turns, point
    batch = _waiting(world, moment.handler)
    world.deliver_next()
    if (answer := served(world)) not in answers:
        return f"a reader sees neither what was nor what will be: {answer[:200]!r}"
    if late:
        world.advance(hours=1)
    twice, step = mail_may_come_twice(moment, point), moment.step
    if late and moment.handler == "on_feed_arrived":
        world.platform.inbox.pop(0)
        world.settle()
        step += 1
        carry(world, [story.steps[step]])
        found = _difference(ends[step], look(world), twice=twice)
    else:
        while any(number in batch for number in _waiting(world, moment.handler)):
            world.deliver_next()
        found = _difference(moment.after, look(world), twice=twice)
    if found or not to_the_end:
        return found
    world.settle()
    carry(world, story.steps[step + 1 :])
    return _difference(ends[-1], look(world), twice=twice)


def _waiting(world: World, handler: str) -> set[str]:
    """What is to be delivered again until it is done."""
    if handler in world.platform.streams:
        return {record["dynamodb"]["SequenceNumber"] for record in world.platform.streams[handler].waiting[:10]}
    return {pending.request_id for pending in world.platform.inbox[:1]}


def _difference(wanted: Seen, found: Seen, *, twice: bool) -> str:
    """What is not as it should be, in a few words."""
    surplus = Counter(found.mails) - Counter(wanted.mails)
    missing = Counter(wanted.mails) - Counter(found.mails)
    said = []
    if missing or sum(surplus.values()) > twice or any(mail not in wanted.mails for mail in surplus):
        said.append(f"mails: {len(missing)} missing, {[mail.subject for mail in surplus]} too many")
    for name in ("rows", "ledger", "files"):
        left, right = getattr(wanted, name), getattr(found, name)
        keys = [key for key in {**left, **right} if left.get(key) != right.get(key)]
        if keys:
            said.append(f"{name}: {keys[:3]}: {_shown(left.get(keys[0]))} became {_shown(right.get(keys[0]))}")
    if wanted.waiting != found.waiting:
        said.append(f"waiting: {len(wanted.waiting)} became {len(found.waiting)}")
    if wanted.served != found.served:
        said.append("served: another table")
    if wanted.dead_letters != found.dead_letters:
        said.append(f"dead letters: {found.dead_letters}")
    return "; ".join(said)


def _shown(value: Any) -> str:
    return str(value)[:600]


def try_story(world: World, story: Story, *, late: bool, to_the_end: bool) -> Tally:
    """All crash points of a story, one after the other."""
    world.restore(world.new)
    carry(world, story.before)
    start = world.save()
    moments, ends = live(world, story)
    problem = _undisturbed(world, story, mails_before=len(start[1].mails))
    tally = Tally(differences=[problem] if problem else [])
    for moment in moments:
        if moment.handler not in story.crash or (late and not _may_be_late(story, moment)):
            continue
        for point in points_of(moment):
            tally.points += 1
            found = try_point(world, story, moment, point, late=late, ends=ends, to_the_end=to_the_end)
            if found:
                name = moment.calls[point.number].name
                where = f"{moment.handler}, {'after' if point.after else 'before'} call {point.number}, {name}"
                tally.differences.append(f"{story.name}, step {moment.step}: crash in {where}: {found}")
            tally.second_mails += mail_may_come_twice(moment, point)
    return tally


def _may_be_late(story: Story, moment: Moment) -> bool:
    """A command comes again at once or not at all; so does an arrival in some stories."""
    return moment.handler != "operate" and (story.may_be_late or moment.handler != "on_feed_arrived")


def _undisturbed(world: World, story: Story, *, mails_before: int) -> str:
    """Whether the story goes as it is told, without a crash."""
    states = {run_id: world.run(run_id).state for run_id in story.ends}
    kinds = [mail.kind for mail in world.platform.mails[mails_before:]]
    if states != dict(story.ends) or kinds != list(story.mails):
        return f"{story.name}: ended {states} with mails {kinds}"
    return ""
