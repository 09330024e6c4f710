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
from shared.dataset import Dataset
from shared.errors import UnknownRun
from shared.ledger.items import Notice
from shared.runs import MAILED, Run, State, parse_time

_BEFORE_WATCH_SECONDS = 60.0
"""How long a run may take by itself; then the watch looks, which drives on what got lost."""
_AFTER_WATCH_SECONDS = 60.0
_MAIL_SECONDS = 60.0
_BEFORE_LOOKING_SECONDS = 20.0
"""How long mails and views may take before the watch looks, which here comes at once and in life hours later."""
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

    def of(self, dataset: str) -> "Chain":
        """The same chain for another dataset of the stage; empty: the first."""
        return Chain(self.stage.of(dataset), feeds=self.feeds, mailbox=self.mailbox) if dataset else self

    @property
    def all(self) -> Sequence["Chain"]:
        """Of every dataset of the stage."""
        return [self.of(dataset.name) for dataset in self.stage.place.datasets]

    @property
    def folder(self) -> str:
        """Where the feed server has the dataset's files: see `served_in`."""
        return served_in(self.stage.dataset, of=self.stage.place.datasets)

    def carry(self, day: Day, *, faults: dict[str, Fault] | None = None) -> Carried:
        """One day, from its files to its mails. `faults`: file name -> what is wrong with it."""
        return self.carry_date([day], faults=faults)[0]

    def carry_date(self, days: Sequence[Day], *, faults: dict[str, Fault] | None = None) -> list[Carried]:
        """The runs of one date, each of another dataset: all are fetched, then one watch looks.

        Mails that are about no dataset that has a run on this date (a feed of another stands still) are the first's.
        """
        began, began_ms = time.monotonic(), int(time.time() * 1000)
        chains = [(day, self.of(day.dataset)) for day in days]
        heads, notices = [chain.stage.ledger.head().head for _, chain in chains], len(self.notices())
        for day, chain in chains:
            self.feeds.publish(day.read(), at=parse_time(day.fetch_at), faults=faults, under=chain.folder)
        mails, problem = list[ReceivedMail](), ""
        try:
            for day, chain in chains:
                chain._collect(day.fetch_at)
            self._look_after(days)
            mails = self._await_mails([(chain, day.fetch_at) for day, chain in chains], notices=notices)
        except CommandFailed as error:
            problem = f"{error}\n{problems_in(self.stage.log_lines(since_ms=began_ms))}"
            mails = self.mailbox.read()
        seconds = round(time.monotonic() - began, 3)
        named = [chain.stage.dataset.name for _, chain in chains]
        carried = []
        for n, ((day, chain), head) in enumerate(zip(chains, heads, strict=True)):
            run = chain._run(day.fetch_at) or Run(run_id=day.fetch_at, state=State.COLLECTING)
            own = [mail for mail in mails if mail.dataset == named[n] or (n == 0 and mail.dataset not in named)]
            changes = chain._change_set(run, head)
            done = Carried(day=day, run=run, mails=own, change_set=changes, seconds=seconds, problem=problem)
            carried.append(done)
        return carried

    def _collect(self, run_id: str) -> None:
        """Fetch, and wait for what comes of it; where the fetcher fails for good, the watch ends the run."""
        with contextlib.suppress(FunctionFailed):
            self.fetch(run_id)
            self.settle(run_id)

    def _look_after(self, days: Sequence[Day]) -> None:
        """Let the watch look, once more at the end where it failed (a merge was under way), and wait for the ends."""
        try:
            self.watch(days[0].watch_at)
            again = False
        except FunctionFailed:
            again = True
        for day in days:
            self.of(day.dataset).await_end(day.fetch_at)
        if again:
            self.watch(days[0].watch_at)

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
            wait_for(lambda: self._is_out(run_id), seconds=_BEFORE_LOOKING_SECONDS, what=f"run {run_id} is out")
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
        return self._await_mails([(self, run_id)], notices=notices)

    def _await_mails(self, runs: Sequence[tuple["Chain", str]], *, notices: int) -> list[ReceivedMail]:
        found = [(chain, chain.stage.ledger.get(run_id)) for chain, run_id in runs]
        what = "; ".join(f"run {run.run_id}, {run.state}: its mail" for _, run in found)

        def all_sent() -> bool:
            return all(chain._is_sent(run) for chain, run in found) and not self.unmailed_notices()

        wait_for(all_sent, seconds=_MAIL_SECONDS, what=f"{what} is sent")
        expected = sum(run.state in MAILED for _, run in found) + len(self.notices()) - notices
        mails = list[ReceivedMail]()

        def arrived() -> bool:
            mails.extend(self.mailbox.read())
            return len(mails) >= expected

        wait_for(arrived, seconds=_MAIL_SECONDS, what=f"{what} arrives")
        return mails

    def await_views(self) -> str:
        """The run that is served, once it is the head, of every dataset; empty before the first commit.

        Raises Overdue.
        """
        first, *_ = [chain._await_own_views() for chain in self.all]
        return first

    def _await_own_views(self) -> str:
        head = self.stage.ledger.head().head
        if head:
            what = f"the views of {head} are served"
            wait_for(lambda: self.stage.served_run() == head, seconds=_MAIL_SECONDS, what=what)
        return head

    def notices(self) -> list[Notice]:
        """Those of every dataset."""
        return [notice for chain in self.all for notice in chain.stage.ledger.notices()]

    def unmailed_notices(self) -> list[Notice]:
        return [notice for notice in self.notices() if notice.mail != "SENT"]

    def _send(self, service: str, function: str, time: str) -> Any:
        dataset = self.stage.dataset.name if service == "fetcher" and self.stage.path else ""
        event = scheduled_event(time, function=function, dataset=dataset)
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
        expected = self.stage.dataset.feed_names - given_up
        return run.state.ended or (bool(given_up) and run.arrived >= expected)

    def _is_out(self, run_id: str) -> bool:
        """Whether the watch would ask for nothing again: the mail is sent and the views are there, if any are due."""
        run = self.stage.ledger.get(run_id)
        rendered = run.state is not State.COMMITTED or run.views in ("RENDERED", "FAILED")
        return rendered and (run.state not in MAILED or run.mail in ("SENT", "UNSURE"))

    def _ended(self, run_id: str) -> Run | None:
        run = self._run(run_id)
        return run if run and run.state.ended else None

    def _run(self, run_id: str) -> Run | None:
        try:
            return self.stage.ledger.get(run_id)
        except UnknownRun:
            return None

    def _is_sent(self, run: Run) -> bool:
        return run.state not in MAILED or self.stage.ledger.get(run.run_id).mail == "SENT"

    def _change_set(self, run: Run, head: str) -> bytes:
        if run.state is State.COMMITTED:
            return self.stage.change_set(run.run_id)
        base = run.base_run_id or head or None
        return ChangeSet(run_id=run.run_id, base_run_id=base, added=[], changed=[], removed=[]).to_json()


def _standing(run: Run | None) -> str:
    return f"it is {run.state}, attempt {run.attempts}, arrived {sorted(run.arrived)}" if run else "it never began"


def served_in(dataset: Dataset, *, of: Sequence[Dataset]) -> str:
    """The folder of the feed server, with its slash, for one of several datasets; empty where it is alone."""
    return f"{dataset.name}/" if len(of) > 1 else ""


def scheduled_event(time: str, *, function: str = "fetch", dataset: str = "") -> dict[str, Any]:
    """What EventBridge sends at a schedule's time; with `dataset`, what a target that names one makes of it."""
    if dataset:
        return {"time": time, "dataset": dataset}
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


def carry_all(chain: Chain, days: Sequence[Sequence[Day]], *, report: ReportDay) -> list[Carried]:
    """All dates in order; `report` gets each run as it is done. What fails does not keep the next from its try."""
    done = list[Carried]()
    for same_date in days:
        for carried in chain.carry_date(same_date):
            done.append(carried)
            report(carried)
    return done
