"""Start a run now, by an event: after a deployment, so that a change of logic shows at once and not tomorrow."""

import argparse
import json

from infra.deployed import Stage
from infra.operate import find_stage
from infra.problems import CommandFailed
from infra.terminal import Terminal

SOURCE, DETAIL_TYPE = "covid-stats.delivery", "Deployment Succeeded"
"""What `infra/operations.yaml` has a rule for; the event's own time is the run's id."""


def main(arguments: list[str]) -> int:
    """Send the event that starts a run of a stage. It does not wait: `make status` tells what became of it."""
    parser = argparse.ArgumentParser(prog="python -m infra start", description=main.__doc__)
    parser.add_argument("--stage", default="", help="a stage on AWS; empty for the local cloud that runs here")
    stage = find_stage(parser.parse_args(arguments).stage)
    start_run(stage)
    Terminal().say(f"stage {stage.name}: a run was asked for; `make status STAGE={stage.name}` shows it")
    return 0


def start_run(stage: Stage) -> None:
    """Put the event on the default bus. Raises CommandFailed where EventBridge refuses it."""
    entry = {"Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": json.dumps({"stage": stage.name})}
    reply = stage.client("events").put_events(Entries=[entry])
    if reply["FailedEntryCount"]:
        raise CommandFailed(f"EventBridge refused the event: {reply['Entries'][0]}")
