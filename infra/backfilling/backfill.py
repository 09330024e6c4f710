"""`make backfill DATASET=name FROM=place`: dated copies of the feeds become runs of a stage, known from their own time.

They are merged in this process, by the merger's code, and stand before the stage's own runs: see
`infra/decisions/0070-history-stands-before-the-first-run.md`.
"""

import argparse
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infra.backfilling.service_code import use_code_of
from infra.backfilling.sources import read_versions
from infra.backfilling.versions import DatedCopy
from infra.deploying.deployed import Stage
from infra.errors import CommandFailed
from infra.local.day_folders import declared_dataset
from infra.operating.commands import FindStage, find_stage
from infra.terminal import Terminal
from shared.dataset import Dataset
from shared.datasets import DEFAULT
from shared.runs import State

if TYPE_CHECKING:
    from infra.backfilling.carrying import Record
    from infra.backfilling.recording import Recorder

_AHEAD = 8
"""Runs that are merged while earlier ones are being written."""
_EVERY_SECONDS = 2.0
"""How often it says how far it is."""


@dataclass(kw_only=True)
class Backfilled:
    """What a backfill came to."""

    counts: Counter[str] = field(default_factory=Counter)
    """State -> runs written."""
    passed_over: list[str] = field(default_factory=list)
    """Versions of which nothing was committed, with the reason."""
    there: int = 0
    """Versions that were runs before it began."""
    head: str = ""
    """The run that the stage serves now."""


def main(arguments: list[str], *, find: FindStage = find_stage) -> int:
    """Make dated copies of a dataset's feeds runs of a stage, before its own first run."""
    parser = argparse.ArgumentParser(prog="python -m infra backfill", description=main.__doc__)
    parser.add_argument("--stage", default="", help="a stage on AWS; empty for the local cloud that runs here")
    parser.add_argument("--dataset", default=DEFAULT, help="whose feeds those are: a name, or a .toml file")
    parser.add_argument("--from", dest="places", required=True, help="day folders, or git clones with commas between")
    parser.add_argument("--paths", default="", help="feed=path in the repository, with commas between")
    parser.add_argument("--until", default="", help="only versions before this time, such as 2020-10-25T17:00:00Z")
    chosen = parser.parse_args(arguments)
    terminal, dataset = Terminal(), declared_dataset(chosen.dataset)
    paths = _pairs(chosen.paths)
    versions = read_versions(chosen.places.split(","), dataset, paths=paths, until=chosen.until)
    stage = find(chosen.stage)
    began = time.monotonic()
    done = backfill(stage, dataset, versions, source=f"backfill {chosen.places}", report=terminal.say)
    states = ", ".join(f"{count} {state}" for state, count in sorted(done.counts.items())) or "nothing new"
    seconds = time.monotonic() - began
    terminal.say(f"stage {stage.name}: {states}, {done.there} were there; {seconds:.0f} s; served is run {done.head}")
    return 0


def backfill(
    stage: Stage, dataset: Dataset, versions: Sequence[DatedCopy], *, source: str, report: Callable[[str], None]
) -> Backfilled:
    """Carry all versions that lie before the stage's own first run and are not runs yet.

    Stopped at any point and called again it goes on where it was. Raises CommandFailed where the versions do not
    follow those that are there.
    """
    use_code_of("merger", "api")
    from infra.backfilling.recording import Recorder  # deferred: the services' code is importable from here on

    if dataset.name not in (served := [it.name for it in stage.place.datasets]):
        raise CommandFailed(f"stage {stage.name} has no dataset {dataset.name!r}; it has {served}")
    stage = stage.of(dataset.name)
    recorder, done = Recorder(stage, dataset), Backfilled()
    items = recorder.items()
    past = [item for item in items if item.get("source")]
    own = min((item["run_id"] for item in items if not item.get("source")), default="9")
    head = stage.ledger.head().head
    todo = list(_remaining(versions, past=past, own=own, head=head, done=done))
    for text in done.passed_over:
        report(f"passed over: {text}")
    _carry_all(todo, stage, dataset, source=source, past=past, recorder=recorder, done=done, report=report)
    done.head = _serve(stage, dataset, recorder)
    return done


def _remaining(
    versions: Sequence[DatedCopy], *, past: Sequence[Mapping[str, Any]], own: str, head: str, done: Backfilled
) -> Iterator[DatedCopy]:
    """The versions that can become runs, in order: behind those that are there, before anything that was served."""
    there = {item["run_id"] for item in past}
    last = max(there, default="")
    for version in versions:
        if version.time in there:
            done.there += 1
        elif version.time >= own:
            done.passed_over.append(f"{version.time} ({version.note}): the stage's own runs begin at {own}")
        elif version.time < last:
            done.passed_over.append(f"{version.time} ({version.note}): {last}, which is later, is there already")
        elif head and version.time > head:
            done.passed_over.append(
                f"{version.time} ({version.note}): the stage stands at {head}, which was backfilled"
            )
        else:
            yield version


def _carry_all(
    versions: Sequence[DatedCopy],
    stage: Stage,
    dataset: Dataset,
    *,
    source: str,
    past: Sequence[Mapping[str, Any]],
    recorder: "Recorder",
    done: Backfilled,
    report: Callable[[str], None],
) -> None:
    """Merge in this thread, write in another: in order, so that what is written is always a beginning."""
    from chalicelib.runs.merge_settings import read_policy
    from infra.backfilling.carrying import Carrier

    limits = read_policy(stage.settings).limits(dataset)
    carrier = Carrier(dataset, limits=limits, source=source, standing=recorder.standing(past))
    waiting: queue.Queue[Record | None] = queue.Queue(_AHEAD)
    failures = list[Exception]()

    def write() -> None:
        while (record := waiting.get()) is not None:
            if failures:
                continue
            try:
                recorder.write(record)
                done.counts[record.state.value] += 1
            except Exception as error:
                failures.append(error)

    writer = threading.Thread(target=write, name="backfill-writer")
    writer.start()
    looked = time.monotonic()
    try:
        for place, version in enumerate(versions, start=1):
            if failures:
                break
            missing = sorted(dataset.feed_names - version.files.keys())
            if missing:
                _pass_over(version, f"no file of {', '.join(missing)}", done, report)
                continue
            record = carrier.carry(version)
            if record.state is State.REJECTED:
                _pass_over(version, str(record.values["reason"]), done, report)
            waiting.put(record)
            if time.monotonic() - looked > _EVERY_SECONDS:
                looked = time.monotonic()
                report(f"{place} of {len(versions)} versions, at {version.time}")
    finally:
        waiting.put(None)
        writer.join()
    if failures:
        raise failures[0]


def _pass_over(version: DatedCopy, reason: str, done: Backfilled, report: Callable[[str], None]) -> None:
    done.passed_over.append(f"{version.time} ({version.note}): {reason}")
    report(f"passed over: {done.passed_over[-1]}")


def _serve(stage: Stage, dataset: Dataset, recorder: "Recorder") -> str:
    """Have the stage answer with the whole history: adopt the last run where there is no head, and render the head."""
    from infra.backfilling.serving import render_with_past

    items = recorder.items()
    past = [item for item in items if item.get("source")]
    committed = [item["run_id"] for item in past if item["state"] == State.COMMITTED]
    standing = recorder.standing(past)
    if standing and not recorder.adopt(standing, committed):
        raise CommandFailed("a run of the stage is writing its first rows; once it has ended, the same command goes on")
    return render_with_past(stage, dataset)


def _pairs(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",") if part]
    if bad := [name for name, equals, path in pairs if not (name and equals and path)]:
        raise CommandFailed(f"PATHS is {text!r}; FEED=PATH with commas between is expected (see {bad[0]!r})")
    return {name: path for name, _, path in pairs}
