"""What the merger's handlers say of themselves on their line."""

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.runs.approve_redrive import OperateRun
from chalicelib.runs.merge_tools import Outcome
from chalicelib.runs.watching import Watched
from shared.observation import Line
from shared.runs import State
from shared.tracing import follow


def log_outcome(line: Line, outcome: Outcome | None) -> None:
    """Write down what a merge came to; None: the run waits for other feeds, has ended, or is in other hands."""
    if outcome is None:
        line.bind(outcome="waiting")
        return
    line.bind(
        outcome="merged" if outcome.state.ended else "ordered",
        state=outcome.state.value,
        way=outcome.way,
        reason=outcome.reason,
    )
    line.measure("Milliseconds", merge_duration=line.elapsed_ms)
    _log_rows(line, [outcome])


def log_command(line: Line, request: OperateRun) -> None:
    """Write down which command came; who gave it is in the ledger, not in the log."""
    line.bind(run_id=request.run_id, command=request.command)
    follow("operator")


def log_answer(line: Line, answer: Mapping[str, Any]) -> None:
    line.bind(state=answer["state"], reason=answer["reason"], fetch=answer["fetch"])
    if "waits" in answer:
        line.bind(waits=answer["waits"])


def log_watched(line: Line, watched: Watched) -> None:
    line.bind(ended="; ".join(watched.ended), notices="; ".join(watched.notices))
    line.bind(again="; ".join(watched.again), wanted="; ".join(watched.wanted))
    line.measure(
        "Count", runs_ended=len(watched.ended), notices_written=len(watched.notices), requested_again=len(watched.again)
    )
    line.measure("Seconds", open_age=watched.open_age.total_seconds())
    line.measure("Seconds", good_run_age=watched.good_run_age.total_seconds())
    if watched.commit_age is not None:
        line.measure("Seconds", commit_age=watched.commit_age.total_seconds())
    if watched.views_age is not None:
        line.measure("Seconds", views_age=watched.views_age.total_seconds())
    if watched.feed_age is not None:
        line.measure("Seconds", feed_age=watched.feed_age.total_seconds())
    if watched.merges:
        _log_rows(line, watched.merges)


def _log_rows(line: Line, merges: Sequence[Outcome]) -> None:
    rejected = sum(outcome.state is State.REJECTED for outcome in merges)
    line.measure("Count", runs_rejected=rejected, rows_written=sum(outcome.rows_written for outcome in merges))
    for name in ("added", "changed", "removed", "rejected"):
        line.measure("Count", **{f"rows_{name}": sum(outcome.counts.get(name, 0) for outcome in merges)})
    line.measure("Bytes", bytes_read=sum(outcome.bytes_read for outcome in merges))
