"""Start a run now, by an event: after a deployment, so that a change of logic shows at once and not tomorrow."""

import datetime as dt
import itertools
import json

from infra.deploying.deployed import Stage
from infra.errors import CommandFailed
from infra.operating.commands import find_stage, print_json, stage_parser
from infra.terminal import Terminal
from shared.runs import run_id_at

SOURCE, DETAIL_TYPE = "covid-stats.delivery", "Deployment Succeeded"
"""What `infra/operations.yaml` has a rule for; the event's own time is the run's id."""
_ENTRIES = 10
"""EventBridge takes no more at once."""


def main(arguments: list[str]) -> int:
    """Send the event that starts a run of a stage. It does not wait: `make status` tells what became of it."""
    parsed = stage_parser("start", main.__doc__).parse_args(arguments)
    stage = find_stage(parsed.stage).of(parsed.dataset)
    datasets = [one.dataset.name for one in stage.each]
    runs: dict[str, str | None] = dict.fromkeys(datasets)
    if stage.endpoint:
        runs |= dict.fromkeys(datasets, start_here(stage))
    else:
        start_run(stage)
    if parsed.json:
        first = next(iter(runs.values()))
        print_json({"stage": stage.name, "run_id": first, "runs": runs, "started": True})
        return 0
    for dataset, run_id in runs.items():
        of = f" of {dataset}" if len(stage.place.datasets) > 1 else ""
        what = f"run {run_id}{of} was started" if run_id else f"the event for a run{of} was sent"
        Terminal().say(f"stage {stage.name}: {what}")
    Terminal().say(f"`make status{'' if stage.endpoint else f' STAGE={stage.name}'}` shows what becomes of it")
    return 0


def start_here(stage: Stage) -> str:
    """Start a run of each dataset that is meant of a local stage, which has no rule for the event.

    They are of the day after the stage's newest run. Gives their id.
    """
    run_id = run_id_at(stage.now() + dt.timedelta(days=1))
    for one in stage.each:
        one.invoke("fetcher", "fetch", {"time": run_id, "dataset": one.dataset.name})
    return run_id


def start_run(stage: Stage) -> None:
    """Put an event on the default bus for each dataset that is meant: all, where none is named.

    Raises CommandFailed where EventBridge refuses one, or nobody would hear it.
    """
    stage.parameter("bucket")  # a stage that is not there would be told of nothing
    for datasets in itertools.batched([stage.dataset] if stage.named else stage.place.datasets, _ENTRIES):
        details = [{"stage": stage.name, "dataset": dataset.name} for dataset in datasets]
        entries = [{"Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": json.dumps(detail)} for detail in details]
        reply = stage.client("events").put_events(Entries=entries)
        if reply["FailedEntryCount"]:
            refused = next(entry for entry in reply["Entries"] if "ErrorCode" in entry)
            raise CommandFailed(f"EventBridge refused the event: {refused}")
