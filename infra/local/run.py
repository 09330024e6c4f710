"""`make run`: the whole system on this machine, days through it, and the dashboard until Ctrl-C."""

import argparse
import contextlib
import functools
import os
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from botocore.exceptions import BotoCoreError

from infra.declared_datasets import declared_datasets
from infra.errors import CommandFailed
from infra.local.chain import Carried, carry_all
from infra.local.day_display import DayDisplay
from infra.local.day_folders import Day, read_days_of_all
from infra.local.day_watching import DayWatcher, as_next_run
from infra.local.demo_feeds import DEMONSTRATED, NOTICE, all_demo_days
from infra.local.local_system import LocalSystem, local_system
from shared.datasets import DEFAULT
from shared.number_words import counted


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
    if not args.feeds:
        return run(
            all_demo_days(datasets), None, datasets=names, serve=serve, terminal=DayDisplay(), engine=args.engine
        )
    read = functools.partial(read_days_of_all, Path(args.feeds), datasets)
    days = read()
    return run(days, DayWatcher(read, days), datasets=names, serve=serve, terminal=DayDisplay(), engine=args.engine)


def run(
    days: Sequence[Sequence[Day]],
    watcher: DayWatcher | None,
    *,
    datasets: str,
    serve: bool,
    terminal: DayDisplay,
    engine: str = "",
) -> int:
    """0 when it ended by Ctrl-C; raises CommandFailed where a day was not carried to its end.

    `watcher` finds the days that come while it serves; without one the days are the generated ones, and there are no
    others.
    """
    settings = {"DATASETS": datasets} | ({"NOTICE": NOTICE} if watcher is None else {})
    with local_system(terminal=terminal, stage="local", announce=True, settings=settings, engine=engine) as system:
        terminal.say()
        if watcher is None:
            terminal.say("The feeds of these demo days are GENERATED, in the formats of the real ones.")
        done = carry_all(system.chain, days, report=functools.partial(_show, terminal))
        terminal.say()
        terminal.runs(done)
        failed = [carried.day for carried in done if carried.problem]
        if failed:
            listed = ", ".join(str(day.date) for day in failed)
            raise CommandFailed(f"{len(failed)} of {counted(len(done), 'day')} were not carried to their end: {listed}")
        system.chain.await_views()
        _serve(system, watcher, terminal, wait=serve)
    terminal.say("Everything is stopped and removed.")
    return 0


def _show(terminal: DayDisplay, done: Carried) -> None:
    terminal.day(done)
    for mail in done.mails:
        terminal.mail(mail)


def _serve(system: LocalSystem, watcher: DayWatcher | None, terminal: DayDisplay, *, wait: bool) -> None:
    """Until Ctrl-C; raises CommandFailed where the local cloud ends by itself."""
    terminal.say(f"\nDashboard  {system.stage.api_url}/")
    if not wait:
        return
    terminal.say(
        "While it runs, make status, trace, approve, redrive, annotate, resend, refresh, smoke and start find it."
    )
    if watcher:
        terminal.say("A new day folder, and one whose files you change, is carried as a run of its own.")
    terminal.say("Mails are shown as they come. Ctrl-C ends it.")
    pause = threading.Event()
    try:
        while system.cloud.is_alive():
            with contextlib.suppress(BotoCoreError):  # where the cloud has just ended, that is reported below
                for mail in system.chain.mailbox.read():
                    terminal.mail(mail)
                if watcher:
                    _carry_changes(system, watcher, terminal)
            pause.wait(1)
    except KeyboardInterrupt:
        terminal.say()
        return
    raise CommandFailed(f"the local cloud has ended by itself:\n{system.cloud.log_tail()}")


def _carry_changes(system: LocalSystem, watcher: DayWatcher, terminal: DayDisplay) -> None:
    """Each changed day as a run of its own."""
    for day in watcher.look():
        chain = system.chain.of(day.dataset)
        newest = next(chain.stage.ledger.newest_first(page=1), None)
        run = as_next_run(day, newest=newest.run_id if newest else "")
        if run:
            _show(terminal, chain.carry(replace(run, note=f"run {run.fetch_at}")))
        elif newest:
            reason = f"run {newest.run_id} is of a later day; change the newest day, or add one"
            terminal.say(f"{day.date}  has changed and is not carried: {reason}")
