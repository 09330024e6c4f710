"""`make run`: the whole system on this machine, days through it, and the dashboard until Ctrl-C."""

import argparse
import contextlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError

from infra.errors import CommandFailed
from infra.local.chain import Carried
from infra.local.day_display import DayDisplay
from infra.local.day_folders import Day, declared_dataset, read_days
from infra.local.demo_feeds import NOTICE, demo_days
from infra.local.local_system import LocalSystem, local_system
from shared.datasets import DEFAULT


def main(arguments: list[str]) -> int:
    """Run the whole system on this machine."""
    parser = argparse.ArgumentParser(prog="python -m infra run", description=main.__doc__)
    parser.add_argument("--feeds", default="", help="folder of YYYY-MM-DD folders, instead of the built-in demo days")
    parser.add_argument("--dataset", default=DEFAULT, help="whose feeds those are: a name, or a .toml file")
    parser.add_argument("--no-serve", action="store_true", help="stop after the last day (SERVE=0 does the same)")
    args = parser.parse_args(arguments)
    serve = not args.no_serve and os.environ.get("SERVE") != "0"
    dataset = declared_dataset(args.dataset)
    if dataset.name != DEFAULT and not args.feeds:
        raise CommandFailed(f"the demo days are of {DEFAULT}; for {args.dataset}, FEEDS=dir names folders of its days")
    days = read_days(Path(args.feeds), dataset) if args.feeds else demo_days()
    return run(days, dataset=args.dataset, generated=not args.feeds, serve=serve, terminal=DayDisplay())


def run(days: Sequence[Day], *, dataset: str, generated: bool, serve: bool, terminal: DayDisplay) -> int:
    """0 when it ended as asked; raises CommandFailed where a day was not carried to its end."""
    settings = {"DATASET": dataset} | ({"NOTICE": NOTICE} if generated else {})
    with local_system(terminal=terminal, stage="local", announce=True, settings=settings) as system:
        terminal.say()
        if generated:
            terminal.say("The feeds of these demo days are GENERATED, in the formats of the two real ones.")
        done = [_carry(day, system, terminal) for day in days]
        terminal.say()
        terminal.runs(done)
        failed = [carried.day for carried in done if carried.problem]
        if failed:
            listed = ", ".join(str(day.date) for day in failed)
            raise CommandFailed(f"{len(failed)} of {len(days)} days were not carried to their end: {listed}")
        system.chain.await_views()
        _serve(system, terminal, wait=serve)
    terminal.say("Everything is stopped and removed.")
    return 0


def _carry(day: Day, system: LocalSystem, terminal: DayDisplay) -> Carried:
    done = system.chain.carry(day)
    terminal.day(done)
    for mail in done.mails:
        terminal.mail(mail)
    return done


def _serve(system: LocalSystem, terminal: DayDisplay, *, wait: bool) -> None:
    """Until Ctrl-C; raises CommandFailed where the local cloud ends by itself."""
    terminal.say(f"\nDashboard  {system.stage.api_url}/")
    if not wait:
        return
    terminal.say("While it runs, make status, trace, approve, redrive, refresh, smoke and start find it.")
    terminal.say("Mails are shown as they come. Ctrl-C ends it.")
    pause = threading.Event()
    try:
        while system.cloud.is_alive():
            with contextlib.suppress(BotoCoreError):  # where the cloud has just ended, that is reported below
                for mail in system.chain.mailbox.read():
                    terminal.mail(mail)
            pause.wait(1)
    except KeyboardInterrupt:
        terminal.say()
        return
    raise CommandFailed(f"the local cloud has ended by itself:\n{system.cloud.log_tail()}")
