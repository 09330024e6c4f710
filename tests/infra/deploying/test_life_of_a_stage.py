"""One stage from the empty account to the empty account: deployed, run, upgraded, rolled back, restored, destroyed."""

import datetime as dt
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.deploying.deploy import deploy
from infra.deploying.destroy import destroy
from infra.deploying.stacks import DeploymentFailed
from infra.local.chain import Chain
from infra.local.local_cloud import LocalCloud
from infra.local.local_system import deployed_chain
from infra.operating import smoke
from infra.operating.restore import Restored, restore
from infra.operating.restoring import Brought
from infra.operating.start_run import start_run
from infra.services import ROOT, SERVICES, find_service
from infra.waiting import wait_for
from shared import keys
from shared.runs import Run, State
from tests.cloud.stage_days import Days
from tests.infra.deploying.inventory import inventory, of_stage

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("guarded")]

STAGE = "life"
EVERYTHING = {"Operations": "yes", "Analytics": "yes"}

type Deploy = Callable[..., tuple[str, ...]]


@pytest.fixture
def chain(guarded: LocalCloud) -> Iterator[Chain]:
    with deployed_chain(STAGE, cloud=guarded, settings={}, parameters=EVERYTHING, report=lambda _: None) as chain:
        yield chain


@pytest.fixture
def redeploy(guarded: LocalCloud, chain: Chain) -> Deploy:
    """Deploy the sources below a folder as the next release; what changed. Without a folder: the present ones."""
    dataset = chain.stage.place.dataset
    urls = json.dumps({dataset.name: chain.feeds.feed_urls(dataset)})

    def deploy_from(root: Path = ROOT) -> tuple[str, ...]:
        done = deploy(
            STAGE,
            endpoint=guarded.endpoint,
            settings={"FEED_URLS": urls},
            parameters=EVERYTHING,
            root=root,
            out=guarded.folder / "build",
            report=lambda _: None,
        )
        return done.changed

    return deploy_from


def release(folder: Path) -> Path:
    """The sources as the next release begins with them."""
    ignored = shutil.ignore_patterns("__pycache__", ".venv*", ".build")
    for name in (*SERVICES, "shared", "infra"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored, symlinks=True)
    return folder


def code_of(chain: Chain) -> dict[str, str]:
    """Function -> hash of its package."""
    client = chain.stage.client("lambda")
    names = [
        service.function_name(function, stage=STAGE) for service in SERVICES.values() for function in service.functions
    ]
    return {name: client.get_function_configuration(FunctionName=name)["CodeSha256"] for name in names}


def answers(chain: Chain) -> dict[str, bytes]:
    return {path: chain.stage.get(path) for path in ("/data", "/daily", "/weekly", "/monthly", "/runs")}


def test_life_of_a_stage(guarded: LocalCloud, chain: Chain, redeploy: Deploy, tmp_path: Path) -> None:
    days = Days()
    run_and_look(chain, days)
    upgrade_and_roll_back(chain, days, redeploy, tmp_path)
    damage_and_restore(chain, days)
    destroy(STAGE, endpoint=guarded.endpoint, force=True, report=lambda _: None)
    assert [thing for thing in of_stage(inventory(guarded), STAGE) if not thing.endswith("-mailbox")] == []


def run_and_look(chain: Chain, days: Days) -> None:
    first = chain.carry(days.first_load())
    assert (first.problem, first.run.state) == ("", State.COMMITTED)
    chain.await_views()
    assert list(smoke.find_faults(smoke.getter(chain.stage.api_url, loopback=True), headers={})) == []


def upgrade_and_roll_back(chain: Chain, days: Days, redeploy: Deploy, folder: Path) -> None:
    """A release of one service changes that service alone; one that fails, or is withdrawn, leaves the one before."""
    assert redeploy() == ()
    before = code_of(chain)

    better = release(folder / "better")
    (better / "notifier" / "app.py").open("a").write('\nRELEASE = "next"\n')
    assert redeploy(better) == ("notifier",)
    notifier = find_service("notifier").function_name("on_run_ended", stage=STAGE)
    after = code_of(chain)
    assert {name for name in before if before[name] != after[name]} == {notifier}
    upgraded = chain.carry(days.next())
    assert (upgraded.problem, [mail.kind for mail in upgraded.mails]) == ("", ["digest"])

    broken = release(folder / "broken")
    template = broken / "infra" / "fragments" / "notifier.yaml"
    refused = "Resources:\n  Refused: {Type: AWS::CloudWatch::Alarm, Properties: {Metrics: [{Expression: 1 + 1}]}}\n"
    template.write_text(template.read_text().replace("Resources:\n", refused, 1))
    with pytest.raises(DeploymentFailed, match="notifier ended as UPDATE_ROLLBACK_COMPLETE"):
        redeploy(broken)
    assert code_of(chain) == after

    assert redeploy() == ("notifier",)
    assert code_of(chain) == before
    rolled_back = chain.carry(days.next())
    assert (rolled_back.problem, [mail.kind for mail in rolled_back.mails]) == ("", ["digest"])

    chain.feeds.publish(days.next().read(), at=dt.datetime.now(dt.UTC))
    start_run(chain.stage)
    run = wait_for(lambda: ended_after(chain, rolled_back.run), seconds=60, what="the run after the deployment ends")
    assert run.state is State.COMMITTED
    assert [mail.kind for mail in chain.await_mails(run.run_id)] == ["digest"]


def ended_after(chain: Chain, last: Run) -> Run | None:
    newest = next(iter(chain.stage.ledger.newest_first()))
    return newest if newest.run_id > last.run_id and newest.state.ended else None


def damage_and_restore(chain: Chain, days: Days) -> None:
    """Rows, ledger, snapshots and views lost and overwritten: all of it is back, and the next run goes on from it."""
    chain.await_views()
    dynamodb, s3 = chain.stage.client("dynamodb"), chain.stage.client("s3")
    bucket, rows, runs = (
        chain.stage.place.bucket,
        chain.stage.settings["OBSERVATIONS_TABLE"],
        chain.stage.place.runs_table,
    )
    kept, kept_rows, good = answers(chain), dynamodb.scan(TableName=rows)["Items"], last_second(s3, bucket)
    backups = {
        table: dynamodb.create_backup(TableName=table, BackupName=f"{table}-good")["BackupDetails"]["BackupArn"]
        for table in (rows, runs)
    }
    wait_for(lambda: dt.datetime.now(dt.UTC) > good, seconds=5, what="the second of the last change is over")

    for item in kept_rows[:40]:
        dynamodb.delete_item(
            TableName=rows, Key={name: item[name] for name in item.keys() & {"dataset#series", "date"}}
        )
    head = {"dataset": {"S": "us-covid#head"}, "run_id": {"S": "head"}}
    dynamodb.delete_item(TableName=runs, Key=head)
    newest = next(iter(chain.stage.ledger.newest_first())).run_id
    for key in (
        keys.snapshot_key("us-covid", newest),
        keys.index_key("us-covid", newest),
        keys.view_key("us-covid", newest, "history.json.gz"),
    ):
        s3.delete_object(Bucket=bucket, Key=key)
    s3.put_object(Bucket=bucket, Key=keys.current_views_key("us-covid"), Body=b'{"run_id": "1999-01-01T00:00:00Z"}')
    s3.put_object(Bucket=bucket, Key=keys.view_key("us-covid", "stray", "data.json.gz"), Body=b"[]")

    reports = list[str]()
    done = restore(chain.stage, good, backups=backups, report=reports.append)
    assert [line.split(": ")[1] for line in reports] == [
        "4 objects brought back, 1 newer ones put away",
        "40 items written, 0 deleted",
        "1 items written, 0 deleted",
        "0 runs forgotten",
    ]
    written = {rows: Brought(written=40, deleted=0), runs: Brought(written=1, deleted=0)}
    assert done == Restored(objects=Brought(written=4, deleted=1), items=written, forgotten=frozenset())
    assert answers(chain) == kept
    assert dynamodb.scan(TableName=rows)["Items"] == kept_rows
    start_run(chain.stage)
    wait_for(lambda: ended_after(chain, chain.stage.ledger.get(newest)), seconds=60, what="the run after that ends")


def last_second(s3: Any, bucket: str) -> dt.datetime:
    """The end of the second in which the newest object came."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    times: list[dt.datetime] = [it["LastModified"] for page in pages for it in page["Contents"]]
    return max(times).replace(microsecond=0) + dt.timedelta(seconds=1)
