"""From a record of the ledger's stream to what is served: repeats, order, failures, rivals, what was passed over."""

import functools
import gzip
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.refresh.invalidation import Distribution, paths_of
from chalicelib.refresh.refreshing import Refresher
from shared.dataset import ONE_SERIES
from shared.errors import HeadMoved
from tests.api.committing import Committer
from tests.api.conftest import some_rows
from tests.api.serving import ApiApp
from tests.shared.in_memory import BUCKET, Cloud, event

FIRST, SECOND, THIRD = (f"2020-03-0{day}T17:00:00Z" for day in (2, 3, 4))
NOTHING_FAILED: dict[str, Any] = {"batchItemFailures": []}


def pointer(cloud: Cloud) -> str:
    run_id: str = json.loads(cloud.objects()["views/us-covid/current.json"][0])["run_id"]
    return run_id


def test_a_committed_run_is_rendered_served_and_marked(api: ApiApp, committer: Committer, cloud: Cloud) -> None:
    assert api.refresh(committer.commit(FIRST, some_rows(days=3))) == NOTHING_FAILED
    views = {key for key in cloud.objects() if key.startswith(f"views/us-covid/{FIRST}/")}
    assert views == {
        f"views/us-covid/{FIRST}/{name}.gz"
        for name in (
            *(f"{table}.{form}" for table in ("data", "daily", "weekly", "monthly") for form in ("json", "csv")),
            "dashboard.html",
            "days.json",
            "figures.json",
            "history.json",
            "outlook.json",
            "trend.json",
            "vintages.csv",
            "vintages.json",
        )
    }
    assert (pointer(cloud), api.get(f"/runs/{FIRST}").json["views"]) == (FIRST, "RENDERED")


def test_a_repeated_refresh_gives_the_same_bytes(api: ApiApp, committer: Committer, cloud: Cloud) -> None:
    records = [committer.commit(run, some_rows(days=n)) for n, run in enumerate((FIRST, SECOND), 3)]
    api.refresh(*records)
    before = cloud.objects()
    assert api.refresh(*records) == NOTHING_FAILED
    assert api.refresh(records[1]) == NOTHING_FAILED
    assert cloud.objects() == before


def test_an_older_run_never_takes_the_place_of_a_newer_one(api: ApiApp, committer: Committer, cloud: Cloud) -> None:
    older, newer = (committer.commit(run, some_rows(days=n)) for n, run in enumerate((FIRST, SECOND), 3))
    api.refresh(newer)
    api.refresh(older)
    assert pointer(cloud) == SECOND
    assert [run["views"] for run in api.get("/runs").json] == ["RENDERED", "RENDERED"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=12)
@given(order=st.permutations([0, 0, 1, 2, 2]))
def test_in_whatever_order_and_however_often_records_come_the_same_is_served(
    api: ApiApp, committer: Committer, cloud: Cloud, order: list[int]
) -> None:
    cloud.clear()
    committer.rows, committer.head = {}, None
    runs = (FIRST, SECOND, THIRD)
    records = [committer.commit(run, some_rows(days=n)) for n, run in enumerate(runs, 3)]
    for n in order:
        assert api.refresh(records[n]) == NOTHING_FAILED
    assert pointer(cloud) == THIRD
    assert [len(api.get(f"/data?as_of={run[:10]}").json) for run in runs] == [3, 4, 5]
    assert [entry["run_id"] for entry in api.get("/data/2020-01-26").json["history"]] == [THIRD]


def test_a_poison_record_neither_stops_nor_hides_its_neighbours(
    api: ApiApp, committer: Committer, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    good, later = (committer.commit(run, some_rows(days=n)) for n, run in enumerate((FIRST, SECOND), 3))
    broken = {"dynamodb": {"SequenceNumber": "7", "NewImage": {"state": {"S": "COMMITTED"}, "run_id": {"?": "x"}}}}
    capsys.readouterr()
    assert api.refresh(good, broken, later) == {"batchItemFailures": [{"itemIdentifier": "7"}]}
    assert pointer(cloud) == SECOND
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["views_rendered"], line["views_failed"], line["outcome"]) == (2, 1, "ViewsFailed")
    assert "7: EventMalformed" in line["error"]


def test_a_run_that_cannot_be_rendered_is_marked_and_the_last_good_one_is_served(
    api: ApiApp, committer: Committer, cloud: Cloud
) -> None:
    api.refresh(committer.commit(FIRST, some_rows(days=3)))
    record = committer.commit(SECOND, some_rows(days=4))
    cloud.s3.put_object(Bucket=BUCKET, Key=f"snapshots/us-covid/{SECOND}.csv", Body=b"not,a,snapshot\n")
    assert api.refresh(record) == {"batchItemFailures": [{"itemIdentifier": "120200303"}]}
    assert (
        pointer(cloud),
        api.get(f"/runs/{SECOND}").json["views"],
        len(api.get("/data").json),
    ) == (FIRST, "FAILED", 3)


def test_a_run_that_was_passed_over_is_rendered_with_the_next(api: ApiApp, committer: Committer, cloud: Cloud) -> None:
    for n, run in enumerate((FIRST, SECOND), 3):
        committer.commit(run, some_rows(days=n))
    assert api.refresh(committer.commit(THIRD, some_rows(days=5))) == NOTHING_FAILED
    assert [len(api.get(f"/data?as_of={run[:10]}").json) for run in (FIRST, SECOND, THIRD)] == [3, 4, 5]
    assert {run["views"] for run in api.get("/runs").json} == {"RENDERED"}


def test_the_history_goes_on_where_an_old_snapshot_is_gone(api: ApiApp, committer: Committer, cloud: Cloud) -> None:
    committer.commit(FIRST, some_rows(days=3))
    cloud.s3.delete_object(Bucket=BUCKET, Key=f"snapshots/us-covid/{FIRST}.csv")
    assert api.refresh(committer.commit(SECOND, some_rows(days=4))) == NOTHING_FAILED
    run_ids = [entry["run_id"] for entry in api.get("/data/2020-01-22").json["history"]]
    assert (run_ids, api.get(f"/data?as_of={FIRST[:10]}").status) == ([FIRST], 503)


@pytest.mark.parametrize("state", ["UNCHANGED", "REJECTED", "MERGING"])
def test_records_that_ask_for_nothing_are_passed_over(
    api: ApiApp, committer: Committer, cloud: Cloud, state: str
) -> None:
    assert api.refresh(committer.end(FIRST, state)) == NOTHING_FAILED
    assert api.refresh(committer.end(SECOND, "COMMITTED", views="RENDERED")) == NOTHING_FAILED
    assert api.refresh(*event("stream_notice")["Records"], *event("stream_rejected")["Records"]) == NOTHING_FAILED
    assert api.refresh({"dynamodb": {"SequenceNumber": "9", "Keys": {}}}) == NOTHING_FAILED
    assert cloud.objects() == {}


class Rival:
    """S3 as somebody else sees it too: before a pointer is written, the rival moves it."""

    def __init__(self, client: Any, *, rivals: list[Callable[[], object]]) -> None:
        self._client, self._rivals = client, rivals

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def put_object(self, **request: Any) -> Any:
        if request["Key"] == "views/us-covid/current.json" and self._rivals:
            self._rivals.pop(0)()
        return self._client.put_object(**request)


def refresher(api: ApiApp, client: Any, edge: Distribution | None = None) -> Refresher:
    made = api.module.refresher()
    return Refresher(
        client, bucket=BUCKET, ledger=api.module.ledger(), dataset=made._dataset, assets=made._assets, distribution=edge
    )


@pytest.mark.parametrize("rival", [FIRST, THIRD])
def test_a_pointer_that_is_moved_meanwhile_is_read_again(
    api: ApiApp, committer: Committer, cloud: Cloud, rival: str
) -> None:
    record = committer.commit(SECOND, some_rows(days=4))
    moved = json.dumps({"run_id": rival, "views": {}}).encode()
    moves: list[Callable[[], object]] = [
        lambda: cloud.s3.put_object(Bucket=BUCKET, Key="views/us-covid/current.json", Body=moved)
    ]
    refresher(api, Rival(cloud.s3, rivals=moves)).refresh(_run(record))
    assert pointer(cloud) == max(SECOND, rival)


def test_a_pointer_that_is_always_moved_meanwhile_is_left_for_another_try(
    api: ApiApp, committer: Committer, cloud: Cloud
) -> None:
    record = committer.commit(SECOND, some_rows(days=4))

    def move(n: int) -> None:
        body = json.dumps({"run_id": FIRST, "views": {}, "n": n}).encode()
        cloud.s3.put_object(Bucket=BUCKET, Key="views/us-covid/current.json", Body=body)

    moves: list[Callable[[], object]] = [functools.partial(move, n) for n in range(50)]
    with pytest.raises(HeadMoved, match="moved by others 8 times"):
        refresher(api, Rival(cloud.s3, rivals=moves)).refresh(_run(record))
    assert pointer(cloud) == FIRST


class FakeCloudFront:
    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []

    def create_invalidation(self, **request: Any) -> None:
        self.requests.append(request)


def test_only_what_changed_is_invalidated_and_not_before_held_pointers_are_old(
    api: ApiApp, committer: Committer, cloud: Cloud
) -> None:
    front, waited = FakeCloudFront(), list[float]()
    edge = Distribution(front, distribution="E1", holding=1.5, wait=waited.append)
    refreshing = refresher(api, cloud.s3, edge)
    refreshing.refresh(_run(committer.commit(FIRST, some_rows(days=40))))
    refreshing.refresh(_run(committer.commit(SECOND, some_rows(days=40) | {(ONE_SERIES, "2020-02-29"): [1, 1, 1]})))
    first, second = (request["InvalidationBatch"]["Paths"]["Items"] for request in front.requests)
    assert waited == [1.5, 1.5]
    tables = ["/daily*", "/data*", "/data/*", "/embed*", "/figures*", "/monthly*"]
    wherever = ["/changes*", "/chart*", "/docs*", "/latest*", "/revisions*", "/runs*", "/vintages*"]
    assert sorted(["/", "/?*", *wherever, *tables, "/weekly*"]) == sorted(first)
    assert sorted(["/", "/?*", *wherever, *tables]) == sorted(second)  # within one week: its sum is as it was
    assert front.requests[0]["DistributionId"] == "E1"


def test_paths_are_those_of_the_views_that_changed() -> None:
    wherever = ["/docs*", "/latest*", "/revisions*", "/runs*", "/vintages*"]
    assert paths_of(["daily.json", "daily.csv"]) == ["/changes*", "/daily*", *wherever]
    assert paths_of([]) == []


def test_a_page_keeps_the_scripts_it_was_made_for(served: ApiApp, cloud: Cloud) -> None:
    other = "page.0123456789ab.js"
    cloud.s3.put_object(Bucket=BUCKET, Key=f"views/static/{other}.gz", Body=gzip.compress(b"'old'"))
    kept = {key.rpartition("/")[2].removesuffix(".gz") for key in cloud.objects() if key.startswith("views/static/")}
    named = set(re.findall(r"static/([a-z0-9.-]+)", served.get("/").text))
    assert named <= kept
    answer = served.get(f"/static/{other}")
    assert (
        answer.status,
        answer.body,
        answer.headers["content-type"],
    ) == (200, b"'old'", "text/javascript; charset=utf-8")


def test_what_is_rendered_anew_for_the_served_run_is_served(served: ApiApp, cloud: Cloud) -> None:
    assert len(served.get("/data").json) == 41
    now = json.loads(cloud.s3.get_object(Bucket=BUCKET, Key="views/us-covid/current.json")["Body"].read())
    cloud.s3.put_object(Bucket=BUCKET, Key=f"views/us-covid/{now['run_id']}/data.json.gz", Body=gzip.compress(b"[]\n"))
    moved = now | {"views": now["views"] | {"data.json": "another"}}
    cloud.s3.put_object(Bucket=BUCKET, Key="views/us-covid/current.json", Body=json.dumps(moved).encode())
    assert served.get("/data").json == []


def _run(record: dict[str, Any]) -> Any:
    from chalicelib.refresh.stream_batch import read_record

    return read_record(record).run
