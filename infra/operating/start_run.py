"""Start a run now, by an event: after a deployment, so that a change of logic shows at once and not tomorrow."""

import datetime as dt
import json

from infra.deploying.deployed import Stage
from infra.errors import CommandFailed
from infra.operating.commands import find_stage, print_json, stage_parser
from infra.terminal import Terminal
from shared.runs import run_id_at

SOURCE, DETAIL_TYPE = "covid-stats.delivery", "Deployment Succeeded"
"""What `infra/operations.yaml` has a rule for; the event's own time is the run's id."""


def main(arguments: list[str]) -> int:
    """Send the event that starts a run of a stage. It does not wait: `make status` tells what became of it."""
    parsed = stage_parser("start", main.__doc__).parse_args(arguments)
    stage = find_stage(parsed.stage).of(parsed.dataset)
    run_id = start_here(stage) if stage.endpoint else ""
    if run_id:
        what = f"run {run_id} was started; `make status` shows it"
    else:
        start_run(stage)
        what = f"the event was sent; `make status STAGE={stage.name}` shows the run"
    if parsed.json:
        print_json({"stage": stage.name, "run_id": run_id or None, "started": True})
        return 0
    Terminal().say(f"stage {stage.name}: {what}")
    return 0


def start_here(stage: Stage) -> str:
    """Start a run of a local stage, which has no rule for the event: of the day after its newest run. Gives its id."""
    run_id = run_id_at(stage.now() + dt.timedelta(days=1))
    stage.invoke("fetcher", "fetch", {"time": run_id, "dataset": stage.dataset.name})
    return run_id


def start_run(stage: Stage) -> None:
    """Put the event on the default bus. Raises CommandFailed where EventBridge refuses it, or nobody would hear it."""
    stage.parameter("bucket")  # a stage that is not there would be told of nothing
    detail = {"stage": stage.name} | ({"dataset": stage.dataset.name} if stage.named else {})
    entry = {"Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": json.dumps(detail)}
    reply = stage.client("events").put_events(Entries=[entry])
    if reply["FailedEntryCount"]:
        raise CommandFailed(f"EventBridge refused the event: {reply['Entries'][0]}")
