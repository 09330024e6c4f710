"""The operator's view in words: plain lines, as they read on a terminal and in a pipe."""

from collections.abc import Iterator

from rich.text import Text

from infra.operating.approve_redrive import CommandOutcome
from infra.operating.status import Status
from infra.terminal import Terminal, broken_line, row_counts, state_colour
from shared.number_words import counted
from shared.runs import State


class StatusPrinter:
    """Writes on a terminal."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def say(self, text: str) -> None:
        self._terminal.say(text)

    def _print(self, line: Text) -> None:
        """Whole in a pipe; on a terminal broken at blanks, below where it begins."""
        console = self._terminal.console
        indent = len(line.plain) - len(line.plain.lstrip()) + 4
        for part in broken_line(line, width=console.width if console.is_terminal else 0, indent=indent):
            console.print(part, soft_wrap=True)

    def status(self, status: Status) -> None:
        """Everything that `make status` shows."""
        self._print(Text.assemble((f"covid-stats {status.stage}", "bold"), f"  {status.where}  at {status.at}"))
        if status.datasets:
            lines = [*_datasets(status), *_queues(status), *_subscriptions(status)]
        else:
            lines = [*_head(status), *_runs(status), *_feeds(status), *_queues(status), *_subscriptions(status)]
        for line in lines:
            self._print(line)
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


def _head(status: Status) -> Iterator[Text]:
    head = status.head
    newest = head.newest or "none"
    yield Text(f"head   {head.head or 'nothing is committed'}  {counted(head.rows, 'row')}, newest {newest}")
    behind = "" if status.served == head.head else "  behind the head"
    yield Text.assemble(f"views  {status.served or 'none'}", (behind, "red"))


def _datasets(status: Status) -> Iterator[Text]:
    """A line each; DATASET=name shows the runs and feeds of one."""
    width = max(len(it.dataset) for it in status.datasets)
    for it in status.datasets:
        behind = "" if it.served == it.head else "  views behind the head"
        rows = f"{counted(it.rows, 'row')}, newest {it.newest}" if it.head else "nothing is committed"
        state = (f"{it.state or 'no run':<10}", state_colour(State(it.state)) if it.state else "")
        yield Text.assemble(f"{it.dataset:<{width}}  {it.last_run:<20}  ", state, f"  {rows}", (behind, "red"))


def _runs(status: Status) -> Iterator[Text]:
    """A line a run, and its reason below it: at 80 columns nothing is cut, and `grep` finds a run with its state."""
    yield Text("\nRuns", "bold")
    rows = [(run, row_counts(run)) for run in status.runs]
    width = max((len(counts) for _, counts in rows), default=0)
    for run, counts in rows:
        mail, views = run.mail and f"mail {run.mail}", run.views and f"views {run.views}"
        line = Text.assemble(f"{run.run_id}  ", (f"{run.state:<10}", state_colour(run.state)), f"  {counts:<{width}}")
        line.append("".join(f"  {it}" for it in (mail, views) if it))
        line.rstrip()
        yield line
        if run.reason:
            yield Text(f"    {run.reason}")


def _feeds(status: Status) -> Iterator[Text]:
    yield Text("\nFeeds", "bold")
    for feed in status.feeds:
        yield Text(f"{feed.name}  {feed.title}")
        if feed.last_seen:
            yield Text(f"    last seen     {feed.last_seen}")
            yield Text(f"    last changed  {feed.last_changed}, {feed.unchanged_days:.1f} days unchanged")
        else:
            yield Text("    never seen")


def _queues(status: Status) -> Iterator[Text]:
    if status.queues:
        yield Text("\nDead letters", "bold")
    for queue in status.queues:
        yield Text.assemble((f"{queue.messages:>6}", "red" if queue.messages else ""), f"  {queue.name}")


def _subscriptions(status: Status) -> Iterator[Text]:
    if status.subscriptions:
        yield Text("\nSubscriptions", "bold")
    for it in status.subscriptions:
        yield Text.assemble(
            (f"{it.state:<11}", "" if it.state == "confirmed" else "red"), f"  {it.topic}  {it.address}"
        )
    yield Text()
