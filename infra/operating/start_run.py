"""Start a run now, by an event: after a deployment, so that a change of logic shows at once and not tomorrow."""

import argparse
import datetime as dt
import json

from infra.deploying.deployed import Stage
from infra.errors import CommandFailed
from infra.operating.commands import find_stage
from infra.terminal import Terminal
from shared.runs import run_id_at

SOURCE, DETAIL_TYPE = "covid-stats.delivery", "Deployment Succeeded"
"""What `infra/operations.yaml` has a rule for; the event's own time is the run's id."""


def main(arguments: list[str]) -> int:
    """Send the event that starts a run of a stage. It does not wait: `make status` shows what became of it."""
    parser = argparse.ArgumentParser(prog="python -m infra start", description=main.__doc__)
    parser.add_argument("--stage", default="", help="a stage on AWS; empty for the local cloud that runs here")
    stage = find_stage(parser.parse_args(arguments).stage)
    if stage.endpoint:
        what = f"run {start_here(stage)} was started; `make status` shows it"
    else:
        start_run(stage)
        what = f"a run was asked for; `make status STAGE={stage.name}` shows it"
    Terminal().say(f"stage {stage.name}: {what}")
    return 0


def start_here(stage: Stage) -> str:
    """Start a run of a local stage, which has no rule for the event: of the day after its newest run. Gives its id."""
    run_id = run_id_at(stage.now() + dt.timedelta(days=1))
    stage.invoke("fetcher", "fetch", {"time": run_id})
    return run_id


def start_run(stage: Stage) -> None:
    """Put the event on the default bus. Raises CommandFailed where EventBridge refuses it."""
    entry = {"Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": json.dumps({"stage": stage.name})}
    reply = stage.client("events").put_events(Entries=[entry])
    if reply["FailedEntryCount"]:
        raise CommandFailed(f"EventBridge refused the event: {reply['Entries'][0]}")
