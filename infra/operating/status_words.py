"""The operator's view in words and tables."""

import functools

from rich import box
from rich.table import Table
from rich.text import Text

from infra.operating.approve_redrive import CommandOutcome
from infra.operating.status import Status
from infra.terminal import Terminal, row_counts, state_colour
from shared.runs import State


class Words:
    """Writes on a terminal."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._print = functools.partial(terminal.console.print, soft_wrap=True)

    def say(self, text: str) -> None:
        self._terminal.say(text)

    def status(self, status: Status) -> None:
        """Everything that `make status` shows."""
        head = status.head
        self._print(Text.assemble((f"covid-stats {status.stage}", "bold"), f"  {status.where}  at {status.at}"))
        self.say(f"head   {head.head or 'nothing is committed'}  {head.rows:,} rows, newest {head.newest or 'none'}")
        behind = "" if status.served == head.head else "  behind the head"
        self._print(Text.assemble(f"views  {status.served or 'none'}", (behind, "red")))
        self._terminal.console.print(self._runs(status), self._feeds(status))
        if status.queues:
            self._terminal.console.print(self._queues(status))
        for alarm in status.alarms or []:
            colour = "red" if alarm.state == "ALARM" else "yellow"
            self._print(Text(f"alarm  {alarm.name}  {alarm.state}  {alarm.reason}", colour))
        for problem in status.problems:
            self._print(Text(f"✗ {problem}", "red"))
        if not status.problems:
            self._print(Text("✓ healthy", "green"))

    def outcome(self, outcome: CommandOutcome) -> None:
        """What approve or redrive has come to."""
        run = outcome.after
        sign = Text("✓ " if outcome.good else "✗ ", "green" if outcome.good else "red")
        reason = f": {run.reason}" if run.reason else ""
        waits = "; a feed failed again, the watch ends it at its deadline" if run.state is State.COLLECTING else ""
        changed = run.state is State.COMMITTED
        changes = f", {run.added:,} added, {run.changed:,} changed, {run.removed:,} removed" if changed else ""
        self._print(Text.assemble(sign, f"run {run.run_id} is {run.state}{changes}{reason}{waits}"))
        for feed, delivery in sorted(run.deliveries.items()):
            if delivery.status == "failed":
                self._print(Text(f"  {feed}: {delivery.reason}", "red"))

    def _runs(self, status: Status) -> Table:
        table = Table(title="Runs", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
        for heading in ("Run", "State", "Rows", "Mail", "Views"):
            table.add_column(heading, no_wrap=True)
        table.add_column("Reason")
        for run in status.runs:
            state = Text(run.state, state_colour(run.state))
            table.add_row(run.run_id, state, row_counts(run), run.mail, run.views, Text(run.reason))
        return table

    def _feeds(self, status: Status) -> Table:
        table = Table(title="Feeds", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
        for heading in ("Feed", "Last seen", "Last changed", "Days unchanged"):
            table.add_column(heading, justify="right" if heading.startswith("Days") else "left")
        for feed in status.feeds:
            table.add_row(feed.title, feed.last_seen, feed.last_changed, f"{feed.unchanged_days:.1f}")
        return table

    def _queues(self, status: Status) -> Table:
        table = Table(title="Dead-letter queues", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
        table.add_column("Queue")
        table.add_column("Messages", justify="right")
        for queue in status.queues:
            table.add_row(queue.name, Text(str(queue.messages), "red" if queue.messages else ""))
        return table
