"""The dashboard's figures: valid to Plotly itself, and saying what the tables say."""

from importlib.metadata import version
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go
import pytest
from plotly.offline import get_plotlyjs_version

from chalicelib.dashboard.figures import RECENT, panel_domain
from chalicelib.web.documents import Document
from tests.api.committing import Committer
from tests.api.conftest import some_rows
from tests.api.serving import ApiApp
from tests.shared.apps import ROOT
from tests.shared.declared import US_COVID


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
def test_bars_are_the_increments_and_lines_the_published_values(served: ApiApp, by: str) -> None:
    figures, rows, data = figures_of(served)[by], served.get(f"/{by}").json, served.get("/data").json
    for measure in US_COVID.measure_names:
        [bars] = [one for one in figures["new"]["data"] if one["meta"] == measure and one["type"] == "bar"]
        assert (bars["x"], bars["y"]) == ([row["date"] for row in rows], [row[measure] for row in rows])
        [line] = [one for one in figures["cumulative"]["data"] if one["meta"] == measure]
        ends = [max(row["date"] for row in data if row["date"] <= bucket["date"]) for bucket in rows]
        assert line["y"] == [next(row[measure] for row in data if row["date"] == end) for end in ends]
        [recent] = [one for one in figures["recent"]["data"] if one["meta"] == measure]
        assert recent["y"] == bars["y"][-RECENT[by] :]


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


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_panels_do_not_overlap_and_fill_the_height(count: int) -> None:
    domains = [panel_domain(n, count) for n in range(count)]
    assert (domains[0][1], domains[-1][0]) == (1.0, 0.0)
    for (low, high), (lower, upper) in pairwise(domains):
        assert lower < upper < low < high


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
