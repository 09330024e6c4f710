"""Several datasets in a stage: one is added, one fails in each way, one is taken away, and the other goes its way."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from infra.deploying.deploy import deploy
from infra.deploying.deployed import Stage
from infra.errors import CommandFailed
from infra.local.chain import Chain, served_in
from infra.local.day_folders import Day
from infra.local.demo_admissions import demo_days_of_admissions
from infra.local.feed_server import Fault
from infra.local.local_cloud import LocalCloud
from shared.datasets import find_datasets
from shared.runs import Run, State
from tests.cloud.conftest import QUICK
from tests.cloud.stage_days import FIRST_DAY, NYT, Deploy, day_of, rows_upto

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("cloud")]

COVID, ADMISSIONS = "us-covid", "us-hospital-admissions"
BOTH = f"{COVID},{ADMISSIONS}"
FILE = "nhsn.csv"
LARGEST = 1_000_000
SETTINGS = QUICK | {"MAX_FEED_BYTES": str(LARGEST)}


def covid(day: int) -> Day:
    """So many days after the first load."""
    return replace(day_of(FIRST_DAY + dt.timedelta(days=day)), dataset=COVID)


def admissions(day: int, *, version: int = 0) -> Day:
    """That day, with one of the three versions that the demo days have of the feed."""
    files = demo_days_of_admissions()[version].files
    return Day(date=FIRST_DAY + dt.timedelta(days=day), dataset=ADMISSIONS, files=files)


def with_datasets(chain: Chain, names: str, *, cloud: LocalCloud) -> tuple[Chain, list[str]]:
    """The stage deployed anew with these datasets, and what the deployment reported."""
    datasets, reports = find_datasets(names), list[str]()
    urls = {it.name: chain.feeds.feed_urls(it, under=served_in(it, of=datasets)) for it in datasets}
    deploy(
        chain.stage.name,
        endpoint=cloud.endpoint,
        settings=SETTINGS | {"DATASETS": names, "FEED_URLS": json.dumps(urls)},
        out=cloud.folder / "build",
        report=reports.append,
    )
    return Chain(Stage(chain.stage.name, endpoint=cloud.endpoint), feeds=chain.feeds, mailbox=chain.mailbox), reports


def kept(chain: Chain, dataset: str) -> dict[str, Any]:
    """All that there is of a dataset: its objects, its runs, its head."""
    stage, bucket = chain.stage.of(dataset) if dataset != COVID else chain.stage, chain.stage.place.bucket
    pages = stage.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
    found = {it["Key"]: it["ETag"] for page in pages for it in page["Contents"]}
    return {
        "objects": {key: tag for key, tag in found.items() if key.split("/")[1] == dataset},
        "runs": list(stage.ledger.newest_first()),
        "head": stage.ledger.head(),
    }


def objects(chain: Chain, dataset: str) -> set[str]:
    pages = chain.stage.client("s3").get_paginator("list_objects_v2").paginate(Bucket=chain.stage.place.bucket)
    return {it["Key"] for page in pages for it in page["Contents"] if it["Key"].split("/")[1] == dataset}


def rules(chain: Chain) -> list[str]:
    """Rules of the stage's schedules beside the first dataset's."""
    found = chain.stage.client("events").list_rules(NamePrefix=f"covid-stats-{chain.stage.name}-runs-")["Rules"]
    return [rule["Name"] for rule in found]


def test_a_dataset_is_added_and_taken_away_and_the_other_does_not_notice(
    cloud: LocalCloud, deploy_chain: Deploy
) -> None:
    alone = deploy_chain("changing", DATASETS=COVID, MAX_FEED_BYTES=str(LARGEST))
    assert alone.carry(replace(covid(0), dataset="")).run.state is State.COMMITTED
    alone.await_views()
    before, data = kept(alone, COVID), alone.stage.get("/data")

    both, reports = with_datasets(alone, BOTH, cloud=cloud)
    added = both.carry(admissions(0))
    assert (added.problem, added.run.state, added.run.base_run_id) == ("", State.COMMITTED, None)
    assert (added.run.changed, added.run.removed, added.run.added > 1000) == (0, 0, True)
    assert [(mail.kind, mail.dataset) for mail in added.mails] == [("digest", ADMISSIONS)]
    both.await_views()
    assert kept(both, COVID) == before
    assert (both.stage.get("/data"), both.stage.get(f"/{COVID}/data")) == (data, data)
    assert json.loads(both.stage.get(f"/{ADMISSIONS}/data?limit=1"))[0].keys() > {"date", "series"}
    assert len(rules(both)) == 1

    stays = objects(both, ADMISSIONS)
    without, reports = with_datasets(both, COVID, cloud=cloud)
    removed = f"{ADMISSIONS}: is none of the stage's datasets (any more); no run of it starts, and its data stay"
    assert removed in reports
    assert (objects(without, ADMISSIONS), rules(without)) == (stays, [])
    next_day = without.carry(replace(covid(1), dataset=""))
    assert (next_day.run.state, [mail.kind for mail in next_day.mails]) == (State.COMMITTED, ["digest"])
    without.await_views()
    assert json.loads(without.stage.get("/data")) == rows_upto(next_day.day)
    with pytest.raises(CommandFailed, match="404"):
        without.stage.get(f"/{ADMISSIONS}/data")


HUGE = "huge"
BAD: Sequence[tuple[Fault | str, State]] = (
    (Fault.OTHER_HEADER, State.REJECTED),
    (Fault.SLOW, State.INCOMPLETE),
    (Fault.GARBAGE, State.INCOMPLETE),
    (HUGE, State.INCOMPLETE),
)


@pytest.fixture(scope="module")
def side_by_side(deploy_chain: Deploy) -> Chain:
    chain = deploy_chain("apart", DATASETS=BOTH, MAX_FEED_BYTES=str(LARGEST))
    assert [it.run.state for it in chain.carry_date([covid(0), admissions(0)])] == [State.COMMITTED] * 2
    return chain


def newest(chain: Chain, dataset: str) -> Run:
    return next(chain.stage.of(dataset).ledger.newest_first())


@pytest.mark.parametrize(("day", "fault", "state"), [(n, *bad) for n, bad in enumerate(BAD, start=1)])
def test_one_that_fails_in_any_way_holds_no_other_back(
    day: int, fault: Fault | str, state: State, side_by_side: Chain
) -> None:
    bad, good = admissions(day), covid(day)
    if fault == HUGE:
        bad = replace(bad, files={FILE: bytes(LARGEST + 1)})
    faults = {FILE: fault} if isinstance(fault, Fault) else {}
    failed, went_well = side_by_side.carry_date([bad, good], faults=faults)
    assert (failed.run.state, [mail.kind for mail in failed.mails]) == (state, ["failure"])
    assert (went_well.run.state, [mail.kind for mail in went_well.mails]) == (State.COMMITTED, ["digest"])
    side_by_side.await_views()
    assert json.loads(side_by_side.stage.get(f"/{COVID}/data")) == rows_upto(good)


def test_the_first_that_fails_holds_the_second_back_no_more_than_the_second_the_first(side_by_side: Chain) -> None:
    day = len(BAD) + 1
    failed, went_well = side_by_side.carry_date([covid(day), admissions(day, version=2)], faults={NYT: Fault.EMPTY})
    assert (failed.run.state, [mail.kind for mail in failed.mails]) == (State.REJECTED, ["failure"])
    assert (went_well.run.state, [mail.kind for mail in went_well.mails]) == (State.COMMITTED, ["digest"])
    side_by_side.await_views()
    assert side_by_side.stage.of(ADMISSIONS).served_run() == newest(side_by_side, ADMISSIONS).run_id
