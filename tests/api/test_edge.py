"""The api through CloudFront: what readers get is what the api says, and no older than it says."""

import gzip
import json
from typing import Any

import pytest

from chalicelib.refresh.invalidation import Distribution
from infra.operating.smoke import ON_AWS, HttpResponse, find_faults
from tests.api.committing import Committer
from tests.api.conftest import some_rows
from tests.api.edge import Front, forwarded_headers, normalised
from tests.api.serving import ApiApp
from tests.api.test_refreshing import FIRST, SECOND, refresher
from tests.api.test_refreshing import _run as run_of
from tests.shared.in_memory import BUCKET, Cloud

PAGES = (
    "/",
    "/data",
    "/daily",
    "/weekly?format=csv",
    "/data/2020-02-20",
    "/runs",
    "/changes",
    "/openapi.json",
    "/health",
)
BROWSER = {"Accept": "text/html,*/*;q=0.8", "Accept-Encoding": "gzip, deflate, br, zstd", "Cookie": "a=b"}


@pytest.fixture
def front(served: ApiApp) -> Front:
    return Front(served)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("headers", [BROWSER, {"Accept": "*/*"}], ids=["a browser", "a script"])
def test_a_reader_gets_what_the_api_says(page: str, headers: dict[str, str], front: Front, served: ApiApp) -> None:
    direct, through = served.get(page, headers={"Accept": headers["Accept"]}), front.get(page, headers=headers)
    packed = through.headers.get("content-encoding") == "gzip"
    assert (through.status, gzip.decompress(through.body) if packed else through.body) == (direct.status, direct.body)
    again = front.get(page, headers=headers)
    assert (again.status, again.body) == (through.status, through.body)


def test_one_address_keeps_its_page_for_people_apart_from_its_json_for_programs(front: Front) -> None:
    kinds = [front.get("/data/2020-02-20", headers=headers).headers for headers in (BROWSER, {"Accept": "*/*"}) * 2]
    assert [(it["content-type"].partition(";")[0], it["x-cache"].partition(" ")[0]) for it in kinds] == [
        ("text/html", "Miss"),
        ("application/json", "Miss"),
        ("text/html", "Hit"),
        ("application/json", "Hit"),
    ]


def test_the_smoke_test_passes_with_the_headers_that_the_edge_sets(front: Front) -> None:
    def get(path: str) -> HttpResponse:
        answer = front.get(path)
        return HttpResponse(status=answer.status, headers=answer.headers, body=answer.body)

    assert list(find_faults(get, headers=ON_AWS)) == []


def test_packed_bytes_pass_through_as_they_are(front: Front) -> None:
    """Accept reaches the api. Without it the function unpacks what is stored packed, and the edge packs it again."""
    assert forwarded_headers() == {"accept"}
    front.get("/data", headers=BROWSER)
    assert front.packed == 0
    without = Front(front.app, forwarded=frozenset())
    without.get("/data", headers=BROWSER)
    assert without.packed == 1


def test_nothing_of_a_reader_reaches_the_api_but_what_changes_the_answer(front: Front) -> None:
    front.get("/data?from=2020-02-20", headers={**BROWSER, "Referer": "https://example.org/", "User-Agent": "x"})
    assert front.origin_requests == [
        (
            "/data?from=2020-02-20",
            {
                "user-agent": "Amazon CloudFront",
                "referer": "the-secret",
                "accept": BROWSER["Accept"],
                "accept-encoding": "br,gzip",
            },
        )
    ]
    assert [normalised(it) for it in ("gzip;q=1.0", "deflate", "br;q=0, gzip")] == ["gzip", "", "gzip"]


def test_browsers_share_an_answer_and_one_that_is_known_is_not_sent_again(front: Front) -> None:
    first = front.get("/daily", headers=BROWSER)
    other = front.get("/daily", headers={"Accept": "application/json", "Accept-Encoding": "br, gzip"})
    assert (other.headers["x-cache"], len(front.origin_requests)) == ("Hit from cloudfront", 1)
    known = front.get("/daily", headers=BROWSER | {"If-None-Match": first.headers["etag"]})
    assert (known.status, known.body) == (304, b"")


def test_health_is_as_fresh_as_it_is_asked(front: Front) -> None:
    for _ in range(2):
        assert front.get("/health").headers["x-cache"] == "Miss from cloudfront"


def test_what_a_commit_changes_is_fetched_anew_at_once(api: ApiApp, committer: Committer, cloud: Cloud) -> None:
    front = Front(api)
    client: Any = front
    refreshing = refresher(api, cloud.s3, Distribution(client, distribution="E1", holding=0, wait=lambda _: None))
    refreshing.refresh(run_of(committer.commit(FIRST, some_rows(days=40))))
    before = [front.get(page).body for page in ("/data", "/data?from=2020-03-01", "/runs")]
    refreshing.refresh(run_of(committer.commit(SECOND, some_rows(days=41))))
    after = [front.get(page).body for page in ("/data", "/data?from=2020-03-01", "/runs")]
    assert all(old != new for old, new in zip(before, after, strict=True))


def test_other_bytes_of_the_same_run_are_fetched_anew_too(api: ApiApp, committer: Committer, cloud: Cloud) -> None:
    """A release changes how views look, and the run is rendered again: the same run, the same views, other digests."""
    front = Front(api)
    client: Any = front
    edge = Distribution(client, distribution="E1", holding=0, wait=lambda _: None)
    refresher(api, cloud.s3, edge).refresh(run_of(committer.commit(FIRST, some_rows(days=3))))
    kept = front.get("/data").body
    [place] = [key for key in cloud.objects() if key.endswith("/current.json")]
    [data] = [key for key in cloud.objects() if key.endswith(f"{FIRST}/data.json.gz")]
    pointer = json.loads(cloud.s3.get_object(Bucket=BUCKET, Key=place)["Body"].read())
    cloud.s3.put_object(Bucket=BUCKET, Key=data, Body=gzip.compress(b"[]\n"))
    moved = pointer | {"views": pointer["views"] | {"data.json": "another"}}
    cloud.s3.put_object(Bucket=BUCKET, Key=place, Body=json.dumps(moved).encode())
    assert front.get("/data").body == kept
    for _ in range(2):  # a repeated call is the same invalidation, and refused by nobody
        edge.invalidate(FIRST, {name: moved["views"][name] for name in pointer["views"]})
    assert front.get("/data").json == []
