"""What sends no event: a feed that does not come, a merge that got stuck, a schedule that did not fire, a stale feed.

`now` is the time of the scheduled event that wakes the watch; only leases are judged by the clock.
"""

import contextlib
import datetime as dt
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from chalicelib.runs.engine_orders import has_result
from chalicelib.runs.feed_arrivals import take_in
from chalicelib.runs.fetching_again import feeds_wanted, how_often
from chalicelib.runs.merge_tools import Outcome, Tools
from chalicelib.runs.merging import merge_run
from shared.errors import UnknownRun
from shared.ledger import Ledger
from shared.ledger.items import FeedState, Head, Notice
from shared.observation import passed_over
from shared.runs import MAILED, Delivery, Run, State, parse_time, run_id_at
from shared.schedule import DEFAULT_SCHEDULE, last_due
from shared.succession import gave_way_out_of_turn, successor_due
from shared.tracing import follow, subsegment

_HORIZON = dt.timedelta(days=30)
_EARLIEST = dt.datetime.min.replace(tzinfo=dt.UTC)
_ENDED_WELL = frozenset({State.COMMITTED, State.UNCHANGED})
_GRACE = dt.timedelta(hours=1)
_DAILY = 3
"""The first threshold of a daily dataset that declares none, in days."""
_FEW = 25
"""Runs that are read at a time where one is looked for."""
_LONG = dt.timedelta(days=1)
"""A run that is open for so long is remembered by its id, until it has ended."""


@dataclass(frozen=True, kw_only=True)
class WatchPolicy:
    """What an operator can set."""

    deadline: dt.timedelta
    """A feed that has not arrived so long after the run began ends the run as INCOMPLETE."""
    stale_after_days: tuple[int, ...] = ()
    """A feed whose used rows stand still for so many days is announced, once per threshold; empty: the dataset's."""
    schedule: str = DEFAULT_SCHEDULE
    """When runs are due, where the dataset does not say."""


@dataclass(kw_only=True)
class Watched:
    """What a watch did, for the log line."""

    ended: list[str] = field(default_factory=list)
    """`{run id} {state}` of each run it brought to an end."""
    notices: list[str] = field(default_factory=list)
    """What it announced."""
    again: list[str] = field(default_factory=list)
    """Mails and views that it asked for again."""
    wanted: list[str] = field(default_factory=list)
    """`{run id} {feeds}` of each run that had feeds fetched again."""
    errors: list[Exception] = field(default_factory=list)
    merges: list[Outcome] = field(default_factory=list)
    """What the merges came to that it drove on."""
    views_age: dt.timedelta | None = None
    """Since the newest run whose views are rendered, or longer than that; None before the first commit."""
    commit_age: dt.timedelta | None = None
    """Since the newest committed run, however long ago; None before the first."""
    good_run_age: dt.timedelta = dt.timedelta(0)
    """Since the newest run that was committed or found nothing new, 30 days where it was before."""
    feed_age: dt.timedelta | None = None
    """Since the used rows changed of the feed whose did so longest ago, less what the dataset's first threshold is
    longer than that of a daily one; None before a feed was seen."""
    open_age: dt.timedelta = dt.timedelta(0)
    """Since the beginning of the oldest run that has not ended; none where all have."""


def watch(
    now: dt.datetime,
    *,
    owner: str,
    tools: Tools,
    policy: WatchPolicy,
    report: Callable[[Watched], None] = lambda _: None,
) -> Watched:
    """Look at every open run and every feed. One that fails does not keep the others from being looked at.

    `report` is called with what was seen and done. Raises the first error after all have been looked at.
    """
    seen = Watched()
    follow("schedule")
    open_long = tools.ledger.open_long()
    runs = _recent_or_open(tools.ledger, open_long, now)
    for run in reversed(runs):  # the oldest first: after a newer one it would be superseded
        try:
            if not run.state.ended:
                with subsegment("take up", run_id=run.run_id):
                    _take_up(run, now, owner=owner, tools=tools, policy=policy, seen=seen)
        except Exception as error:
            seen.errors.append(error)
    try:
        _resend_what_is_due(runs, now, tools=tools, seen=seen)
    except Exception as error:
        seen.errors.append(error)
    found = (
        *_missed(runs, tools, policy, now),
        *_stale(tools, policy, now),
        *_unsure(runs, now),
        *_superseded(runs, now, schedule=tools.dataset.schedule or policy.schedule),
        *_unreadable(now),
    )
    for notice in found:
        if tools.ledger.notify(notice):
            seen.notices.append(notice.text)
    _measure_ages(seen, runs, now, tools)
    seen.feed_age = max(_feed_ages(tools, now), default=None)
    still_open = [run for run in runs if _is_open(run, seen)]
    seen.open_age = max((now - _began(run) for run in still_open), default=dt.timedelta(0))
    report(seen)
    long = frozenset(run.run_id for run in still_open if now - _began(run) >= _LONG)
    if long != open_long:
        tools.ledger.remember_open(long)
    if seen.errors:
        raise seen.errors[0]
    return seen


def _recent_or_open(ledger: Ledger, open_long: frozenset[str], now: dt.datetime) -> list[Run]:
    """Runs of the last 30 days, and older ones that have not ended; newest first."""
    since = run_id_at(now - min(_HORIZON, now - _EARLIEST))
    runs = list(ledger.newest_first(since=since, upto=run_id_at(now)))
    for run_id in sorted((it for it in open_long if it < since), reverse=True):
        with contextlib.suppress(UnknownRun):  # a restore, or the retention, has taken it away
            runs.append(ledger.get(run_id))
    return runs


def _measure_ages(seen: Watched, runs: list[Run], now: dt.datetime, tools: Tools) -> None:
    """What has no run in the last 30 days is 30 days old and no younger: an outage never looks better with its age."""

    def age(run_ids: Iterator[str], *, otherwise: dt.timedelta) -> dt.timedelta:
        return max(next((now - parse_time(it) for it in run_ids), otherwise), dt.timedelta(0))

    head = tools.ledger.head().head
    good = (run.run_id for run in runs if run.state in _ENDED_WELL)
    since = head or tools.ledger.watched_since(run_id_at(now))
    seen.good_run_age = age(good, otherwise=min(now - parse_time(since), _HORIZON))
    if head:
        rendered = (run.run_id for run in runs if run.views == "RENDERED")
        seen.commit_age = age(iter((head,)), otherwise=_HORIZON)
        at_rest = seen.commit_age > _HORIZON and tools.ledger.get(head).views == "RENDERED"
        seen.views_age = seen.commit_age if at_rest else age(rendered, otherwise=seen.commit_age + _HORIZON)


def _take_up(run: Run, now: dt.datetime, *, owner: str, tools: Tools, policy: WatchPolicy, seen: Watched) -> None:
    run = take_in(run, tools)
    if run.awaits_engine:
        _look_after_job(run, tools)
    if run.state is State.MERGING or run.arrived >= tools.dataset.feed_names:
        outcome = merge_run(run.run_id, owner=owner, tools=tools, result_of=_result_there(run, tools))
        if outcome:
            seen.merges.append(outcome)
            if outcome.state.ended:
                seen.ended.append(f"{run.run_id} {outcome.state}")
    elif now - _began(run) >= policy.deadline:
        if tools.ledger.head().closed:
            return  # a restore brings back what is open; what ends meanwhile would be mailed about, and open again
        reason = _incomplete(run, tools, policy)
        if tools.ledger.end(run, {"state": State.INCOMPLETE, "reason": reason}):
            seen.ended.append(f"{run.run_id} {State.INCOMPLETE}")
    elif wanted := feeds_wanted(run, now, dataset=tools.dataset):
        tools.fetch_again(wanted)
        seen.wanted.append(f"{run.run_id} {' '.join(wanted.feeds)}")


def _result_there(run: Run, tools: Tools) -> int:
    """The attempt whose result a run waits for, where it is there: the event of it was lost."""
    return run.engine_attempt if run.awaits_engine and has_result(run, tools) else 0


def _look_after_job(run: Run, tools: Tools) -> None:
    """Take a run back from a job that failed. The event of one that has a result may have been lost."""
    if tools.engine is None:
        return
    why = tools.engine.trouble(run.engine_job)
    if why:
        tools.ledger.engine_failed(run, why=why)


def _began(run: Run) -> dt.datetime:
    """When it began, or was taken up again by a command."""
    return parse_time(run.known_from or run.run_id)


def _is_open(run: Run, seen: Watched) -> bool:
    return not run.state.ended and run.run_id not in {ended.split()[0] for ended in seen.ended}


def _incomplete(run: Run, tools: Tools, policy: WatchPolicy) -> str:
    hours = policy.deadline.total_seconds() / 3600
    missing = [feed for feed in tools.dataset.feeds if feed.name not in run.arrived]
    reasons = [
        f"feed {feed.name} ({feed.title}) had not arrived after {hours:g} hours: "
        + _why_not(run.deliveries.get(feed.name))
        for feed in missing
    ]
    return "; ".join(text.removesuffix(": ") for text in reasons)


def _why_not(delivery: Delivery | None) -> str:
    return delivery.reason + how_often(delivery) if delivery is not None else ""


def _missed(runs: list[Run], tools: Tools, policy: WatchPolicy, now: dt.datetime) -> Iterator[Notice]:
    """The last time that a run was due and none began; before the first run, due since the first watch."""
    older = tools.ledger.newest_first(upto=run_id_at(now), page=_FEW)
    newest = next((run for run in itertools.chain(runs, older) if not run.source), None)
    last = newest.run_id if newest else tools.ledger.watched_since(run_id_at(now))
    due = last_due(
        tools.dataset.schedule or policy.schedule, after=parse_time(last), until=now - min(_GRACE, now - _EARLIEST)
    )
    if due is None:
        return
    expected = f"at {run_id_at(due)}" if newest else f"since the first watch at {last}"
    yield Notice(
        kind="failure",
        about=f"missed#{run_id_at(due)}",
        text=f"no run began {expected}: the schedule did not fire, or the fetcher could not start",
        time=run_id_at(now),
        details={"run_id": run_id_at(due), "last_run_id": newest.run_id if newest else ""},
    )


def _stale(tools: Tools, policy: WatchPolicy, now: dt.datetime) -> Iterator[Notice]:
    """Feeds whose used rows stand still, whatever else of their files changes."""
    head = tools.ledger.head()
    for state in tools.ledger.feed_states().values():
        if state.feed not in tools.dataset.feed_names:
            continue
        since, days = _standing_still(state, head)
        for threshold in policy.stale_after_days or tools.dataset.stale_after_days:
            if days >= threshold:
                feed = tools.dataset.feed(state.feed)
                yield Notice(
                    kind="stale",
                    about=f"{state.feed}#{since}#{threshold}",
                    text=(
                        f"the used rows of feed {feed.name} ({feed.title}) stand still since {since[:10]}: {days} days"
                    ),
                    time=run_id_at(now),
                    details={
                        "feed": feed.name,
                        "since": since,
                        "days": days,
                        "sha256": state.sha256,
                        "source_url": state.source_url or feed.url,
                    },
                )


def _feed_ages(tools: Tools, now: dt.datetime) -> Iterator[dt.timedelta]:
    """As if the dataset were daily: one limit holds for weeks and months too."""
    head = tools.ledger.head()
    spared = dt.timedelta(days=min(tools.dataset.stale_after_days, default=_DAILY) - _DAILY)
    for state in tools.ledger.feed_states().values():
        if state.feed in tools.dataset.feed_names:
            since, _ = _standing_still(state, head)
            yield max(now - parse_time(since) - spared, dt.timedelta(0))


def _resend_what_is_due(runs: Sequence[Run], now: dt.datetime, *, tools: Tools, seen: Watched) -> None:
    """Mails that are not out an hour after they were due, and the head's views: the stream's retries have ended."""
    at, clock, ledger = run_id_at(now), tools.clock(), tools.ledger
    mails: list[tuple[str, Run | Notice]] = [
        *((run.run_id, run) for run in runs if run.state in MAILED and not run.source and now - _began(run) >= _GRACE),
        *((it.about, it) for it in ledger.notices() if now - parse_time(it.time) >= _GRACE),
    ]
    for name, item in mails:
        if item.mail not in ("SENT", "UNSURE") and ledger.mail_again(item, at=at, now=clock):
            seen.again.append(f"{name} mail")
    newest = next((run for run in runs if run.state is State.COMMITTED), None)
    if newest and newest.views != "RENDERED" and now - _began(newest) >= _GRACE and ledger.render_again(newest, at=at):
        seen.again.append(f"{newest.run_id} views")


def _unsure(runs: Iterable[Run], now: dt.datetime) -> Iterator[Notice]:
    """Mails that were published without an answer."""
    for run in runs:
        if run.mail == "UNSURE":
            text = f"it is not known whether the mail about run {run.run_id} is out: SNS did not answer, twice"
            about, details = f"unsure#{run.run_id}", {"resend": run.run_id}
            yield Notice(kind="failure", about=about, text=text, time=run_id_at(now), details=details)


def _superseded(runs: Iterable[Run], now: dt.datetime, *, schedule: str) -> Iterator[Notice]:
    """Runs that gave way to one that is not their own successor: to one of the future, say."""
    for run in runs:
        due = run_id_at(successor_due(run, schedule=schedule))
        of_the_future = run.superseded_by > run_id_at(now) and run.superseded_by != due and not run.redriven_by
        if of_the_future or gave_way_out_of_turn(run, schedule=schedule):
            by = run.superseded_by
            text = f"run {run.run_id} was superseded out of turn: run {by}, which is not its successor, was there first"
            yield Notice(
                kind="failure",
                about=f"superseded#{run.run_id}",
                text=text,
                time=run_id_at(now),
                details={"run_id": run.run_id, "superseded_by": by},
            )


def _unreadable(now: dt.datetime) -> Iterator[Notice]:
    """Items of the ledger that had to be passed over."""
    for what, why in passed_over().items():
        text = f"an item of the ledger cannot be read and is passed over: {what}: {why}"
        yield Notice(kind="failure", about=f"unreadable#{what}"[:500], text=text, time=run_id_at(now))


def _standing_still(state: FeedState, head: Head) -> tuple[str, int]:
    """Since which run a feed's used rows are the same, and for how many days up to the last run that looked."""
    same_bytes = head.seen.get(state.feed) == state.sha256
    since = head.rows_since.get(state.feed) or state.changed_run_id
    last = max(head.latest, state.last_run_id) if same_bytes else head.latest or state.last_run_id
    if not head.rows_since.get(state.feed):
        last = state.last_run_id
    return since, (parse_time(last).date() - parse_time(since).date()).days
