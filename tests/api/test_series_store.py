"""Views by series: what is served of all and of each is what a recomputation says, whatever runs came before."""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.routes import series_answers
from chalicelib.series_store import table_blocks
from chalicelib.series_store.series_index import SeriesIndex
from chalicelib.web import pages
from shared.exact import Number, loads
from tests.api import recomputed
from tests.api.committing import Committer, Key
from tests.api.serving import ApiApp
from tests.shared.in_memory import BUCKET, Cloud
from tests.shared.regions import REGIONS

RUNS = [f"2020-03-{day:02}T17:00:00Z" for day in range(10, 16)]
NAMES = ["NA", "=1+1", 'the "Rock"', "north, far", "Zürich"]

type Rows = Mapping[Key, Sequence[Number | None]]

_VALUES = st.lists(st.one_of(st.none(), st.integers(0, 99)), min_size=2, max_size=2)
_DATES = st.sampled_from([f"2020-02-{day:02}" for day in range(20, 29)] + ["2020-03-01", "2020-03-02"])
_ROWS = st.dictionaries(st.tuples(st.sampled_from(NAMES), _DATES), _VALUES, max_size=25)


@pytest.fixture
def regions(regions_api: ApiApp, monkeypatch: pytest.MonkeyPatch) -> ApiApp:
    monkeypatch.setattr(table_blocks, "ROWS", 7)
    return regions_api


def by_series(rows: Rows) -> dict[str, dict[str, Sequence[Number | None]]]:
    found: dict[str, dict[str, Sequence[Number | None]]] = {}
    for (series, date), values in rows.items():
        found.setdefault(series, {})[date] = values
    return found


def all_pages(api: ApiApp, target: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while target:
        answer = api.get(f"/{target}")
        assert answer.status == 200, answer.text
        rows += loads(answer.body)
        target = answer.headers.get("link", "").partition("<")[2].partition(">")[0]
    return rows


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(states=st.lists(_ROWS, min_size=1, max_size=4), limit=st.integers(1, 9))
def test_tables_of_all_and_of_each_series_are_what_a_recomputation_says(
    regions: ApiApp, cloud: Cloud, states: list[Rows], limit: int
) -> None:
    cloud.clear()
    regions.module.site.cache_clear()  # it remembers the views of a run, which never change otherwise
    committer = Committer(cloud=cloud, dataset=REGIONS)
    committed = {}
    for run, rows in zip(RUNS, states, strict=False):
        record = committer.commit(run, rows)
        assert regions.refresh(record) == {"batchItemFailures": []}
        if committer.head:
            committed[run] = dict(committer.rows)
    for run, rows in list(committed.items())[-2:]:
        expected = recomputed.tables(by_series(rows), REGIONS, days=True)
        for name, table in expected.items():
            days = "" if name == "data" else "&days=yes"
            assert table == all_pages(regions, f"{name}?limit={limit}&as_of={run[:10]}{days}")
            for series in by_series(rows):
                mine = [row for row in table if row["series"] == series]
                answer = regions.ask("GET", f"/{name}?series={quote(series, safe='')}&as_of={run[:10]}{days}")
                assert mine == loads(answer.body)
            text = regions.get(f"/{name}?format=csv&as_of={run[:10]}{days}").text
            read = list(csv.DictReader(io.StringIO(text)))
            assert [_as_cells(row) for row in table] == read


def _as_cells(row: Mapping[str, Any]) -> dict[str, str]:
    cells = {name: "" if value is None else str(value) for name, value in row.items()}
    cells |= {"complete": cells["complete"].lower()} if "complete" in cells else {}
    return cells | ({"series": f"'{row['series']}"} if row["series"].startswith("=") else {})


def objects_of(cloud: Cloud, run: str) -> set[str]:
    prefix = f"views/{REGIONS.name}/{run}/"
    return {key.removeprefix(prefix) for key in cloud.objects() if key.startswith(prefix)}


def rows_of(names: Sequence[str], days: int) -> dict[Key, Sequence[Number | None]]:
    return {(name, f"2020-02-{day:02}"): [day, 10 * day] for name in names for day in range(1, days + 1)}


def test_a_run_writes_the_series_and_blocks_that_it_changed_and_no_others(regions: ApiApp, cloud: Cloud) -> None:
    committer = Committer(cloud=cloud, dataset=REGIONS)
    rows = rows_of(NAMES, 10)
    regions.refresh(committer.commit(RUNS[0], rows))
    regions.refresh(committer.commit(RUNS[1], rows | {("NA", "2020-02-11"): [1, 111]}))
    first, second = objects_of(cloud, RUNS[0]), objects_of(cloud, RUNS[1])
    assert len([name for name in first if name.startswith("series/")]) == len(NAMES)
    assert len([name for name in second if name.startswith("series/")]) == 1
    assert len([name for name in second if name.startswith("blocks/")]) == 4 < len(first)
    assert {"index.json.gz", "dashboard.html.gz", "figures.json.gz"} <= second


def test_a_repeated_refresh_gives_the_same_bytes_and_what_was_passed_over_is_rendered(
    regions: ApiApp, cloud: Cloud
) -> None:
    committer = Committer(cloud=cloud, dataset=REGIONS)
    committer.commit(RUNS[0], rows_of(NAMES[:2], 3))
    record = committer.commit(RUNS[1], rows_of(NAMES[:3], 3))
    assert regions.refresh(record) == {"batchItemFailures": []}
    before = cloud.objects()
    assert regions.refresh(record) == {"batchItemFailures": []}
    assert cloud.objects() == before
    assert [len(regions.get(f"/data?as_of={run[:10]}").json) for run in RUNS[:2]] == [6, 9]


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/data", "/daily", "/weekly", "/monthly", "/figures", "/data/2020-02-01", "/latest"),
        *("/chart.svg", "/chart.png", "/embed", "/vintages", "/revisions", "/changes", f"/runs/{RUNS[0]}/changes"),
    ],
)
def test_an_unknown_series_is_a_404_everywhere(regions: ApiApp, cloud: Cloud, path: str) -> None:
    regions.refresh(Committer(cloud=cloud, dataset=REGIONS).commit(RUNS[0], rows_of(NAMES, 2)))
    answer = regions.get(f"{path}?series=east")
    assert (answer.status, answer.json["parameter"], answer.json["value"]) == (404, "series", "east")


def test_changes_of_one_series_are_of_every_run_and_of_a_removed_one_too(regions: ApiApp, cloud: Cloud) -> None:
    committer = Committer(cloud=cloud, dataset=REGIONS)
    kept, gone = NAMES[:2]
    days = rows_of([kept], 1) | rows_of([gone], 1)
    regions.refresh(committer.commit(RUNS[0], days))
    regions.refresh(committer.commit(RUNS[1], rows_of([kept], 1)))
    first = regions.get(f"/changes?series={quote(gone)}&limit=1")
    assert first.headers["link"] == f'<changes?since={RUNS[0]}&limit=1&series={quote(gone)}>; rel="next"'
    second = regions.get(f"/changes?since={RUNS[0]}&limit=1&series={quote(gone)}")
    assert "link" not in second.headers
    assert [
        (change["run_id"], *([row["series"] for row in change[kind]] for kind in ("added", "removed")))
        for change in (*first.json, *second.json)
    ] == [(RUNS[0], [gone], []), (RUNS[1], [], [gone])]
    assert regions.get(f"/runs/{RUNS[1]}/changes?series={quote(gone)}").json == second.json[0]
    [_, untouched] = regions.get(f"/changes?series={quote(kept)}").json
    assert untouched == {"run_id": RUNS[1], "base_run_id": RUNS[0], "added": [], "changed": [], "removed": []}


def test_series_are_listed_with_their_newest_numbers_sorted_as_asked(regions: ApiApp, cloud: Cloud) -> None:
    rows: dict[Key, Sequence[Number | None]] = {
        ("north", "2020-02-01"): [5, 100],
        ("north", "2020-02-03"): [7, None],
        ("south", "2020-02-02"): [9, 20],
    }
    regions.refresh(Committer(cloud=cloud, dataset=REGIONS).commit(RUNS[0], rows))
    listed = regions.get("/series").json
    assert listed[0] == {
        "series": "north",
        "total": False,
        "date": "2020-02-03",
        "behind": 0,
        "rows": 2,
        "beds": 7,
        "tests": None,
        "changes": {"beds": 2, "tests": None},
        "days": {"beds": 2, "tests": None},
        "line": [5, 7],
        "changed_by": RUNS[0],
    }
    assert [(row["date"], row["behind"]) for row in listed] == [("2020-02-03", 0), ("2020-02-02", 1)]
    [table] = re.findall(r'<section[^>]*id="every-series".*?</section>', regions.get("/").text, re.DOTALL)
    assert re.findall(r'<time datetime="([^"]*)"', table) == ["2020-02-02"]
    assert re.findall(r'data-sort="([^"]*)"', table) == ["name", "0", "change-0", "1", "change-1"]
    names = {
        order: [row["series"] for row in regions.get(f"/series?sort={order}").json] for order in ("-value", "date")
    }
    assert names == {"-value": ["south", "north"], "date": ["south", "north"]}
    page = regions.get("/series?sort=-value&limit=1")
    assert [row["series"] for row in all_pages(regions, "series?sort=-value&limit=1")] == ["south", "north"]
    assert page.headers["link"] == '<series?sort=-value&limit=1&after=south>; rel="next"'


def test_a_date_tells_of_one_series_or_of_all_in_pages(regions: ApiApp, cloud: Cloud) -> None:
    regions.refresh(Committer(cloud=cloud, dataset=REGIONS).commit(RUNS[0], rows_of(NAMES, 2)))
    assert [row["series"] for row in regions.get("/data/2020-02-01?series=NA").json] == ["NA"]
    every = []
    target = "data/2020-02-01?limit=2"
    while target:
        answer = regions.get(f"/{target}")
        every += [row["series"] for row in answer.json]
        link = answer.headers.get("link", "").partition("<")[2].partition(">")[0]
        target = f"data/{link}" if link else ""
    assert sorted(NAMES) == every


def test_a_table_that_is_too_large_for_an_answer_is_a_file_that_s3_gives(
    regions: ApiApp, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    regions.refresh(Committer(cloud=cloud, dataset=REGIONS).commit(RUNS[0], rows_of(NAMES, 9)))
    whole = regions.get("/daily?format=csv").text
    monkeypatch.setattr(series_answers, "DIRECT_BYTES", 100)
    for _ in range(2):
        answer = regions.get("/daily?format=csv")
        assert (answer.status, answer.headers["cache-control"]) == (302, "no-store")
        key = f"views/{REGIONS.name}/{RUNS[0]}/whole/daily.csv"
        assert key in unquote(answer.headers["location"])
    assert cloud.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode() == whole


def test_pages_of_json_end_before_they_grow_too_large(
    regions: ApiApp, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    regions.refresh(Committer(cloud=cloud, dataset=REGIONS).commit(RUNS[0], rows_of(NAMES, 9)))
    whole = regions.get("/data").json
    monkeypatch.setattr(pages, "PAGE_BYTES", 500)
    assert len(regions.get("/data").body) < 700
    assert whole == json.loads(json.dumps(all_pages(regions, "data")))


def test_an_index_is_read_back_as_it_was_written(regions: ApiApp, cloud: Cloud) -> None:
    regions.refresh(Committer(cloud=cloud, dataset=REGIONS).commit(RUNS[0], rows_of(NAMES, 2)))
    index = series_answers.index_at(regions.module.site(), RUNS[0])
    assert SeriesIndex.from_json(index.to_json()) == index
    assert (index.rows, index.newest, index.present) == (10, "2020-02-02", sorted(NAMES))
