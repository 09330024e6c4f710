"""`make run`: the whole system on this machine, days through it, and the dashboard until Ctrl-C."""

import argparse
import contextlib
import functools
import os
import threading
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError

from infra.errors import CommandFailed
from infra.local.chain import Carried, carry_all
from infra.local.day_display import DayDisplay
from infra.local.day_folders import Day, declared_datasets, read_days_of_all
from infra.local.demo_feeds import DEMONSTRATED, NOTICE, all_demo_days
from infra.local.local_system import LocalSystem, local_system
from shared.datasets import DEFAULT


def main(arguments: list[str]) -> int:
    """Run the whole system on this machine."""
    parser = argparse.ArgumentParser(prog="python -m infra run", description=main.__doc__)
    parser.add_argument("--feeds", default="", help="folder of YYYY-MM-DD folders, instead of the built-in demo days")
    parser.add_argument("--dataset", default="", help="whose feeds: names, or .toml files, with commas between")
    parser.add_argument("--no-serve", action="store_true", help="stop after the last day (SERVE=0 does the same)")
    parser.add_argument("--engine", default="", choices=["", "spark"], help="spark: every merge goes by Spark")
    args = parser.parse_args(arguments)
    serve = not args.no_serve and os.environ.get("SERVE") != "0"
    names = args.dataset or (DEFAULT if args.feeds else ",".join(DEMONSTRATED))
    datasets = declared_datasets(names)
    unknown = ", ".join(it.name for it in datasets if it.name not in DEMONSTRATED)
    if unknown and not args.feeds:
        listed = " and ".join(DEMONSTRATED)
        raise CommandFailed(f"the demo days are of {listed}; for {unknown}, FEEDS=dir names folders of its days")
    days = read_days_of_all(Path(args.feeds), datasets) if args.feeds else all_demo_days(datasets)
    return run(days, datasets=names, generated=not args.feeds, serve=serve, terminal=DayDisplay(), engine=args.engine)


def run(
    days: Sequence[Sequence[Day]],
    *,
    datasets: str,
    generated: bool,
    serve: bool,
    terminal: DayDisplay,
    engine: str = "",
) -> int:
    """0 when it ended as asked; raises CommandFailed where a day was not carried to its end."""
    settings = {"DATASETS": datasets} | ({"NOTICE": NOTICE} if generated else {})
    with local_system(terminal=terminal, stage="local", announce=True, settings=settings, engine=engine) as system:
        terminal.say()
        if generated:
            terminal.say("The feeds of these demo days are GENERATED, in the formats of the real ones.")
        done = carry_all(system.chain, days, report=functools.partial(_show, terminal))
        terminal.say()
        terminal.runs(done)
        failed = [carried.day for carried in done if carried.problem]
        if failed:
            listed = ", ".join(str(day.date) for day in failed)
            raise CommandFailed(f"{len(failed)} of {len(done)} days were not carried to their end: {listed}")
        system.chain.await_views()
        _serve(system, terminal, wait=serve)
    terminal.say("Everything is stopped and removed.")
    return 0


def _show(terminal: DayDisplay, done: Carried) -> None:
    terminal.day(done)
    for mail in done.mails:
        terminal.mail(mail)


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
