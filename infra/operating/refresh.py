"""`make refresh [RUN=id] [STAGE=x]`: have the views of a committed run rendered anew.

For a refresh that failed for good, views that got lost, and a change of how they look that is not to wait for the next
commit. The api's own function does it, as it would for the ledger's stream: rendering again does no harm.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from infra.deploying.deployed import Stage
from infra.deploying.stacks import outputs
from infra.errors import CommandFailed
from infra.operating.commands import FindStage, find_stage, print_json, stage_parser
from infra.services import find_service
from infra.terminal import Terminal
from shared.attributes import AttributeValue, from_item, to_item
from shared.runs import State


def main(arguments: list[str], *, find: FindStage = find_stage) -> int:
    """Render the views of a committed run anew, of the one that is the head unless another is named."""
    parser = stage_parser("refresh", main.__doc__)
    parser.add_argument("--run", default="", help="the run's id, such as 2020-10-25T17:00:00Z; empty for the head")
    args = parser.parse_args(arguments)
    stage = find(args.stage).of(args.dataset)
    run_id = refresh(stage, args.run)
    served, invalidated = stage.served_run(), invalidate(stage, at=dt.datetime.now(dt.UTC))
    if args.json:
        print_json({"stage": stage.name, "run_id": run_id, "served": served, "invalidated": invalidated})
        return 0
    Terminal().say(f"stage {stage.name}: the views of run {run_id} are rendered; served is run {served}")
    if invalidated:
        Terminal().say("CloudFront was told to fetch everything anew; that takes a minute or two")
    return 0


def refresh(stage: Stage, run_id: str = "") -> str:
    """The run that was rendered. Raises CommandFailed where there is none to render, or it could not be."""
    wanted = run_id or stage.ledger.head().head
    if not wanted:
        raise CommandFailed(f"stage {stage.name} has no committed run yet")
    item = _read(stage, wanted)
    state = from_item(item).get("state")
    if state != State.COMMITTED:
        what = f"is {state}; only a COMMITTED one has views" if item else "is not there"
        raise CommandFailed(f"run {wanted} of stage {stage.name} {what}")
    answer = stage.invoke("api", "refresh_views", record_of(item))
    if answer["batchItemFailures"]:
        function = find_service("api").function_name("refresh_views", stage=stage.name)
        raise CommandFailed(f"run {wanted} could not be rendered; the last line of {function}'s log says why")
    return wanted


def invalidate(stage: Stage, *, at: dt.datetime) -> bool:
    """Have CloudFront, where there is one, fetch everything anew; whether there is.

    The function that rendered did so for what it saw changed. What got lost at the edge alone it cannot see, and a
    second invalidation under the first one's reference would be none: this one has the time in its reference.
    """
    if stage.endpoint:
        return False
    distribution = outputs(find_service("api").stack(stage.name), cloud=stage.cloud).get("DistributionId", "")
    if distribution:
        batch = {"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": f"refresh-{at.isoformat()}"}
        stage.client("cloudfront").create_invalidation(DistributionId=distribution, InvalidationBatch=batch)
    return bool(distribution)


def record_of(item: Mapping[str, AttributeValue]) -> dict[str, Any]:
    """The event by which the ledger's stream reported the commit, before anything was noted of its views."""
    image = {name: value for name, value in item.items() if name != "views"}
    return {"Records": [{"eventName": "MODIFY", "dynamodb": {"SequenceNumber": "1", "NewImage": image}}]}


def _read(stage: Stage, run_id: str) -> Mapping[str, AttributeValue]:
    """The run's item as DynamoDB has it; empty where there is none."""
    key = to_item({"dataset": stage.dataset.name, "run_id": run_id})
    reply = stage.client("dynamodb").get_item(TableName=stage.place.runs_table, Key=key, ConsistentRead=True)
    found: Mapping[str, AttributeValue] = reply.get("Item", {})
    return found
