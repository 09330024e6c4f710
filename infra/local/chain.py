"""Carry days through the whole chain: each is one run at 17:00Z and one watch at 23:59Z, as on AWS but at once."""

import contextlib
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from infra.deploying.deployed import FunctionFailed, Stage, problems_in
from infra.errors import CommandFailed
from infra.local.day_folders import Day
from infra.local.feed_server import Fault, FeedServer
from infra.local.mailbox import Mailbox, ReceivedMail
from infra.waiting import Overdue, wait_for
from shared.changes import ChangeSet
from shared.errors import UnknownRun
from shared.ledger.items import Notice
from shared.runs import MAILED, Run, State, parse_time

_BEFORE_WATCH_SECONDS = 60.0
"""How long a run may take by itself; then the watch looks, which drives on what got lost."""
_AFTER_WATCH_SECONDS = 60.0
_MAIL_SECONDS = 60.0
_DELIVERIES_OF_AN_EVENT = 3
"""Lambda invokes a scheduled function again, twice, when it raises."""


@dataclass(frozen=True, kw_only=True)
class Carried:
    """What became of one day."""

    day: Day
    run: Run
    mails: Sequence[ReceivedMail]
    """Everything that was mailed since the day before, in order of arrival."""
    change_set: bytes
    """As it is kept, for a COMMITTED run; an empty one otherwise."""
    seconds: float
    """From the fetch event to the last mail."""
    problem: str = ""
    """Why the day was not carried to its end, with the logs; empty where it was."""


class Chain:
    """Drives a stage by what upstream publishes and by scheduled events, and looks only at what it leaves behind."""

    def __init__(self, stage: Stage, *, feeds: FeedServer, mailbox: Mailbox) -> None:
        self.stage, self.feeds, self.mailbox = stage, feeds, mailbox

    def carry(self, day: Day, *, faults: dict[str, Fault] | None = None) -> Carried:
        """One day, from its files to its mails. `faults`: file name -> what is wrong with it."""
        began, began_ms = time.monotonic(), int(time.time() * 1000)
        head, notices = self.stage.ledger.head().head, len(list(self.stage.ledger.notices()))
        self.feeds.publish(day.read(), at=parse_time(day.fetch_at), faults=faults)
        mails, problem = list[ReceivedMail](), ""
        try:
            self._collect(day.fetch_at)
            self._look_after(day)
            mails = self.await_mails(day.fetch_at, notices=notices)
        except CommandFailed as error:
            problem = f"{error}\n{problems_in(self.stage.log_lines(since_ms=began_ms))}"
            mails = self.mailbox.read()
        run = self._run(day.fetch_at) or Run(run_id=day.fetch_at, state=State.COLLECTING)
        changes = self._change_set(run, head)
        seconds = round(time.monotonic() - began, 3)
        return Carried(day=day, run=run, mails=mails, change_set=changes, seconds=seconds, problem=problem)

    def _collect(self, run_id: str) -> None:
        """Fetch, and wait for what comes of it; where the fetcher fails for good, the watch ends the run."""
        with contextlib.suppress(FunctionFailed):
            self.fetch(run_id)
            self.settle(run_id)

    def _look_after(self, day: Day) -> None:
        """Let the watch look, once more at the end where it failed (a merge was under way), and wait for the end."""
        try:
            self.watch(day.watch_at)
            again = False
        except FunctionFailed:
            again = True
        self.await_end(day.fetch_at)
        if again:
            self.watch(day.watch_at)

    def fetch(self, time: str) -> Any:
        """Send the scheduled event of this time to the fetcher, again where it raises, as AWS does."""
        return self._send("fetcher", "fetch", time)

    def watch(self, time: str) -> Any:
        """Send the scheduled event of this time to the merger's watch."""
        return self._send("merger", "watch", time)

    def settle(self, run_id: str) -> None:
        """Wait until the run has ended, or until what arrived is known and the rest cannot arrive any more."""
        try:
            wait_for(lambda: self._is_settled(run_id), seconds=_BEFORE_WATCH_SECONDS, what=f"run {run_id} settles")
        except Overdue:
            return  # an event got lost, or a handler failed: this is what the watch is for

    def await_end(self, run_id: str) -> Run:
        """The run once it has ended. Raises Overdue, with the state it is in."""
        try:
            return wait_for(lambda: self._ended(run_id), seconds=_AFTER_WATCH_SECONDS, what=f"run {run_id} ends")
        except Overdue as error:
            run = self._run(run_id)
            raise Overdue(f"{error}; {_standing(run)}") from error

    def await_mails(self, run_id: str, *, notices: int = 0) -> list[ReceivedMail]:
        """All mails, once everything that is to be mailed is out and has arrived. Raises Overdue.

        `notices` is how many there were in the ledger before: each further one is a mail, as is the run's end.
        """
        run = self.stage.ledger.get(run_id)
        what = f"run {run_id}, {run.state}: its mail"
        wait_for(lambda: self._all_sent(run), seconds=_MAIL_SECONDS, what=f"{what} is sent")
        expected = (run.state in MAILED) + len(list(self.stage.ledger.notices())) - notices
        mails = list[ReceivedMail]()

        def arrived() -> bool:
            mails.extend(self.mailbox.read())
            return len(mails) >= expected

        wait_for(arrived, seconds=_MAIL_SECONDS, what=f"{what} arrives")
        return mails

    def await_views(self) -> str:
        """The run that is served, once it is the head; empty before the first commit. Raises Overdue."""
        head = self.stage.ledger.head().head
        if head:
            what = f"the views of {head} are served"
            wait_for(lambda: self.stage.served_run() == head, seconds=_MAIL_SECONDS, what=what)
        return head

    def unmailed_notices(self) -> list[Notice]:
        return [notice for notice in self.stage.ledger.notices() if notice.mail != "SENT"]

    def _send(self, service: str, function: str, time: str) -> Any:
        event = scheduled_event(time, function=function)
        for delivery in range(1, _DELIVERIES_OF_AN_EVENT + 1):
            try:
                return self.stage.invoke(service, function, event)
            except FunctionFailed:
                if delivery == _DELIVERIES_OF_AN_EVENT:
                    raise
        return None

    def _is_settled(self, run_id: str) -> bool:
        run = self._run(run_id)
        if run is None or run.state is State.MERGING:
            return False
        given_up = {feed for feed, delivery in run.deliveries.items() if delivery.status == "failed"}
        expected = self.stage.place.dataset.feed_names - given_up
        return run.state.ended or (bool(given_up) and run.arrived >= expected)

    def _ended(self, run_id: str) -> Run | None:
        run = self._run(run_id)
        return run if run and run.state.ended else None

    def _run(self, run_id: str) -> Run | None:
        try:
            return self.stage.ledger.get(run_id)
        except UnknownRun:
            return None

    def _all_sent(self, run: Run) -> bool:
        mailed = run.state not in MAILED or self.stage.ledger.get(run.run_id).mail == "SENT"
        return mailed and not self.unmailed_notices()

    def _change_set(self, run: Run, head: str) -> bytes:
        if run.state is State.COMMITTED:
            return self.stage.change_set(run.run_id)
        base = run.base_run_id or head or None
        return ChangeSet(run_id=run.run_id, base_run_id=base, added=[], changed=[], removed=[]).to_json()


def _standing(run: Run | None) -> str:
    return f"it is {run.state}, attempt {run.attempts}, arrived {sorted(run.arrived)}" if run else "it never began"


def scheduled_event(time: str, *, function: str = "fetch") -> dict[str, Any]:
    """What EventBridge sends at a schedule's time."""
    return {
        "version": "0",
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{function}/{time}")),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": time,
        "region": "us-east-1",
        "resources": [f"arn:aws:events:us-east-1:000000000000:rule/covid-stats-{function}"],
        "detail": {},
    }


type ReportDay = Callable[[Carried], None]


def carry_all(chain: Chain, days: Sequence[Day], *, report: ReportDay) -> list[Carried]:
    """All days in order; `report` gets each as it is done. A day that fails does not keep the next from its try."""
    done = list[Carried]()
    for day in days:
        done.append(chain.carry(day))
        report(done[-1])
    return done
