"""What an operator may command: let a rejected run pass, take up one that ended badly, write down why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from chalicelib.runs.annotating import read_note, write_down
from chalicelib.runs.feed_arrivals import take_in
from chalicelib.runs.merge_tools import Outcome, Tools
from chalicelib.runs.merging import merge_run
from shared.errors import EventMalformed, HeadMoved, LeaseHeld, NotAllowed
from shared.events import member
from shared.ledger.items import Annotation
from shared.runs import ENDED_BADLY, MAILED, Run, State, parse_time

type Command = Literal["approve", "redrive", "resend", "annotate"]
"""Let a rejected run pass the gate; try one that ended badly again; ask again for mail or views that are not out; write
down something about a run or a date."""

COMMANDS: tuple[Command, ...] = get_args(Command.__value__)


@dataclass(frozen=True, kw_only=True)
class OperateRun:
    """A command about one run."""

    command: Command
    dataset: str
    """Empty: the stage's first."""
    run_id: str
    by: str
    """Who gives it, as the ledger records it: the ARN that STS names."""
    time: str
    """When, as a run id."""
    note: Annotation | None = None
    """What is to be written down; none with any other command."""


def operate_run(event: Mapping[str, Any], *, identify: Callable[[Mapping[str, Any]], str]) -> OperateRun:
    """From the event of a direct invocation; `identify` finds who gives the command, once all else is well.

    Raises EventMalformed, naming what is wrong, and what `identify` raises.
    """
    command = member(event, "command")
    if command not in COMMANDS:
        raise EventMalformed(f"command is {command!r}; {', '.join(COMMANDS)} are allowed")
    time, dataset = member(event, "time"), str(event.get("dataset") or "")
    parse_time(time)
    if command == "annotate":
        note = read_note(event, time=time)
        by = identify(event)
        run_id = "" if note.date else note.about
        return OperateRun(command=command, dataset=dataset, run_id=run_id, by=by, time=time, note=replace(note, by=by))
    run_id = member(event, "run_id")
    parse_time(run_id)
    return OperateRun(command=command, dataset=dataset, run_id=run_id, by=identify(event), time=time)


def handle_command(
    request: OperateRun, *, owner: str, tools: Tools, report: Callable[[Outcome], None] = lambda _: None
) -> dict[str, Any]:
    """Reopen the run and, where all its files are there, merge it.

    The answer says `run_id`, `state`, `reason`, and `fetch`: whether feeds are missing, which only the fetcher can
    get; and, where there is one, `waits`: what it has to give way to, such as another run that writes rows. The same
    command again goes on then, and so does the watch. `report` is called with what a merge came to. Raises UnknownRun,
    and NotAllowed where the run's state does not allow the command.
    """
    if request.note:
        return write_down(request.note, tools)
    if request.command == "resend":
        return _answer(_resend(request, tools))
    if closed := tools.ledger.head().closed:
        raise NotAllowed(f"{closed}: no run can be taken up until it is done")
    run = _approve(request, tools) if request.command == "approve" else _redrive(request, tools)
    run = take_in(run, tools)
    missing = tools.dataset.feed_names - run.arrived
    waits = ""
    try:
        outcome = merge_run(run.run_id, owner=owner, tools=tools) if not missing else None
    except (LeaseHeld, HeadMoved) as error:
        waits = str(error)
    else:
        if outcome:
            report(outcome)
    run = tools.ledger.get(run.run_id)
    return _answer(run, fetch=bool(missing), waits=waits)


def _answer(run: Run, *, fetch: bool = False, waits: str = "") -> dict[str, Any]:
    answer = {"run_id": run.run_id, "state": run.state.value, "reason": run.reason, "fetch": fetch}
    return answer | ({"waits": waits} if waits else {})


def _approve(request: OperateRun, tools: Tools) -> Run:
    run = tools.ledger.get(request.run_id)
    if run.state is State.REJECTED and run.rejected_by == "contract":
        raise NotAllowed(
            f"run {run.run_id} was rejected because a file cannot be read ({run.reason}); there is nothing to let"
            " pass: the next run takes the file as upstream has mended it"
        )
    command = {"approved_by": request.by, "approved_at": request.time}
    return tools.ledger.reopen(
        run.run_id, allowed=frozenset({State.REJECTED}), command=command, known_from=_later(request)
    )


def _redrive(request: OperateRun, tools: Tools) -> Run:
    command = {"redriven_by": request.by, "redriven_at": request.time}
    return tools.ledger.reopen(request.run_id, allowed=ENDED_BADLY, command=command, known_from=_later(request))


def _resend(request: OperateRun, tools: Tools) -> Run:
    run = tools.ledger.get(request.run_id)
    mail = run.state in MAILED and run.mail != "SENT"
    views = run.state is State.COMMITTED and run.views != "RENDERED"
    if not (mail or views):
        raise NotAllowed(
            f"run {run.run_id} is {run.state}, its mail {run.mail or 'none'}, its views {run.views or 'none'}:"
            " there is nothing that is due and not out"
        )
    reopened = [
        mail and tools.ledger.mail_again(run, at=request.time, now=tools.clock(), also_unsure=True),
        views and tools.ledger.render_again(run, at=request.time),
    ]
    if not any(reopened):
        raise NotAllowed(f"the mail about run {run.run_id} is being sent; look again in a minute")
    return tools.ledger.get(run.run_id)


def _later(request: OperateRun) -> str:
    """Its data are known from the command on; never from before the run."""
    return max(request.run_id, request.time)
