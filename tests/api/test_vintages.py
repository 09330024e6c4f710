"""/vintages: one table from which any state can be recomputed, and tables with a lag or as first published."""

import csv
import datetime as dt
import gzip
import io
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from chalicelib.tabulation.table_text import DatedTable, to_csv
from chalicelib.vintages import version_blocks, version_lines
from chalicelib.vintages.version_table import Version
from chalicelib.vintages.vintage_reading import VintageReader
from shared.changes import ChangeSet
from shared.dataset import ONE_SERIES
from tests.api.committing import Committer, Key
from tests.api.conftest import some_rows
from tests.api.serving import Answer, ApiApp
from tests.shared.declared import US_COVID

FIRST, SECOND, THIRD, FOURTH = (f"2020-03-0{day}T17:00:00Z" for day in (2, 3, 4, 5))
NEVER = {"next_run_id": None, "known_to": None}


def known(run_id: str, until: str | None = None, *, present: bool = True) -> dict[str, Any]:
    return {"present": present, "run_id": run_id, "known_from": run_id, "next_run_id": until, "known_to": until}


@pytest.fixture
def revised(api: ApiApp, committer: Committer) -> ApiApp:
    """Two dates; the second is revised, then removed, then back."""
    one, two = (ONE_SERIES, "2020-02-01"), (ONE_SERIES, "2020-02-02")
    api.refresh(committer.commit(FIRST, {one: [10, 1, None], two: [20, 2, None]}))
    api.refresh(committer.commit(SECOND, {one: [10, 1, None], two: [25, 2, 7]}))
    api.refresh(committer.commit(THIRD, {one: [10, 1, None]}))
    api.refresh(committer.commit(FOURTH, {one: [10, 1, None], two: [25, 2, 7]}))
    return api


def row(date: str, cases: int | None, deaths: int | None, recoveries: int | None) -> dict[str, Any]:
    return {"date": date, "cases": cases, "deaths": deaths, "recoveries": recoveries}


def test_every_value_has_the_run_that_brought_it_and_the_one_that_ended_it_and_a_removed_row_is_not_a_null(
    revised: ApiApp,
) -> None:
    assert revised.get("/vintages").json == [
        row("2020-02-01", 10, 1, None) | known(FIRST),
        row("2020-02-02", 20, 2, None) | known(FIRST, SECOND),
        row("2020-02-02", 25, 2, 7) | known(SECOND, THIRD),
        row("2020-02-02", None, None, None) | known(THIRD, FOURTH, present=False),
        row("2020-02-02", 25, 2, 7) | known(FOURTH),
    ]


def test_the_whole_is_csv(revised: ApiApp) -> None:
    answer = revised.get("/vintages?format=csv")
    assert answer.text.splitlines() == [
        "date,cases,deaths,recoveries,present,run_id,known_from,next_run_id,known_to",
        f"2020-02-01,10,1,,true,{FIRST},{FIRST},,",
        f"2020-02-02,20,2,,true,{FIRST},{FIRST},{SECOND},{SECOND}",
        f"2020-02-02,25,2,7,true,{SECOND},{SECOND},{THIRD},{THIRD}",
        f"2020-02-02,,,,false,{THIRD},{THIRD},{FOURTH},{FOURTH}",
        f"2020-02-02,25,2,7,true,{FOURTH},{FOURTH},,",
    ]
    assert answer.headers["content-disposition"] == 'attachment; filename="us-covid-vintages-run-20200305T170000Z.csv"'


def test_of_one_measure_neighbours_that_do_not_differ_are_one(revised: ApiApp) -> None:
    assert revised.get("/vintages?measure=deaths&from=2020-02-02").json == [
        {"date": "2020-02-02", "deaths": 2} | known(FIRST, THIRD),
        {"date": "2020-02-02", "deaths": None} | known(THIRD, FOURTH, present=False),
        {"date": "2020-02-02", "deaths": 2} | known(FOURTH),
    ]


def test_what_came_to_be_known_since_a_time(revised: ApiApp) -> None:
    assert [it["run_id"] for it in revised.get(f"/vintages?known_since={THIRD}").json] == [THIRD, FOURTH]
    assert [it["run_id"] for it in revised.get("/vintages?known_since=2020-03-05").json] == [FOURTH]


@pytest.mark.parametrize("query", ["", "measure=deaths", "from=2020-02-02", "format=csv"])
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_follow_one_another_by_their_links(revised: ApiApp, query: str, limit: int) -> None:
    whole, pages = revised.get(f"/vintages?{query}"), list[Answer]()
    link = f"vintages?{query}&limit={limit}"
    while link:
        pages.append(revised.get(f"/{link}"))
        link = pages[-1].headers.get("link", "").partition(">")[0].removeprefix("<")
    if query == "format=csv":
        assert [line for page in pages for line in page.text.splitlines()[1:]] == whole.text.splitlines()[1:]
    else:
        assert [it for page in pages for it in page.json] == whole.json
    assert len(pages) > 1 or limit == 3


@pytest.mark.parametrize(
    ("query", "status", "named"),
    [("measure=beds", 404, "beds"), ("limit=0", 400, "limit"), ("after=x", 400, "after"), ("known_since=x", 400, "x")],
)
def test_what_is_wrong_is_named(revised: ApiApp, query: str, status: int, named: str) -> None:
    answer = revised.get(f"/vintages?{query}")
    assert (answer.status, named in answer.text) == (status, True)


def test_before_the_first_commit_there_is_nothing(api: ApiApp) -> None:
    assert api.get("/vintages").json == []
    assert api.get("/vintages?format=csv").text.startswith("date,cases,deaths,recoveries,present,run_id,")
    assert api.get("/data?lag=7").json == []


def test_a_table_that_cannot_be_answered_at_once_is_given_by_s3(
    revised: ApiApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.routes.vintage_answers.DIRECT", 10)
    answer = revised.get("/vintages?format=csv")
    assert answer.status == 307
    assert f"views/us-covid/{FOURTH}/vintages.csv.gz" in answer.headers["location"].replace("%3A", ":")


@pytest.mark.parametrize("name", ["=1+1", "-x", "\uff1dA1", "'=1", "''=1", "'s-Hertogenbosch", '"=,', "North"])
def test_a_series_name_is_defused_as_in_other_tables_and_is_read_back_as_it_is(name: str) -> None:
    columns = version_lines.Columns(("beds",), has_series=True)
    version = Version(name, "2020-03-01", (-5,), FIRST, FIRST, "", "")
    text = "".join(version_lines.lines([version], columns))
    table = DatedTable(dates=["2020-03-01"], series=[name], values={"beds": [-5]})
    assert next(csv.reader([text]))[:3] == list(csv.reader(to_csv(table).decode().splitlines()))[1]
    assert list(version_lines.read_lines(text, columns)) == [version]
    assert version_lines.place_of_line(text.rstrip("\n"), columns) == version_lines.place_of(version)


def test_a_part_of_one_series_is_read_where_it_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a hundred members two at most are fetched for ten dates."""
    monkeypatch.setattr(version_lines, "LINES", 50)
    days = [(dt.date(2010, 1, 1) + dt.timedelta(days=n)).isoformat() for n in range(5000)]
    rows = [{"date": day, "cases": n, "deaths": None, "recoveries": 3} for n, day in enumerate(days)]
    change = ChangeSet(run_id=FIRST, base_run_id=None, added=rows, changed=[], removed=[])
    laid = version_blocks.begin([(change, FIRST)], US_COVID)
    ranges: list[tuple[int, int]] = []

    class Store:
        def get_object(self, *, Bucket: str, Key: str, Range: str | None = None) -> dict[str, Any]:  # noqa: N803
            assert Bucket
            if Range is None:
                assert Key.endswith("vintages.json.gz")
                return {"Body": io.BytesIO(gzip.compress(laid.directory.to_json()))}
            first, last = map(int, Range.removeprefix("bytes=").split("-"))
            ranges.append((first, last))
            return {"Body": io.BytesIO(laid.data[first : last + 1])}

    reader = VintageReader(Store(), bucket="data", dataset=US_COVID)
    found = list(reader.select(FIRST, start=days[3000], end=days[3009]))
    assert [(it.date, it.values) for it in found] == [(days[n], (n, None, 3)) for n in range(3000, 3010)]
    assert sum(last - first + 1 for first, last in ranges) < laid.directory.length / 40


def test_however_it_is_laid_out_it_is_the_same(
    api: ApiApp, committer: Committer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table of many blocks, each of many members, grown by a commit at a time, against one that is laid out whole."""
    monkeypatch.setattr(version_blocks, "SMALL", 30)
    monkeypatch.setattr(version_lines, "LINES", 4)
    states = [some_rows(days=20)]
    for step in range(1, 25):
        rows = dict(states[-1]) | {(ONE_SERIES, "2020-02-15"): [step, step, step]}
        rows[ONE_SERIES, f"2020-01-{22 + step % 9}"] = [1000 + step, 1, None]
        if step % 5 == 0:
            del rows[ONE_SERIES, "2020-02-15"]
        states.append(rows)
    runs = [f"2020-03-{day:02}T17:00:00Z" for day in range(1, 26)]
    for run_id, rows in zip(runs, states, strict=True):
        api.refresh(committer.commit(run_id, rows))
    versions = list(csv.DictReader(io.StringIO(api.get("/vintages?format=csv").text)))
    for run_id, rows in zip(runs, states, strict=True):
        assert _state(versions, run_id) == {
            date: ["" if value is None else str(value) for value in values] for (_, date), values in rows.items()
        }
    paged = api.get("/vintages?limit=2000").json
    assert len(paged) == len(versions) > 60
    assert sorted((it["date"], it["known_from"]) for it in versions) == [(it["date"], it["known_from"]) for it in paged]
    site = api.module.site()
    directory = site.vintages().directory(site.view_store.current())
    assert 2 < len(directory.blocks) < 10


def _state(versions: list[dict[str, str]], time: str) -> dict[str, list[str]]:
    return {
        it["date"]: [it["cases"], it["deaths"], it["recoveries"]]
        for it in versions
        if it["present"] == "true" and it["known_from"] <= time and (not it["known_to"] or time < it["known_to"])
    }


# --- lag and first ----------------------------------------------------------------------------------------------------


DAYS = ("2020-02-29", "2020-03-01", "2020-03-02", "2020-03-03", "2020-03-04", "2020-03-05", "2020-03-06")


@pytest.fixture
def growing(api: ApiApp, committer: Committer) -> ApiApp:
    """Each day's run has the dates up to the day before, and revises those of the two days before that."""
    for number, day in enumerate(DAYS[1:], start=1):
        rows = {
            (ONE_SERIES, date): [100 * (n + 1) + 10 * min(number - 1 - n, 2), n, None]
            for n, date in enumerate(DAYS[:number])
        }
        api.refresh(committer.commit(f"{day}T17:00:00Z", rows))
    return api


@pytest.mark.parametrize("lag", [0, 1, 2, 3, 9])
@pytest.mark.parametrize("table", ["data", "daily", "weekly", "monthly"])
def test_with_a_lag_each_row_is_that_of_the_table_as_of_so_many_days_later(
    growing: ApiApp, table: str, lag: int
) -> None:
    expected = []
    for label in sorted({it["date"] for it in growing.get(f"/{table}").json}):
        then = dt.date.fromisoformat(label) + dt.timedelta(days=lag)
        expected += [it for it in growing.get(f"/{table}?as_of={then}").json if it["date"] == label]
    assert growing.get(f"/{table}?lag={lag}").json == expected


def test_with_a_lag_a_number_says_how_many_days_it_stands_for_as_it_does_in_that_state(growing: ApiApp) -> None:
    for table in ("daily", "weekly", "monthly"):
        expected = []
        for label in sorted({it["date"] for it in growing.get(f"/{table}").json}):
            then = dt.date.fromisoformat(label) + dt.timedelta(days=2)
            state = growing.get(f"/{table}?as_of={then}&days=yes").json
            expected += [it for it in state if it["date"] == label]
        assert growing.get(f"/{table}?lag=2&days=yes").json == expected
    header = growing.get("/daily?lag=2&days=yes&format=csv").text.splitlines()[0]
    assert header == growing.get("/daily?days=yes&format=csv").text.splitlines()[0]


@pytest.mark.parametrize("table", ["data", "daily"])
def test_first_is_each_row_as_of_the_run_that_first_had_it(growing: ApiApp, table: str) -> None:
    found: dict[str, Mapping[str, Any]] = {}
    for day in DAYS[1:]:
        for it in growing.get(f"/{table}?as_of={day}").json:
            found.setdefault(it["date"], it)
    assert growing.get(f"/{table}?first=yes").json == list(found.values())


def test_ranges_and_csv_are_as_of_any_table(growing: ApiApp) -> None:
    assert [it["cases"] for it in growing.get("/data?lag=2&from=2020-03-02&to=2020-03-03").json] == [310, 410]
    answer = growing.get("/weekly?first=yes&format=csv")
    assert answer.text.splitlines()[0] == growing.get("/weekly?format=csv").text.splitlines()[0]
    assert (
        answer.headers["content-disposition"] == 'attachment; filename="us-covid-weekly-first-run-20200306T170000Z.csv"'
    )


@pytest.mark.parametrize(
    "query", ["lag=2", "first=yes&format=csv", "lag=2&days=yes&format=csv", "lag=2&from=2020-03-02"]
)
def test_pages_of_a_lagged_table_are_together_the_whole_of_it(growing: ApiApp, query: str) -> None:
    header = 1 if "csv" in query else 0
    found: list[Any] = []
    target = f"/daily?{query}&limit=2"
    while target:
        answer = growing.get(target)
        rows = answer.text.splitlines()[1:] if header else answer.json
        assert 1 <= len(rows) <= 2
        found += rows
        link = answer.headers.get("link", "")
        target = f"/{link[1:].partition('>')[0]}" if link else ""
    whole = growing.get(f"/daily?{query}")
    assert found == (whole.text.splitlines()[1:] if header else whole.json)


def test_pages_of_a_lagged_table_of_several_series_go_on_within_a_date(
    regions_api: ApiApp, regions_committer: Committer
) -> None:
    rows: dict[Key, Sequence[int | None]] = {
        (series, date): [n + 1, None] for date in DAYS[:2] for n, series in enumerate(("east", "north", "west"))
    }
    regions_api.refresh(regions_committer.commit("2020-03-04T17:00:00Z", rows))
    first = regions_api.get("/data?first=yes&limit=4")
    assert first.headers["link"] == '<data?first=yes&limit=4&after=2020-03-01%20east>; rel="next"'
    rest = regions_api.get("/data?first=yes&limit=4&after=2020-03-01%20east")
    assert "link" not in rest.headers
    assert first.json + rest.json == regions_api.get("/data?first=yes").json


@pytest.mark.parametrize(
    "query", ["lag=7&first=yes", "as_of=2020-03-03&lag=7", "as_of=2020-03-03&first=yes", "lag=-1", "first=maybe"]
)
def test_what_cannot_be_combined_is_refused_with_words(growing: ApiApp, query: str) -> None:
    answer = growing.get(f"/data?{query}")
    assert answer.status == 400
    if "&" in query:
        assert "exclude one another: each says by itself at what time a date's value counts" in answer.json["detail"]


def test_a_lag_that_is_still_to_come_leaves_a_date_out(growing: ApiApp) -> None:
    assert growing.get("/data?lag=3650").json == []
