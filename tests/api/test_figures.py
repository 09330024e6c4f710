"""The dashboard's figures: valid to Plotly itself, and saying what the tables say."""

import json
from decimal import Decimal
from importlib.metadata import version
from typing import Any

import plotly.graph_objects as go
import pytest
from plotly.offline import get_plotlyjs_version

from chalicelib.dashboard.figures import dashboard_figures
from chalicelib.dashboard.periods import WORDS
from chalicelib.dashboard.traces import bars, curve
from chalicelib.tabulation.bucket_labels import By
from chalicelib.tabulation.gaps import usual_step
from chalicelib.tabulation.observations import from_rows
from chalicelib.tabulation.statistics import statistics
from chalicelib.tabulation.table_text import DatedTable
from chalicelib.tabulation.tabulating import tabulate_rows
from chalicelib.web.documents import Document
from shared.dataset import ONE_SERIES
from shared.datasets import find_dataset
from shared.exact import dumps
from tests.api.committing import Committer
from tests.api.conftest import some_rows
from tests.api.serving import ApiApp
from tests.shared.apps import ROOT
from tests.shared.declared import US_COVID

OIL, NHSN = find_dataset("oil-prices"), find_dataset("us-hospital-admissions")


def figures_of(api: ApiApp, query: str = "") -> dict[str, dict[str, dict[str, Any]]]:
    figures: dict[str, dict[str, dict[str, Any]]] = api.get(f"/figures{query}").json
    return figures


def test_every_figure_is_valid_to_plotly(served: ApiApp) -> None:
    figures = figures_of(served)
    assert {name: set(kinds) for name, kinds in figures.items()} == {
        **{name: {"new", "cumulative", "recent"} for name in ("daily", "weekly", "monthly")},
        "revisions": {"all"},
    }
    for kinds in figures.values():
        for figure in kinds.values():
            go.Figure(figure, skip_invalid=False)


@pytest.mark.parametrize("by", ["daily", "weekly", "monthly"])
def test_bars_are_the_increments_and_lines_the_published_values(served: ApiApp, by: By) -> None:
    figures, rows, data = figures_of(served)[by], served.get(f"/{by}").json, served.get("/data").json
    for measure in US_COVID.measure_names:
        [bars] = [one for one in figures["new"]["data"] if one["meta"] == measure and one["type"] == "bar"]
        assert (bars["x"], bars["y"]) == ([row["date"] for row in rows], [row[measure] for row in rows])
        [line] = [one for one in figures["cumulative"]["data"] if one["meta"] == measure]
        ends = [max(row["date"] for row in data if row["date"] <= bucket["date"]) for bucket in rows]
        assert line["y"] == [next(row[measure] for row in data if row["date"] == end) for end in ends]
        [recent] = [one for one in figures["recent"]["data"] if one["meta"] == measure]
        assert recent["y"] == bars["y"][-WORDS[by].recent :]


def test_an_open_bucket_is_paler(served: ApiApp) -> None:
    for trace in figures_of(served)["weekly"]["new"]["data"]:
        assert trace["marker"]["opacity"][-2:] == [0.85, 0.34]


def test_the_revisions_figure_has_a_mark_for_each_changed_value(served: ApiApp) -> None:
    traces = figures_of(served)["revisions"]["all"]["data"]
    drawn = [(one["meta"], one["x"], one["y"], one["text"], one["marker"]["symbol"]) for one in traces]
    assert drawn == [
        ("cases", ["2020-02-20"], [0.167], ["4,350 → 2,000 (-2,350)"], ["triangle-down"]),
        ("deaths", ["2020-02-20"], [0.0], ["29 → 21 (-8)"], ["triangle-down"]),
        ("recoveries", ["2020-02-20"], [-0.167], ["57 → 5 (-52)"], ["triangle-down"]),
    ]


def test_as_of_turns_the_figures_back(served: ApiApp) -> None:
    assert figures_of(served, "?as_of=2020-03-02")["revisions"]["all"]["data"] == []
    assert figures_of(served, "?as_of=2020-03-01") == {}


def test_a_measure_that_ends_says_where(api: ApiApp, committer: Committer) -> None:
    rows = some_rows(days=40)
    gone = {key: [*values[:2], None if key[1] > "2020-02-10" else values[2]] for key, values in rows.items()}
    api.refresh(committer.commit("2020-03-02T17:00:00Z", gone))
    for by, kinds in figures_of(api).items():
        for figure in kinds.values() if by != "revisions" else ():
            notes = [one for one in figure["layout"]["annotations"] if one["name"].startswith("note-")]
            assert [(note["name"], note["text"], note["yref"]) for note in notes] == [
                ("note-recoveries", "not reported after 2020-02-10", "y3 domain")
            ]


def test_a_number_of_several_days_is_drawn_as_its_mean_over_them_and_keeps_its_own_value() -> None:
    table = DatedTable(
        dates=["2020-03-01", "2020-03-04"],
        series=None,
        values={"cases": [10, 33]},
        whole={"cases": [True, False]},
        days={"cases": [1, 3]},
    )
    drawn = bars(table, US_COVID.measure("cases"), by="daily", behind=False)
    assert (drawn["y"], drawn["customdata"], drawn["marker"]["pattern"]["shape"]) == ([10, 11.0], [10, 33], ["", "/"])
    assert drawn["hovertext"] == ["", "33 in 3 days, drawn as its mean a day"]
    day = 86_400_000
    assert [round(width / day, 2) for width in drawn["width"]] == [0.85, 2.85]
    assert [round(offset / day, 3) for offset in drawn["offset"]] == [-0.425, -2.425]
    go.Figure({"data": [drawn]}, skip_invalid=False)


def test_each_measure_is_pale_where_its_own_number_is_partial() -> None:
    table = DatedTable(
        dates=["2020-11-30", "2020-12-31"],
        series=None,
        values={"cases": [300, 310], "deaths": [30, 14]},
        whole={"cases": [True, True], "deaths": [True, False]},
        days={"cases": [30, 31], "deaths": [30, 14]},
    )
    opacity = [
        bars(table, US_COVID.measure(name), by="monthly", behind=False)["marker"]["opacity"]
        for name in ("cases", "deaths")
    ]
    assert opacity == [0.85, [0.85, 0.34]]


def test_lines_break_where_dates_are_missing_but_not_over_weekends() -> None:
    price = OIL.measure("wti")
    days = [f"2020-03-{day:02}" for day in (2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 16, 17, 26, 27)]
    table = DatedTable(dates=days, series=None, values={"wti": [Decimal("1.50")] * 14})
    drawn = curve(table, price, by="daily", step=usual_step(days, "daily"))
    assert [(date, value) for date, value in zip(drawn["x"], drawn["y"], strict=True) if value is None] == [
        ("2020-03-18", None)
    ]
    assert len(drawn["x"]) == 15


def test_ticks_of_small_numbers_are_written_out_and_large_ones_say_billions(api: ApiApp, committer: Committer) -> None:
    api.refresh(committer.commit("2020-03-02T17:00:00Z", {(ONE_SERIES, "2020-03-01"): [3_000_000_000, 0, None]}))
    layout = figures_of(api)["daily"]["new"]["layout"]
    assert [layout[axis]["exponentformat"] for axis in ("yaxis", "yaxis2", "yaxis3")] == ["B", "none", "none"]
    assert "tickformat" not in layout["yaxis"]


def test_a_dataset_of_prices_has_lines_and_no_cumulative_figure() -> None:
    rows = {ONE_SERIES: {"2020-03-02": [Decimal("66.31"), None], "2020-03-03": [Decimal("65.24"), None]}}
    tables = tabulate_rows(from_rows(rows, OIL.decimals), OIL)
    figures = dashboard_figures(tables, statistics(tables, OIL), [], OIL)
    assert {name: sorted(kinds) for name, kinds in figures.items() if name != "revisions"} == {
        name: ["new", "recent"] for name in ("daily", "weekly", "monthly")
    }
    assert [trace["type"] for trace in figures["daily"]["new"]["data"]] == ["scatter", "scatter"]
    headings = [note["text"] for note in figures["daily"]["new"]["layout"]["annotations"]]
    assert headings[0] == "Brent, USD a barrel"
    for kinds in figures.values():
        for figure in kinds.values():
            go.Figure(loads_as_floats(figure), skip_invalid=False)


def test_weeks_are_shown_by_week_and_month() -> None:
    rows = {"USA": {"2020-03-07": [5, 1, 0], "2020-03-14": [6, 1, 0]}}
    tables = tabulate_rows(from_rows(rows, NHSN.decimals), NHSN).only("USA")
    figures = dashboard_figures(tables, statistics(tables, NHSN), [], NHSN)
    assert list(figures) == ["weekly", "monthly", "revisions"]
    assert figures["weekly"]["new"]["layout"]["meta"]["title"] == "In each week"


def loads_as_floats(figure: dict[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(dumps(figure))
    return read


def test_figures_of_three_years_stay_small(api: ApiApp, committer: Committer) -> None:
    api.refresh(committer.commit("2020-03-02T17:00:00Z", some_rows(days=1100)))
    answer = api.get("/figures", headers={"Accept": "*/*", "Accept-Encoding": "gzip"})
    assert len(answer.body) < 45_000


def test_plotly_js_is_the_one_that_the_figures_are_checked_against(api: ApiApp) -> None:
    name = api.module.ASSETS.name("plotly-basic.min.js")
    script: Document = api.module.ASSETS.find(name)
    assert f"plotly.js (basic - minified) v{get_plotlyjs_version()}\n" in script.text[:200]
    licence = (ROOT / "api" / "chalicelib" / "static" / "PLOTLY-LICENCE.txt").read_text()
    assert (
        f"version {get_plotlyjs_version()}: the one that the Python package plotly {version('plotly')} has." in licence
    )
