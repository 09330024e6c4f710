"""What people see: steps with their seconds, days as they pass, mails as their readers get them."""

import contextlib
import time
from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from infra.driving import Carried
from infra.mailbox import Mail
from shared.runs import ENDED_BADLY, Run, State

_COLOURS = {"digest": "green", "failure": "red", "stale": "yellow"}


class Step:
    """A long step under way."""

    def __init__(self) -> None:
        self._notes: list[str] = []

    def note(self, text: str) -> None:
        """Say something more about the step on its line."""
        self._notes.append(text)

    @property
    def notes(self) -> str:
        return "".join(f"  {note}" for note in self._notes)


class Terminal:
    """Writes to standard output, in colour where it is a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)

    def say(self, text: str = "") -> None:
        self.console.print(escape(text), soft_wrap=True)

    def detail(self, text: str) -> None:
        """Something of a step that may interest, in its place."""
        self.console.print(f"  [dim]{escape(text)}[/]", soft_wrap=True)

    @contextlib.contextmanager
    def step(self, text: str) -> Iterator[Step]:
        """`with terminal.step("Start the local cloud"):` gives one line when it is done, with its seconds."""
        began, step = time.monotonic(), Step()
        waiting = self.console.status(f"{escape(text)} …") if self.console.is_terminal else contextlib.nullcontext()
        mark = "[red]✗[/]"
        try:
            with waiting:
                yield step
            mark = "[green]✓[/]"
        finally:
            seconds = time.monotonic() - began
            self.console.print(
                f"{mark} {escape(text):<44} {seconds:6.1f} s[dim]{escape(step.notes)}[/]", soft_wrap=True
            )

    def day(self, carried: Carried) -> None:
        """One line for a day that is done."""
        line = Text.assemble(
            f"{carried.day.date}  ",
            (f"{carried.run.state:<10}", state_colour(carried.run.state)),
            f"  {row_counts(carried.run):<14}",
            f"{mail_count(carried.mails):<8}{carried.seconds:5.2f} s",
            (f"  {carried.day.note}" if carried.day.note else "", "dim"),
        )
        self.console.print(line, soft_wrap=True)
        if carried.run.reason:
            self.console.print(Text(f"            {carried.run.reason}", "dim"), soft_wrap=True)
        if carried.problem:
            self.console.print(Text(f"            not carried to its end: {carried.problem}", "red"), soft_wrap=True)

    def mail(self, mail: Mail) -> None:
        """A mail as its reader gets it; lines are not broken here, so that links stay whole."""
        colour = _COLOURS.get(mail.kind, "blue")
        self._framed("╭─ ✉ ", Text(mail.subject, "bold"), colour)
        for line in mail.body.rstrip().split("\n"):
            self._framed("│ ", Text(line), colour)
        self._framed("╰─", Text(), colour)

    def runs(self, days: Sequence[Carried]) -> None:
        """All days as a table."""
        table = Table(title="Runs", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
        for heading in ("Run", "State", "Rows", "Mails"):
            table.add_column(heading, no_wrap=True)
        table.add_column("What it shows")
        for done in days:
            run, mails = done.run, ", ".join(mail.kind for mail in done.mails)
            state = Text(run.state, state_colour(run.state))
            table.add_row(run.run_id, state, row_counts(run), mails, Text(done.day.note or run.reason))
        self.console.print(table)

    def _framed(self, frame: str, text: Text, colour: str) -> None:
        self.console.print(Text.assemble((frame, colour), text), soft_wrap=True)


def row_counts(run: Run) -> str:
    """`+1 ~19 -0`; empty where nothing changed."""
    return f"+{run.added} ~{run.changed} -{run.removed}" if run.state is State.COMMITTED else ""


def mail_count(mails: Sequence[Mail]) -> str:
    return {0: "no mail", 1: "1 mail"}.get(len(mails), f"{len(mails)} mails")


def state_colour(state: State) -> str:
    if state in ENDED_BADLY:
        return "red"
    return "green" if state is State.COMMITTED else "cyan"
