"""Approve, redrive and resend, as an operator does them: say what will happen, do it, wait for the outcome."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.deploying.deployed import FunctionFailed, Stage
from infra.errors import CommandFailed
from infra.local.chain import scheduled_event
from infra.operating.signing import recorded_name, with_identity
from infra.waiting import Overdue, wait_for
from shared.errors import UnknownRun
from shared.runs import Run, State, run_id_at

_SECONDS = 300.0
"""How long the outcome is waited for: a merge and its retries."""


@dataclass(frozen=True, kw_only=True)
class CommandOutcome:
    """What a command has come to."""

    command: str
    before: Run
    after: Run
    by: str
    """Who gave it: an ARN, as the ledger has it."""

    @property
    def good(self) -> bool:
        """Whether the run needs no further attention."""
        if self.command == "resend":
            return self.after.mail == "SENT" and self.after.views != "FAILED"
        return self.after.state in (State.COMMITTED, State.UNCHANGED, State.SUPERSEDED)


INTENTIONS = {
    "approve": "its files are merged again, and what the gate refused is let pass",
    "redrive": "feeds that are missing are fetched, and it is merged again",
    "resend": "its mail and its views are asked for again, as far as they are not out",
}


def operate(
    stage: Stage, command: str, run_id: str, *, report: Callable[[str], None], seconds: float = _SECONDS
) -> CommandOutcome:
    """Carry out `approve` or `redrive`. Raises CommandFailed where the run is not there or its state forbids it."""
    try:
        before = stage.ledger.get(run_id)
    except UnknownRun as error:
        raise CommandFailed(f"{error} in stage {stage.name}") from error
    _check_effect(stage, command, before)
    reason = f", {before.reason}" if before.reason else ""
    report(f"{command} run {run_id} of {stage.dataset.name} in stage {stage.name}: it is {before.state}{reason}")
    report(f"{INTENTIONS[command]}; the ledger will name {recorded_name(stage)}")
    time = run_id_at(stage.now())
    command_event = {"command": command, "dataset": stage.dataset.name, "run_id": run_id, "time": time}
    reply = _command(stage, command_event)
    if reply.get("waits"):
        report(f"it is taken up, and gives way: {reply['waits']}")
        ends = f"run {run_id}, which is taken up and which the watch carries on otherwise, need not give way"
        reply = wait_for(lambda: _command(stage, command_event, going_on=True), seconds=seconds, what=ends) or reply
    if reply["fetch"]:
        report("fetching the feeds that are missing")
        stage.invoke("fetcher", "fetch", scheduled_event(run_id, dataset=stage.dataset.name))
    wait = _await_sent if command == "resend" else _await_outcome
    after = wait(stage, run_id, seconds=seconds)
    return CommandOutcome(command=command, before=before, after=after, by=recorded_name(stage))


def _check_effect(stage: Stage, command: str, run: Run) -> None:
    """Raises CommandFailed where a newer run was committed: this one could only end SUPERSEDED."""
    head = stage.ledger.head().head
    if head > run.run_id:
        raise CommandFailed(
            f"{command} of run {run.run_id} would have no effect: run {head} was committed since, and an older run"
            " never overwrites a newer one. What it brought is in the newer one's files, if it is still published"
        )


def _command(stage: Stage, command: Mapping[str, str], *, going_on: bool = False) -> Any:
    """The answer; nothing where the run still gives way and it is `going_on`. Raises CommandFailed."""
    try:
        answer = stage.invoke("merger", "operate", with_identity(command, stage=stage))
    except FunctionFailed as error:
        run = stage.ledger.get(command["run_id"])
        if command["time"] in (run.approved_at, run.redriven_at):
            raise CommandFailed(
                f"run {run.run_id} is taken up and is {run.state}, but its merge failed: {error.message};"
                " the watch carries it on, within the hour"
            ) from error
        raise CommandFailed(f"stage {stage.name} does not {command['command']} it: {error.message}") from error
    return None if going_on and answer.get("waits") else answer


def _await_sent(stage: Stage, run_id: str, *, seconds: float) -> Run:
    """The run once its mail is out, and its views are rendered or have failed. Raises Overdue."""

    def look() -> Run | None:
        run = stage.ledger.get(run_id)
        rendered = run.state is not State.COMMITTED or run.views in ("RENDERED", "FAILED")
        return run if run.mail in ("SENT", "UNSURE") and rendered else None

    return wait_for(look, seconds=seconds, what=f"the mail about run {run_id} is out") or stage.ledger.get(run_id)


def _await_outcome(stage: Stage, run_id: str, *, seconds: float) -> Run:
    """The run once it has ended, or once a feed has failed again. Raises Overdue, saying what it waits for."""

    def look() -> Run | None:
        run = stage.ledger.get(run_id)
        failed = {feed for feed, delivery in run.deliveries.items() if delivery.status == "failed"}
        stuck = run.state is State.COLLECTING and failed and run.arrived >= stage.dataset.feed_names - failed
        return run if run.state.ended or stuck else None

    try:
        return wait_for(look, seconds=seconds, what=f"run {run_id} ends") or stage.ledger.get(run_id)
    except Overdue as error:
        run = stage.ledger.get(run_id)
        missing = sorted(stage.dataset.feed_names - run.arrived)
        raise Overdue(f"{error}; it is {run.state}" + (f", without {missing}" if missing else "")) from error
