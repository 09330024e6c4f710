"""Days as they pass and mails as their readers get them, on a terminal."""

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from infra.local.chain import Carried
from infra.local.mailbox import ReceivedMail
from infra.terminal import Terminal, row_counts, state_colour

_COLOURS = {"digest": "green", "failure": "red", "stale": "yellow"}


class DayDisplay(Terminal):
    """A terminal that shows days and mails as well."""

    def day(self, carried: Carried) -> None:
        """One line for a day that is done."""
        line = Text.assemble(
            f"{carried.day.date}  ",
            f"{carried.day.dataset:<24}" if carried.day.dataset else "",
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

    def mail(self, mail: ReceivedMail) -> None:
        """A mail as its reader gets it; lines are not broken here, so that links stay whole."""
        colour = _COLOURS.get(mail.kind, "blue")
        self._framed("╭─ ✉ ", Text(mail.subject, "bold"), colour)
        for line in mail.body.rstrip().split("\n"):
            self._framed("│ ", Text(line), colour)
        self._framed("╰─", Text(), colour)

    def runs(self, days: Sequence[Carried]) -> None:
        """All days as a table."""
        table = Table(title="Runs", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
        several = any(done.day.dataset for done in days)
        for heading in (*(["Dataset"] if several else []), "Run", "State", "Rows", "Mails"):
            table.add_column(heading, no_wrap=True)
        table.add_column("What it shows")
        for done in days:
            run, mails = done.run, ", ".join(mail.kind for mail in done.mails)
            state = Text(run.state, state_colour(run.state))
            named = [done.day.dataset, run.run_id[:10]] if several else [run.run_id]
            table.add_row(*named, state, row_counts(run), mails, Text(done.day.note or run.reason))
        self.console.print(table)

    def _framed(self, frame: str, text: Text, colour: str) -> None:
        self.console.print(Text.assemble((frame, colour), text), soft_wrap=True)


def mail_count(mails: Sequence[ReceivedMail]) -> str:
    return {0: "no mail", 1: "1 mail"}.get(len(mails), f"{len(mails)} mails")
