"""`make replay`: day folders through a fresh local cloud, and what came of them, below OUT.

OUT/runs.jsonl           a line a day, written as the day is done
OUT/changes/DAY.json     the day's change set; an empty one where the run committed nothing
OUT/api/                 after the last day, as answered: data, daily, weekly, monthly (.json), vintages.csv and
                         dashboard.html

With several datasets each line names its `dataset`, and there is a folder for each below OUT/changes and OUT/api.
"""

import argparse
import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from infra.declared_datasets import declared_datasets
from infra.errors import CommandFailed
from infra.local.chain import Carried, Chain, carry_all
from infra.local.day_display import DayDisplay
from infra.local.day_folders import Day, read_days_of_all
from infra.local.local_system import local_system
from shared.datasets import DEFAULT
from shared.number_words import counted

ANSWERS = {
    "data.json": "/data",
    "daily.json": "/daily",
    "weekly.json": "/weekly",
    "monthly.json": "/monthly",
    "vintages.csv": "/vintages?format=csv",
    "dashboard.html": "/",
}
"""File below OUT/api -> path of the API."""


def main(arguments: list[str]) -> int:
    """Replay day folders through a fresh local cloud."""
    parser = argparse.ArgumentParser(prog="python -m infra replay", description=main.__doc__)
    parser.add_argument("--feeds", required=True, help="folder of YYYY-MM-DD folders")
    parser.add_argument("--out", required=True, help="folder for what came of them")
    parser.add_argument("--dataset", default=DEFAULT, help="whose feeds: names, or .toml files, with commas between")
    parser.add_argument("--from", dest="first", default="", help="first day, YYYY-MM-DD")
    parser.add_argument("--to", dest="last", default="", help="last day, YYYY-MM-DD")
    parser.add_argument("--engine", default="", choices=["", "spark"], help="spark: every merge goes by Spark")
    args = parser.parse_args(arguments)
    terminal = DayDisplay()
    datasets = declared_datasets(args.dataset)
    days = read_days_of_all(Path(args.feeds), datasets, first=args.first, last=args.last)
    return replay(days, datasets=args.dataset, out=Path(args.out), terminal=terminal, engine=args.engine)


def replay(days: Sequence[Sequence[Day]], *, datasets: str, out: Path, terminal: DayDisplay, engine: str = "") -> int:
    """0 when every day was carried to its end and the API answered, else 1 after printing why."""
    terminal.say(
        f"{counted(len(days), 'day')}, {days[0][0].date} to {days[-1][0].date}, through a fresh local cloud;"
        f" what comes of it is written to {out}, in place of an earlier replay"
    )
    records = Records(out)
    settings = {"DATASETS": datasets}
    with local_system(terminal=terminal, stage="replay", settings=settings, engine=engine) as system:
        done = carry_all(system.chain, days, report=functools.partial(_record, records, terminal))
        failed = [it.day for it in done if it.problem]
        with terminal.step("Ask the API"):
            records.answers(system.chain)
    if failed:
        listed = ", ".join(str(day.date) for day in failed)
        raise CommandFailed(f"{len(failed)} of {counted(len(days), 'day')} were not carried to their end: {listed}")
    terminal.say(f"{counted(len(days), 'day')} {'is' if len(days) == 1 else 'are'} in {out}")
    return 0


def _record(records: "Records", terminal: DayDisplay, done: Carried) -> None:
    records.write(done)
    terminal.day(done)


class Records:
    """The files below OUT. What an earlier replay left there is removed first: OUT holds one replay."""

    def __init__(self, out: Path) -> None:
        self._out = out
        for folder in (out / "changes", out / "api"):
            folder.mkdir(parents=True, exist_ok=True)
            for inside in (folder, *(path for path in folder.iterdir() if path.is_dir())):
                for path in (*inside.glob("????-??-??.json"), *(inside / name for name in ANSWERS)):
                    path.unlink(missing_ok=True)
        (out / "runs.jsonl").write_bytes(b"")

    def write(self, done: Carried) -> None:
        """A day's line and its change set."""
        path = self._out / "changes" / done.day.dataset / f"{done.day.date}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(done.change_set)
        with (self._out / "runs.jsonl").open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(as_line(done), ensure_ascii=False) + "\n")

    def answers(self, chain: Chain) -> None:
        """What the API answers once the last commit's views are served."""
        chain.await_views()
        for of_one in chain.all:
            stage = of_one.stage
            folder = self._out / "api" / stage.path.strip("/")
            folder.mkdir(exist_ok=True)
            for name, path in ANSWERS.items():
                read = stage.get_table if name.endswith(".json") else stage.get
                (folder / name).write_bytes(read(stage.path + path))


def as_line(done: Carried) -> dict[str, Any]:
    """A day's line in `runs.jsonl`."""
    run = done.run
    return (
        {"day": str(done.day.date)}
        | ({"dataset": done.day.dataset} if done.day.dataset else {})
        | {
            "run_id": run.run_id,
            "state": run.state.value,
            "reason": run.reason,
            "warnings": list(run.summary.get("warnings", [])),
            "added": run.added,
            "changed": run.changed,
            "removed": run.removed,
            "mails": [{"kind": mail.kind, "subject": mail.subject, "body": mail.body} for mail in done.mails],
            "seconds": done.seconds,
        }
    )
