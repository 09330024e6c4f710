"""Stages live side by side in one account and share nothing; one that is torn down leaves nothing."""

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from infra.deploying.destroy import NotEmpty, destroy
from infra.local.chain import Chain
from infra.local.local_cloud import LocalCloud
from infra.local.local_system import deployed_chain
from infra.services import all_stacks
from tests.cloud.stage_days import Days, day_of
from tests.infra.deploying.inventory import inventory, of_stage

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("guarded")]

EVERYTHING = {"Operations": "yes", "Analytics": "yes", "ChangeStream": "yes"}
LEFT, RIGHT = "port", "starboard"


@pytest.fixture(scope="module")
def sides(guarded: LocalCloud) -> Iterator[tuple[Chain, Chain]]:
    """Two stages with all that a stage can have."""
    with ExitStack() as stack:
        port, starboard = (
            stack.enter_context(
                deployed_chain(stage, cloud=guarded, settings={}, parameters=EVERYTHING, report=lambda _: None)
            )
            for stage in (LEFT, RIGHT)
        )
        yield port, starboard


def resources(chain: Chain) -> set[tuple[str, str]]:
    """(type, physical id) of everything in the stage's stacks; a Glue table's is unique in its database alone."""
    client = chain.stage.client("cloudformation")
    listed: set[tuple[str, str]] = set()
    there = {it["StackName"] for page in client.get_paginator("describe_stacks").paginate() for it in page["Stacks"]}
    for stack in [name for name in all_stacks(chain.stage.name) if name in there]:
        for page in client.get_paginator("list_stack_resources").paginate(StackName=stack):
            listed |= {(it["ResourceType"], it["PhysicalResourceId"]) for it in page["StackResourceSummaries"]}
    return {(kind, name) for kind, name in listed if kind != "AWS::Glue::Table"}


def contents(chain: Chain) -> dict[str, Any]:
    """Everything that a stage keeps: rows, ledger, object keys."""
    dynamodb, s3 = chain.stage.client("dynamodb"), chain.stage.client("s3")
    tables = {
        table: dynamodb.scan(TableName=table)["Items"]
        for table in (chain.stage.place.runs_table, chain.stage.settings["OBSERVATIONS_TABLE"])
    }
    keys = [it["Key"] for it in s3.list_objects_v2(Bucket=chain.stage.place.bucket).get("Contents", ())]
    return tables | {"keys": keys}


def test_two_stages_share_nothing(guarded: LocalCloud, sides: tuple[Chain, Chain]) -> None:
    port, starboard = sides
    assert resources(port) & resources(starboard) == set()

    days = Days()
    first = port.carry(days.first_load())
    assert (first.problem, [mail.kind for mail in first.mails]) == ("", ["digest"])
    assert [list(kept) for kept in contents(starboard).values()] == [[], [], []]
    assert starboard.mailbox.read() == []

    other = starboard.carry(days.next())
    assert (other.problem, [mail.kind for mail in other.mails]) == ("", ["digest"])
    assert [run.run_id for run in port.stage.ledger.newest_first()] == [first.run.run_id]
    assert [run.run_id for run in starboard.stage.ledger.newest_first()] == [other.run.run_id]
    assert port.await_views() == first.run.run_id
    assert starboard.await_views() == other.run.run_id
    assert port.mailbox.read() == []


def test_a_stage_with_data_is_torn_down_by_force_only_and_leaves_nothing(
    guarded: LocalCloud, sides: tuple[Chain, Chain]
) -> None:
    for side in sides:
        assert side.carry(day_of(dt.date(2021, 7, 1))).problem == ""
    _, starboard = sides
    served = starboard.await_views()
    before = inventory(guarded)
    with pytest.raises(NotEmpty, match="FORCE=1"):
        destroy(LEFT, endpoint=guarded.endpoint, report=lambda _: None)
    assert inventory(guarded) == before

    destroy(LEFT, endpoint=guarded.endpoint, force=True, report=lambda _: None)
    mailbox = {thing for thing in of_stage(before, LEFT) if thing.endswith("-mailbox")}
    assert of_stage(inventory(guarded), LEFT) == mailbox  # the tests' own, which stands in for people's
    assert of_stage(inventory(guarded), RIGHT) == of_stage(before, RIGHT)
    assert starboard.stage.served_run() == served
