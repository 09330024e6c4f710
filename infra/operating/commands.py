"""The operator's commands: `make status`, `make approve RUN=`, `make redrive RUN=`, `make resend RUN=`.

STAGE names a stage on AWS; without it, or with the name of one that runs in this checkout, the local cloud is meant.
"""

import argparse
import json
from collections.abc import Callable

from infra.deploying.deployed import Stage
from infra.errors import CommandFailed
from infra.local.running_clouds import find_running
from infra.operating.approve_redrive import CommandOutcome, operate
from infra.operating.status import look_at
from infra.operating.status_words import Words
from infra.terminal import Terminal

type Find = Callable[[str], Stage]
"""From the name that was given, which may be empty, to the stage that is meant."""


def status(arguments: list[str], *, find: Find | None = None) -> int:
    """How a stage is: head, runs, feeds, views, queues, alarms. Exits with 1 when something needs attention."""
    args = _parser("status", status.__doc__).parse_args(arguments)
    found = look_at((find or find_stage)(args.stage))
    if args.json:
        print(json.dumps(found.as_map(), default=_plain, ensure_ascii=False, indent=1))
    else:
        Words(Terminal()).status(found)
    return 1 if found.problems else 0


def approve(arguments: list[str], *, find: Find | None = None) -> int:
    """Let a REJECTED run pass the gate. Exits with 1 when it still does not end well."""
    return _operate("approve", arguments, approve.__doc__, find=find or find_stage)


def redrive(arguments: list[str], *, find: Find | None = None) -> int:
    """Try a run that ended badly again. Exits with 1 when it still does not end well."""
    return _operate("redrive", arguments, redrive.__doc__, find=find or find_stage)


def resend(arguments: list[str], *, find: Find | None = None) -> int:
    """Ask again for a run's mail or views that are not out. Exits with 1 when they still are not."""
    return _operate("resend", arguments, resend.__doc__, find=find or find_stage)


def find_stage(name: str) -> Stage:
    """The stage that is meant. Raises CommandFailed where none is named and none runs here."""
    running = find_running()
    if running and name in ("", running.stage):
        return Stage(running.stage, endpoint=running.endpoint)
    if name:
        return Stage(name)
    raise CommandFailed("no local cloud runs in this checkout; start one with `make run`, or name a stage: STAGE=prod")


def _operate(command: str, arguments: list[str], about: str | None, *, find: Find) -> int:
    parser = _parser(command, about)
    parser.add_argument("--run", required=True, help="the run's id, such as 2020-10-25T17:00:00Z")
    args = parser.parse_args(arguments)
    words = Words(Terminal())
    report = (lambda _: None) if args.json else words.say
    outcome = operate(find(args.stage), command, args.run, report=report)
    if args.json:
        print(json.dumps(_outcome_map(outcome), default=_plain, ensure_ascii=False, indent=1))
    else:
        words.outcome(outcome)
    return 0 if outcome.good else 1


def _parser(command: str, about: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m infra {command}", description=about)
    parser.add_argument("--stage", default="", help="a stage on AWS; empty for the local cloud that runs here")
    parser.add_argument("--json", action="store_true", help="for machines")
    return parser


def _outcome_map(outcome: CommandOutcome) -> dict[str, object]:
    after = outcome.after
    return {
        "command": outcome.command,
        "run_id": after.run_id,
        "by": outcome.by,
        "before": {"state": outcome.before.state, "reason": outcome.before.reason},
        "after": {
            "state": after.state,
            "reason": after.reason,
            "added": after.added,
            "changed": after.changed,
            "removed": after.removed,
        },
    }


def _plain(value: object) -> object:
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON form here")
