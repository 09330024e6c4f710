"""What people see: plain lines, and steps with their seconds."""

import contextlib
import time
from collections.abc import Iterable, Iterator

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment
from rich.text import Text

from shared.printing import without_controls
from shared.runs import ENDED_BADLY, Run, State


class TerminalStep:
    """A long step under way."""

    def __init__(self) -> None:
        self._notes: list[str] = []

    def note(self, text: str) -> None:
        """Say something more about the step on its line."""
        self._notes.append(text)

    @property
    def notes(self) -> str:
        return "".join(f"  {note}" for note in self._notes)


class PrintableConsole(Console):
    """A console whose texts cannot steer the terminal: they quote ledgers, logs and mails, and so upstream."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(without_controls(segment.text), segment.style)


class Terminal:
    """Writes to standard output, in colour where it is a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or PrintableConsole(highlight=False)

    def say(self, text: str = "") -> None:
        self.console.print(escape(text), soft_wrap=True)

    def detail(self, text: str) -> None:
        """Something of a step that may interest, in its place."""
        self.console.print(f"  [dim]{escape(text)}[/]", soft_wrap=True)

    @contextlib.contextmanager
    def step(self, text: str) -> Iterator[TerminalStep]:
        """`with terminal.step("Start the local cloud"):` gives one line when it is done, with its seconds."""
        began, step = time.monotonic(), TerminalStep()
        waiting = self.console.status(f"{escape(text)} …") if self.console.is_terminal else contextlib.nullcontext()
        sign = "[red]✗[/]"
        try:
            with waiting:
                yield step
            sign = "[green]✓[/]"
        finally:
            seconds = time.monotonic() - began
            self.console.print(
                f"{sign} {escape(text):<44} {seconds:6.1f} s[dim]{escape(step.notes)}[/]", soft_wrap=True
            )


def broken_line(line: Text, *, width: int, indent: int) -> list[Text]:
    """The line in parts that fit, the second and later ones indented; no word is broken, so that ids stay whole.

    `width` is the terminal's; 0 is none, as in a pipe: the line stays whole.
    """
    cuts, begin, room = list[int](), 0, width
    while width and len(line) - begin > room:
        least = begin + (indent if not cuts else 0)
        cut = line.plain.rfind(" ", least, begin + room + 1)
        cut = cut if cut >= 0 else line.plain.find(" ", max(begin + room, least))
        if cut < 0:
            break
        cuts.append(cut)
        begin, room = cut + 1, max(width - indent, 1)
    first, *others = line.divide(cuts)
    return [first, *(Text.assemble(" " * indent, part[1:]) for part in others)]


def row_counts(run: Run) -> str:
    """`+1 ~19 -0`; empty where nothing changed."""
    return f"+{run.added} ~{run.changed} -{run.removed}" if run.state is State.COMMITTED else ""


def state_colour(state: State) -> str:
    if state in ENDED_BADLY:
        return "red"
    return "green" if state is State.COMMITTED else "cyan"
