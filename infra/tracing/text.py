"""A run's journey on a terminal: one line a step, with a bar that shows when."""

from rich.console import Console
from rich.text import Text

from infra.tracing.journey import Journey
from infra.tracing.rows import Scale, TraceRow, duration, rows
from shared.runs import Run

_BAR = 28
COLOURS = {"fetcher": "cyan", "merger": "yellow", "notifier": "magenta", "api": "green"}
_SIGNS = {"fault": ("✗ ", "bold red"), "throttle": ("~ ", "yellow"), "error": ("! ", "dim yellow")}


def show(console: Console, journey: Journey, *, run: Run, stage: str, untraced: list[str], brief: bool) -> None:
    """Write everything: the run, how the time was spent, the tree, and what could not be found."""
    for line in lines(journey, run=run, stage=stage, untraced=untraced, brief=brief):
        console.print(line, soft_wrap=True)


def lines(journey: Journey, *, run: Run, stage: str, untraced: list[str], brief: bool = False) -> list[Text]:
    scale = Scale(journey)
    shown = [*_heading(journey, run, stage), Text()]
    if journey.branches:
        shown.append(Text(f"{'at':>10}  {'took':>9}  {'':{_BAR}}", "dim"))
    for row in rows(journey, brief=brief):
        if row.kind == "hop":
            shown += _started(row)
        shown.append(_line(row, journey, scale))
        if row.cause and row.failure in ("fault", "throttle"):
            shown.append(Text(f"{'':{25 + _BAR}}{'  ' * row.depth}  {row.cause}", "red"))
    shown += [Text(f"! {text}", "yellow") for text in untraced]
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


def _started(row: TraceRow) -> list[Text]:
    """What came before a hop: the wait for it, or who started it."""
    at = f"{'':{25 + _BAR}}{'  ' * row.depth}"
    if row.waited is None:
        return [Text(f"{at}by {row.after or 'an unknown starter'}", "dim")]
    return [Text.assemble((f"{at}↓ ", "dim"), (duration(row.waited), "blue"), (f" after {row.after}", "dim"))]


def _line(row: TraceRow, journey: Journey, scale: Scale) -> Text:
    colour = COLOURS.get(row.service, "white")
    sign, style = _SIGNS.get(row.failure, ("", ""))
    at, took = duration(row.began - journey.began), duration(row.took)
    title = (row.title, f"bold {colour}") if row.kind == "hop" else (row.title, "")
    return Text.assemble(
        (f"{at:>10}  {took:>9}  ", "" if row.kind == "hop" else "dim"),
        (_bar(row, scale), colour if row.failure != "fault" else "red"),
        "  " + "  " * row.depth,
        (sign, style),
        title,
        (f"  {row.details}" if row.details else "", "" if row.kind == "hop" else "dim"),
    )


def _bar(row: TraceRow, scale: Scale) -> str:
    first = min(int(scale.place(row.began) * _BAR), _BAR - 1)
    last = min(max(int(scale.place(row.ended) * _BAR), first + 1), _BAR)
    letter = "█" if row.kind == "hop" else "━"
    return f"{' ' * first}{letter * (last - first)}{' ' * (_BAR - last)}"
