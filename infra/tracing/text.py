"""A run's journey on a terminal: one line a step, with a bar that shows when."""

from rich.console import Console
from rich.text import Text

from infra.terminal import broken_line
from infra.tracing.journey import Journey
from infra.tracing.rows import Scale, TraceRow, duration, rows
from shared.runs import Run

_BAR, _SHORT_BAR = 28, 8
"""Columns of a bar; the short one where a terminal is narrow."""
_NARROW = 110
_BEFORE_BAR = 23
"""Columns of `at` and `took`."""
COLOURS = {"fetcher": "cyan", "merger": "yellow", "notifier": "magenta", "api": "green"}
_SIGNS = {"fault": ("✗ ", "bold red"), "throttle": ("~ ", "yellow"), "error": ("! ", "dim yellow")}


def show(console: Console, journey: Journey, *, run: Run, stage: str, untraced: list[str], brief: bool) -> None:
    """Write everything: the run, how the time was spent, the tree, and what could not be found.

    In a pipe a step is a line, however long; on a terminal it is broken at blanks, below where its name begins.
    """
    width = console.width if console.is_terminal else 0
    for line in lines(journey, run=run, stage=stage, untraced=untraced, brief=brief, width=width):
        console.print(line, soft_wrap=True)


def lines(
    journey: Journey, *, run: Run, stage: str, untraced: list[str], brief: bool = False, width: int = 0
) -> list[Text]:
    """`width` is the terminal's; 0 is none: no line is broken."""
    bar = _SHORT_BAR if 0 < width < _NARROW else _BAR
    scale, left = Scale(journey), _BEFORE_BAR + bar + 2
    shown = [part for line in _heading(journey, run, stage) for part in broken_line(line, width=width, indent=4)]
    shown.append(Text())
    if journey.branches:
        shown.append(Text(f"{'at':>10}  {'took':>9}  {'':{bar}}", "dim"))
    for row in rows(journey, brief=brief):
        of_row = [_started(row, left)] if row.kind == "hop" else []
        of_row.append(_line(row, journey, scale, bar))
        if row.cause and row.failure in ("fault", "throttle"):
            of_row.append(Text(f"{'':{left}}{'  ' * row.depth}  {row.cause}", "red"))
        indent = left + 2 * row.depth + 4
        shown += [part for line in of_row for part in broken_line(line, width=width, indent=indent)]
    for text in untraced:
        shown += broken_line(Text(f"! {text}", "yellow"), width=width, indent=2)
    return shown


def _heading(journey: Journey, run: Run, stage: str) -> list[Text]:
    bad = run.state in ("REJECTED", "FAILED", "INCOMPLETE")
    changes = f"  {run.added:,} added, {run.changed:,} changed, {run.removed:,} removed" * (run.state == "COMMITTED")
    first = Text.assemble(
        (f"run {run.run_id}", "bold"), f" of stage {stage}  ", (run.state, "bold red" if bad else "bold green"), changes
    )
    reason = [Text(run.reason, "red" if bad else "")] if run.reason else []
    waits = ", ".join(f"{duration(took)} {_waiting(kind)}" for kind, took in journey.waits.items())
    spent = f"{duration(journey.took)} in all: {duration(journey.work)} at work" + (f", {waits}" if waits else "")
    return [first, *reason, Text(spent)] if journey.branches else [first, *reason]


def _waiting(kind: str) -> str:
    return "in queues" if kind == "queue" else f"until the {kind}"


def _started(row: TraceRow, left: int) -> Text:
    """What came before a hop: the wait for it, or who started it."""
    at = f"{'':{left}}{'  ' * row.depth}"
    if row.waited is None:
        return Text(f"{at}by {row.after or 'an unknown starter'}", "dim")
    return Text.assemble((f"{at}↓ ", "dim"), (duration(row.waited), "blue"), (f" after {row.after}", "dim"))


def _line(row: TraceRow, journey: Journey, scale: Scale, bar: int) -> Text:
    colour = COLOURS.get(row.service, "white")
    sign, style = _SIGNS.get(row.failure, ("", ""))
    at, took = duration(row.began - journey.began), duration(row.took)
    title = (row.title, f"bold {colour}") if row.kind == "hop" else (row.title, "")
    return Text.assemble(
        (f"{at:>10}  {took:>9}  ", "" if row.kind == "hop" else "dim"),
        (_bar(row, scale, bar), colour if row.failure != "fault" else "red"),
        "  " + "  " * row.depth,
        (sign, style),
        title,
        (f"  {row.details}" if row.details else "", "" if row.kind == "hop" else "dim"),
    )


def _bar(row: TraceRow, scale: Scale, width: int) -> str:
    first = min(int(scale.place(row.began) * width), width - 1)
    last = min(max(int(scale.place(row.ended) * width), first + 1), width)
    letter = "█" if row.kind == "hop" else "━"
    return f"{' ' * first}{letter * (last - first)}{' ' * (width - last)}"
