"""`make subscribe [STAGE=x]`: ask again everyone who is to get mails and has not confirmed, or has cancelled."""

import json

from infra.deploying.deployed import Stage
from infra.errors import CommandFailed
from infra.operating.commands import FindStage, find_stage, print_json, stage_parser
from infra.operating.status import TOPICS, Subscription, find_subscriptions
from infra.terminal import Terminal


def main(arguments: list[str], *, find: FindStage = find_stage) -> int:
    """Send the mail that asks for a confirmation once more to those whose subscription is pending or cancelled."""
    parsed = stage_parser("subscribe", main.__doc__).parse_args(arguments)
    stage = find(parsed.stage)
    if stage.endpoint:
        raise CommandFailed("a local cloud sends no mails: there is nobody to ask")
    invited = subscribe(stage)
    if parsed.json:
        print_json({"stage": stage.name, "invited": [vars(it) for it in invited]})
        return 0
    terminal = Terminal()
    for it in invited:
        terminal.say(f"{it.address} was asked again to confirm {it.topic}; it was {it.state}")
    terminal.say(f"stage {stage.name}: {len(invited)} asked; a mail holds for three days")
    return 0


def subscribe(stage: Stage) -> list[Subscription]:
    """Those who were asked again. Subscribing once more is how SNS sends its mail once more."""
    lacking = [it for it in find_subscriptions(stage) if it.state != "confirmed"]
    for it in lacking:
        topic = stage.parameter(TOPICS[it.topic])
        attributes = {"FilterPolicy": json.dumps(it.chosen)} if it.chosen else {}
        stage.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint=it.address, Attributes=attributes)
    return lacking
