"""What an operator wants to know of a stage, as a value; it is worded in `infra.operating.status_words`."""

import datetime as dt
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from infra.deploying import stacks
from infra.deploying.deployed import Stage
from infra.services import all_stacks, foundation_stack
from shared.ledger.items import FeedState, Head
from shared.runs import ENDED_BADLY, Run, State, parse_time, run_id_at
from shared.schedule import DEFAULT_SCHEDULE, next_due
from shared.succession import gave_way_out_of_turn

_SHOWN_RUNS = 10
_LATE = dt.timedelta(hours=2)
"""A run is so long after its schedule at most, which may have been moved."""
_ENDED_WITHIN = dt.timedelta(hours=8)
"""The deadline for feeds, and two looks of the watch."""


_AHEAD = dt.timedelta(days=1)
"""A head beyond that is of the future."""


@dataclass(frozen=True, kw_only=True)
class FeedStatus:
    """How fresh one feed is."""

    name: str
    title: str
    last_seen: str
    """Id of the run that last had its file; empty before the first."""
    last_changed: str
    """Id of the run that last found its used rows changed, whatever else of its file did since."""
    unchanged_days: float
    """From then until `Status.at`."""


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A dead-letter queue."""

    name: str
    messages: int


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """A CloudWatch alarm that is not OK."""

    name: str
    state: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """An address that the stage was told to write to."""

    topic: str
    """`digest` or `operators`."""
    address: str
    state: str
    """`confirmed`, `pending` (the mail that asks was not answered) or `cancelled` (it is subscribed no more)."""
    chosen: "FilterPolicy" = field(default_factory=dict)
    """The filter policy: what of the topic it gets; empty: all."""


@dataclass(frozen=True, kw_only=True)
class Glance:
    """One of several datasets, in a line."""

    dataset: str
    head: str
    """Id of the run that was committed last; empty before the first."""
    rows: int
    newest: str
    """The newest date; empty before the first commit."""
    served: str
    last_run: str
    """Id of the newest run; empty where there is none."""
    state: str
    """Of that run."""
    reason: str


@dataclass(frozen=True, kw_only=True)
class Status:
    """A stage at a glance."""

    stage: str
    where: str
    at: str
    """The time that ages are reckoned by; see `Stage.now`."""
    datasets: Sequence[Glance]
    """Each, where the stage has several and none was named; what is about one is then of the first."""
    head: Head
    served: str
    """Id of the run whose views are served; empty before the first."""
    runs: Sequence[Run]
    """The last ten, newest first."""
    feeds: Sequence[FeedStatus]
    queues: Sequence[Queue]
    alarms: Sequence[Alarm] | None
    """Those that are not OK; None where there are none to ask for (locally)."""
    subscriptions: Sequence[Subscription]
    """Of every address in `Emails` and `OperatorEmails`."""
    problems: Sequence[str]
    """What is wrong, one sentence each; the stage is healthy when there is none."""

    def as_map(self) -> dict[str, Any]:
        """For `--json`."""
        runs = [_run_map(run) for run in self.runs]
        return asdict(self, dict_factory=dict) | {"runs": runs, "healthy": not self.problems}


def look_at(stage: Stage) -> Status:
    """Ask a stage how it is: the dataset that was named, or all that it has."""
    ledger, at = stage.ledger, stage.now()
    runs = list(itertools.islice(ledger.newest_first(), _SHOWN_RUNS))
    head, served = ledger.head(), stage.served_run()
    feeds = _feeds(stage, head, at)
    each = stage.each if len(stage.each) > 1 else []
    resources = list(_resources(stage))
    subscribed = find_subscriptions(stage)
    queues, alarms = _queues(stage, resources), None if stage.endpoint else _alarms(stage, resources)
    problems = [
        *(f"{one.dataset.name}: {it}" for one in each for it in _problems(one, at)),
        *([] if each else _problems(stage, at)),
        *(f"{queue.name} holds {queue.messages} messages" for queue in queues if queue.messages),
        *(
            f"{it.address} gets nothing of {it.topic}: the subscription is {it.state}; `make subscribe` asks again"
            for it in subscribed
            if it.state != "confirmed"
        ),
        *(f"alarm {alarm.name} is {alarm.state}: {alarm.reason}" for alarm in alarms or [] if alarm.state == "ALARM"),
    ]
    return Status(
        stage=stage.name,
        where=stage.endpoint or f"AWS {stage.cloud.region}",
        at=run_id_at(at),
        datasets=[_glance(one) for one in each],
        head=head,
        served=served,
        runs=runs,
        feeds=feeds,
        queues=queues,
        alarms=alarms,
        subscriptions=subscribed,
        problems=problems,
    )


def _glance(stage: Stage) -> Glance:
    head, newest = stage.ledger.head(), next(stage.ledger.newest_first(page=1), None)
    return Glance(
        dataset=stage.dataset.name,
        head=head.head,
        rows=head.rows,
        newest=head.newest,
        served=stage.served_run(),
        last_run=newest.run_id if newest else "",
        state=newest.state if newest else "",
        reason=newest.reason if newest else "",
    )


def _problems(stage: Stage, at: dt.datetime) -> Iterator[str]:
    """Of one dataset."""
    head, runs = stage.ledger.head(), list(itertools.islice(stage.ledger.newest_first(), _SHOWN_RUNS))
    schedule = stage.dataset.schedule or stage.settings.get("SCHEDULE") or DEFAULT_SCHEDULE
    yield from _run_problems(runs, at, schedule=schedule)
    yield from _head_problems(head, stage.served_run(), runs)
    yield from _order_problems(head, runs, at, schedule=schedule)
    yield from _feed_problems(_feeds(stage, head, at), stage)


def _feeds(stage: Stage, head: Head, at: dt.datetime) -> list[FeedStatus]:
    return [_feed(stage, name, state, head, at) for name, state in sorted(_feed_states(stage).items())]


def _run_problems(runs: Sequence[Run], at: dt.datetime, *, schedule: str) -> Iterator[str]:
    if not runs:
        yield "there is no run yet"
        return
    newest = runs[0]
    if newest.state in ENDED_BADLY:
        yield f"the newest run, {newest.run_id}, is {newest.state}: {newest.reason}"
    due = next_due(schedule, after=parse_time(newest.run_id))
    if due and at - due > _LATE:
        yield f"the newest run is of {newest.run_id}; one was due at {run_id_at(due)}"
    for run in runs:
        if not run.state.ended and (run is not newest or at - parse_time(run.run_id) > _ENDED_WITHIN):
            yield f"run {run.run_id} is still {run.state}"
    for run in runs:
        if run.mail != "SENT" and (run.state in ENDED_BADLY or run.state is State.COMMITTED):
            yield f"run {run.run_id} is {run.state}, but its mail is not out"


def _head_problems(head: Head, served: str, runs: Sequence[Run]) -> Iterator[str]:
    if head.head and served != head.head:
        yield f"the views served are of {served or 'no run'}; the head is {head.head}"
    if head.writing and head.writing not in {run.run_id for run in runs if run.state is State.MERGING}:
        yield f"run {head.writing} began to write and did not finish"


def _order_problems(head: Head, runs: Sequence[Run], at: dt.datetime, *, schedule: str) -> Iterator[str]:
    if head.closed:
        yield f"{head.closed}: no run can commit until it is done; where it broke off, the same command again ends it"
    newest = max(head.head, head.latest)
    if newest and parse_time(newest) - at > _AHEAD:
        yield f"run {newest} is of the future: no run before it can commit"
    for run in runs:
        if gave_way_out_of_turn(run, schedule=schedule):
            yield f"run {run.run_id} was superseded by {run.superseded_by}, which is not its successor"


def _feed_problems(feeds: Sequence[FeedStatus], stage: Stage) -> Iterator[str]:
    chosen = stage.settings.get("STALE_AFTER_DAYS")
    first = min(map(float, chosen.split(",") if chosen else stage.dataset.stale_after_days))
    for feed in feeds:
        if not feed.last_seen:
            yield f"feed {feed.name} has never been seen"
        elif feed.unchanged_days >= first:
            days = f"{feed.unchanged_days:.1f} days"
            yield f"the used rows of feed {feed.name} stand still since {feed.last_changed}: {days}"


def _feed_states(stage: Stage) -> Mapping[str, FeedState | None]:
    return dict.fromkeys(stage.dataset.feed_names) | stage.ledger.feed_states()


def _feed(stage: Stage, name: str, state: FeedState | None, head: Head, at: dt.datetime) -> FeedStatus:
    title = stage.dataset.feed(name).title
    if state is None:
        return FeedStatus(name=name, title=title, last_seen="", last_changed="", unchanged_days=0)
    changed = head.rows_since.get(name) or state.changed_run_id
    unchanged = max((at - parse_time(changed)).total_seconds() / 86400, 0)
    return FeedStatus(
        name=name,
        title=title,
        last_seen=state.last_run_id,
        last_changed=changed,
        unchanged_days=round(unchanged, 2),
    )


def _resources(stage: Stage) -> Iterator[tuple[str, str]]:
    """(type, physical id) of everything in the stage's stacks; a stack that is not there has nothing."""
    client = stage.client("cloudformation")
    for stack in all_stacks(stage.name):
        try:
            for page in client.get_paginator("list_stack_resources").paginate(StackName=stack):
                for it in page["StackResourceSummaries"]:
                    yield it["ResourceType"], it.get("PhysicalResourceId", "")
        except client.exceptions.ClientError as error:
            if "does not exist" not in str(error):
                raise


def _queues(stage: Stage, resources: Sequence[tuple[str, str]]) -> list[Queue]:
    client, wanted = stage.client("sqs"), ["ApproximateNumberOfMessages"]
    queues = []
    for url in sorted(url for kind, url in resources if kind == "AWS::SQS::Queue"):
        attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=wanted)["Attributes"]
        queues.append(Queue(name=url.rsplit("/", 1)[-1], messages=int(attributes[wanted[0]])))
    return queues


TOPICS = {"digest": "topic-arn", "operators": "operators-topic-arn"}
"""Topic -> the stage's parameter that holds its ARN."""

type FilterPolicy = Mapping[str, Sequence[str]]

READERS: Sequence[tuple[str, str, FilterPolicy]] = (
    ("digest", "Emails", {"kind": ["digest"]}),
    ("digest", "OperatorEmails", {"kind": ["failure", "stale"]}),
    ("digest", "AllEmails", {}),
    ("operators", "OperatorEmails", {}),
    ("operators", "AllEmails", {}),
)
"""Topic, the template's parameter that lists who is subscribed to it, and what of it they get; empty: all."""


def find_subscriptions(stage: Stage) -> list[Subscription]:
    """Of every address that the foundation was given; in a local cloud none is asked for."""
    if stage.endpoint:
        return []
    wanted = stacks.parameters(foundation_stack(stage.name), cloud=stage.cloud)
    found = []
    for topic, parameter, chosen in READERS:
        addresses = [it.strip() for it in wanted.get(parameter, "").split(",") if it.strip()]
        there = _subscribed(stage, stage.parameter(TOPICS[topic])) if addresses else {}
        found += [
            Subscription(topic=topic, address=it, state=there.get(it, "cancelled"), chosen=chosen) for it in addresses
        ]
    return found


def _subscribed(stage: Stage, topic: str) -> dict[str, str]:
    """Address -> `confirmed` or `pending`, of the e-mail subscriptions that the topic has."""
    pages = stage.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    mails = [it for page in pages for it in page["Subscriptions"] if it["Protocol"] == "email"]
    return {it["Endpoint"]: "confirmed" if it["SubscriptionArn"].startswith("arn:") else "pending" for it in mails}


def _alarms(stage: Stage, resources: Sequence[tuple[str, str]]) -> list[Alarm]:
    kinds = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
    names = sorted(name for kind, name in resources if kind in kinds)
    found = []
    for chunk in itertools.batched(names, 100):
        reply = stage.client("cloudwatch").describe_alarms(
            AlarmNames=list(chunk), AlarmTypes=["MetricAlarm", "CompositeAlarm"], MaxRecords=100
        )
        found += [*reply["MetricAlarms"], *reply["CompositeAlarms"]]
    return [
        Alarm(name=it["AlarmName"], state=it["StateValue"], reason=it.get("StateReason", ""))
        for it in found
        if it["StateValue"] != "OK"
    ]


def _run_map(run: Run) -> dict[str, Any]:
    shown = ("run_id", "state", "reason", "added", "changed", "removed", "attempts", "mail", "views", "base_run_id")
    return {name: getattr(run, name) for name in shown} | {
        "arrived": sorted(run.arrived),
        "feeds": {feed: delivery.as_map() for feed, delivery in run.deliveries.items()},
    }
