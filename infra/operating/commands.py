"""The operator's commands: `make status`, `make approve RUN=`, `make redrive RUN=`, `make resend RUN=`.

STAGE names a stage on AWS; without it, or with the name of one that runs in this checkout, the local cloud is meant.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from infra.deploying.deployed import Stage
from infra.deploying.stage_names import check_stage
from infra.errors import CommandFailed
from infra.local.day_folders import declared_dataset
from infra.local.running_clouds import all_running
from infra.operating.approve_redrive import CommandOutcome, operate
from infra.operating.status import look_at
from infra.operating.status_words import StatusPrinter
from infra.terminal import Terminal

type FindStage = Callable[[str], Stage]
"""From the name that was given, which may be empty, to the stage that is meant."""


def status(arguments: list[str], *, find: FindStage | None = None) -> int:
    """How a stage is: head, runs, feeds, views, queues, alarms. Exits with 1 when something needs attention."""
    args = stage_parser("status", status.__doc__).parse_args(arguments)
    found = look_at((find or find_stage)(args.stage).of(args.dataset))
    if args.json:
        print_json(found.as_map())
    else:
        StatusPrinter(Terminal()).status(found)
    return 1 if found.problems else 0


def approve(arguments: list[str], *, find: FindStage | None = None) -> int:
    """Let a REJECTED run pass the gate. Exits with 1 when it still does not end well."""
    return _operate("approve", arguments, approve.__doc__, find=find or find_stage)


def redrive(arguments: list[str], *, find: FindStage | None = None) -> int:
    """Try a run that ended badly again. Exits with 1 when it still does not end well."""
    return _operate("redrive", arguments, redrive.__doc__, find=find or find_stage)


def resend(arguments: list[str], *, find: FindStage | None = None) -> int:
    """Ask again for a run's mail or views that are not out. Exits with 1 when they still are not."""
    return _operate("resend", arguments, resend.__doc__, find=find or find_stage)


def find_stage(name: str) -> Stage:
    """The stage that is meant: on AWS, or in a local cloud by its stage or its address.

    Raises CommandFailed where none is named and not exactly one local cloud runs here.
    """
    running = list(all_running())
    here = [it for it in running if name in ("", it.stage, it.endpoint)]
    if len(here) > 1:
        listed = ", ".join(f"STAGE={it.endpoint} (stage {it.stage})" for it in here)
        raise CommandFailed(f"{len(here)} local clouds run in this checkout; name one of them: {listed}")
    if here:
        _declare(here[0].declarations)
        return Stage(here[0].stage, endpoint=here[0].endpoint)
    if name.startswith("http"):
        raise CommandFailed(
            f"STAGE={name}: no local cloud of this checkout is there; there are "
            f"{', '.join(it.endpoint for it in running) or 'none'}"
        )
    if name:
        from infra.deploying.stage import read_choices  # deferred: brings boto3, which `--help` need not take

        chosen = read_choices(check_stage(name)).settings
        _declare(chosen.get("DATASETS") or chosen.get("DATASET") or "")
        return Stage(name)
    raise CommandFailed("no local cloud runs in this checkout; start one with `make run`, or name a stage: STAGE=prod")


def _declare(names: str) -> None:
    """Have datasets that are declared in files of their own found by name; a file that is gone is passed over."""
    for path in (name.strip() for name in names.split(",")):
        if path.endswith(".toml") and Path(path).is_file():
            declared_dataset(path)


def _operate(command: str, arguments: list[str], about: str | None, *, find: FindStage) -> int:
    parser = stage_parser(command, about)
    parser.add_argument("--run", required=True, help="the run's id, such as 2020-10-25T17:00:00Z")
    args = parser.parse_args(arguments)
    words = StatusPrinter(Terminal())
    report = (lambda _: None) if args.json else words.say
    outcome = operate(find(args.stage).of(args.dataset), command, args.run, report=report)
    if args.json:
        print_json(_outcome_map(outcome))
    else:
        words.outcome(outcome)
    return 0 if outcome.good else 1


def stage_parser(command: str, about: str | None) -> argparse.ArgumentParser:
    """Of a command about one stage, which may answer a machine."""
    parser = argparse.ArgumentParser(prog=f"python -m infra {command}", description=about)
    parser.add_argument("--stage", default="", help="a stage on AWS; empty for the local cloud that runs here")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument(
        "--dataset", default="", help="one of the stage's datasets, or its .toml file; empty for the first, or for all"
    )
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


def print_json(answer: Mapping[str, object]) -> None:
    """An answer for machines, on standard output and nothing beside it."""
    print(json.dumps(answer, default=_plain, indent=1))


def _plain(value: object) -> object:
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON form here")
