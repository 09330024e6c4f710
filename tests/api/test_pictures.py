"""Charts as pictures: what they draw, that pages and files show the same, and what their routes take."""

import re
import struct
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from chalicelib.pictures.lengths import Lengths
from chalicelib.pictures.palettes import DARK, LIGHT
from chalicelib.pictures.panels import Bar, scene_of
from chalicelib.pictures.revision_stills import still_of_revisions
from chalicelib.pictures.stills import still
from chalicelib.pictures.ticks import date_ticks, logarithmic_ticks, number_ticks
from tests.api.committing import Committer
from tests.api.conftest import some_rows
from tests.api.serving import ApiApp

STYLE = Path(__file__).parents[2] / "api" / "chalicelib" / "static" / "page.css"
JAN_1 = 737_425
"""2020-01-01 as an ordinal."""


def figure(*traces: dict[str, Any]) -> dict[str, Any]:
    notes = [
        {"name": "heading-cases", "text": "Cases"},
        {"name": "note-cases", "text": "not reported after 2020-01-03"},
    ]
    return {
        "data": [{"meta": "cases", "yaxis": "y", "name": "Cases", **trace} for trace in traces],
        "layout": {"yaxis": {"rangemode": "tozero"}, "annotations": notes, "meta": {"title": "New"}},
    }


def bars(**changed: Any) -> dict[str, Any]:
    dates = ["2020-01-01", "2020-01-02", "2020-01-03"]
    return {"type": "bar", "x": dates, "y": [4, None, 10], "marker": {"opacity": 0.85}} | changed


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0, 100_000, ["0", "50k", "100k"]),
        (0, 2_400_000, ["0", "1M", "2M"]),
        (0, 0.9, ["0", "0.5"]),
        (-3, 12, ["0", "5", "10"]),
        (17.9, 18.6, ["18", "18.5"]),
        (7, 7, ["7"]),
        (0, 2.1e9, ["0", "1B", "2B"]),
    ],
)
def test_numbers_on_an_axis_are_few_and_round(low: float, high: float, labels: list[str]) -> None:
    assert [label for _, label in number_ticks(low, high, most=3)] == labels


@pytest.mark.parametrize(
    ("days", "labels"),
    [
        (2, ["1 Jan", "2 Jan", "3 Jan"]),
        (30, ["6 Jan", "13 Jan", "20 Jan", "27 Jan"]),
        (130, ["Jan 2020", "Feb", "Mar", "Apr", "May"]),
        (400, ["Jan 2020", "Apr", "Jul", "Oct", "Jan 2021"]),
        (2600, ["2020", "2022", "2024", "2026"]),
    ],
)
def test_dates_on_an_axis_say_the_year_once(days: int, labels: list[str]) -> None:
    found = [label for _, label in date_ticks(JAN_1, JAN_1 + days, most=5)]
    assert found == labels or (
        days == 30 and [label[-3:] for label in found] == ["Jan"] * len(found) and len(found) <= 5
    )


def test_a_scene_has_a_bar_for_each_number_and_none_for_what_was_not_reported() -> None:
    scene = scene_of(figure(bars()))
    panel = scene.panels[0]
    assert (scene.first, scene.last) == (JAN_1 - 0.5, JAN_1 + 2.5)
    assert [(bar.left + 0.425, bar.value) for bar in panel.bars] == [(JAN_1, 4.0), (JAN_1 + 2, 10.0)]
    assert (panel.heading, panel.note, panel.low, panel.high) == ("Cases", "not reported after 3 Jan 2020", 0.0, 10.5)


def test_a_number_for_several_days_is_as_wide_as_they_are_and_told_apart() -> None:
    day = 86_400_000
    spread = bars(
        y=[4, 5, 10],
        width=[0.5 * day, 0.5 * day, 2.5 * day],
        offset=[-0.25 * day, -0.25 * day, -2.25 * day],
        marker={"opacity": [0.85, 0.3, 0.85], "pattern": {"shape": ["", "", "/"]}},
    )
    found = scene_of(figure(spread), start="2020-01-02").panels[0].bars
    assert found == [
        Bar(left=JAN_1 + 0.75, right=JAN_1 + 1.25, value=5.0, opacity=0.3, spread=False),
        Bar(left=JAN_1 - 0.25, right=JAN_1 + 2.25, value=10.0, opacity=0.85, spread=True),
    ]


def test_a_line_breaks_where_there_is_no_number() -> None:
    line = {"type": "scatter", "x": ["2020-01-01", "2020-01-02", "2020-01-03"], "y": [1, None, 3], "marker": {}}
    assert scene_of(figure(line)).panels[0].lines == [[(JAN_1, 1.0)], [(JAN_1 + 2, 3.0)]]


def test_a_still_is_drawn_in_shares_of_its_width_and_escapes_what_others_wrote() -> None:
    drawn = figure(bars())
    drawn["layout"]["annotations"][0]["text"] = "<Cases> & more"
    lengths = Lengths(panel=21, gap=0, left=0, right=0, top=10, bottom=20)
    ticks = [(JAN_1, "Wed")]
    assert still(scene_of(drawn), lengths, order={"cases": 7}, ticks=ticks) == (
        '<svg class="still" width="100%" height="51" overflow="visible" aria-hidden="true" focusable="false">'
        '<g class="m1">'
        '<line class="rule" x2="100%" y1="31" y2="31"/><text x="-6" y="35" text-anchor="end">0</text>'
        '<line class="rule" x2="100%" y1="11" y2="11"/><text x="-6" y="15" text-anchor="end">10</text>'
        '<svg y="10" width="100%" height="21" viewBox="0 0 1000 21" preserveAspectRatio="none">'
        '<path class="bars" opacity="0.85" d="M25 21V13h283.3V21M691.7 21V1h283.3V21"/></svg>'
        '<text class="heading" y="3">&lt;Cases&gt; &amp; more</text>'
        '<text class="note" x="100%" y="3" text-anchor="end">not reported after 3 Jan 2020</text></g>'
        '<text x="16.7%" y="49" text-anchor="middle">Wed</text></svg>'
    )


def test_on_a_logarithmic_scale_bars_are_dots_and_what_is_not_positive_is_left_out() -> None:
    line = {"type": "scatter", "x": [f"2020-01-0{n}" for n in range(1, 5)], "y": [100, 0, 1, 10], "marker": {}}
    panel = scene_of(figure(bars(y=[1000, -5, 10]), line), logarithmic=True).panels[0]
    assert (panel.bars, panel.logarithmic) == ((), True)
    assert [(dot.day, round(dot.value, 9)) for dot in panel.dots] == [(JAN_1, 3.0), (JAN_1 + 2, 1.0)]
    assert panel.lines == [[(JAN_1, 2.0)], [(JAN_1 + 2, 0.0), (JAN_1 + 3, 1.0)]]
    assert [round(it, 9) for it in (panel.low, panel.high)] == [-0.15, 3.15]


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (-0.2, 3.2, ["1", "100"]),
        (0.9, 3.1, ["10", "100", "1k"]),
        (5.0, 7.0, ["100k", "1M", "10M"]),
        (-1.1, 0.1, ["0.1", "1"]),
        (3.1, 3.9, ["2k", "5k"]),
        (-0.05, 0.05, ["1"]),
    ],
)
def test_a_logarithmic_axis_has_powers_of_ten(low: float, high: float, labels: list[str]) -> None:
    assert [label for _, label in logarithmic_ticks(low, high, most=3)] == labels


def test_a_chart_on_a_logarithmic_scale_says_so_and_has_dots(served: ApiApp) -> None:
    drawn = served.get("/chart.svg?measure=cases&show=cumulative&scale=log").text
    assert "on a logarithmic scale" in texts(drawn)[1]
    daily = served.get("/chart.svg?measure=cases&scale=log").text
    assert 'class="dots"' in daily and 'class="bars"' not in daily
    for path in ("/chart.png", "/embed"):
        plain, logarithmic = served.get(f"{path}?measure=cases"), served.get(f"{path}?measure=cases&scale=log")
        assert (plain.status, logarithmic.status) == (200, 200)
        assert plain.body != logarithmic.body


def test_thousands_of_bars_are_drawn_as_their_highest_a_pixel() -> None:
    dates = [f"{1970 + n // 336}-{n // 28 % 12 + 1:02d}-{n % 28 + 1:02d}" for n in range(12_000)]
    heights = [100 if n == 7000 else 1 for n in range(12_000)]
    lengths = Lengths(panel=105, gap=0, left=0, right=0, top=0, bottom=0)
    drawn = still(scene_of(figure(bars(x=dates, y=heights))), lengths, order={"cases": 0})
    assert len(drawn) < 20_000
    assert "V5h" in drawn


def test_revisions_are_seen_with_the_page_a_mark_each_and_of_many_the_largest() -> None:
    marks = {
        "meta": "deaths",
        "x": ["2020-01-01", "2020-01-11", "2020-01-06"],
        "y": [0, 0, 1],
        "marker": {"size": [10, 6, 8], "symbol": ["triangle-up", "triangle-down", "x"]},
    }
    layout = {
        "height": 152,
        "margin": {"t": 8, "b": 36},
        "yaxis": {"tickvals": [0, 1], "ticktext": ["2020-03-02", "2020-03-03"], "range": [-0.6, 1.6]},
    }
    drawn = still_of_revisions({"data": [marks], "layout": layout}, order={"deaths": 1})
    found = re.findall(r'<svg class="m1" x="([\d.]+)%" y="([\d.]+)" overflow="visible"><path class="(\w+)"', drawn)
    assert found == [("2.00", "86.5", "bars"), ("50.00", "37.5", "line"), ("98.00", "86.5", "bars")]
    assert ">2 Mar</text>" in drawn and ">3 Mar</text>" in drawn
    many = {"x": ["2020-01-01"] * 900, "y": [0] * 900, "meta": "deaths"}
    many["marker"] = {"size": [6.0] * 899 + [15.0], "symbol": ["triangle-up"] * 900}
    drawn = still_of_revisions({"data": [many], "layout": layout}, order={"deaths": 1})
    assert (drawn.count("<path"), "M-7.5" in drawn) == (200, True)


def test_pictures_have_the_page_s_colours() -> None:
    blocks = re.findall(r'^:root(?:\[data-theme="dark"\])? \{(.*?)\}', STYLE.read_text(), re.DOTALL | re.MULTILINE)
    colours = [dict(re.findall(r"--(\w+): (#\w+);", block)) for block in blocks]
    assert [{name: block[name] for name in LIGHT} for block in colours] == [LIGHT, DARK]


def test_the_page_holds_the_pictures_of_the_figures_that_plotly_will_draw(served: ApiApp) -> None:
    page, figures = served.get("/").text, served.get("/figures").json
    order = {"cases": 0, "deaths": 1, "recoveries": 2}
    own = figures["daily"]["new"]["layout"]
    lengths = Lengths(panel=own["meta"]["panel"], gap=own["meta"]["gap"], left=48, right=8, top=24, bottom=38)
    assert still(scene_of(figures["daily"]["new"]), lengths, order=order) in page
    assert page.count('class="still"') == 5
    assert still_of_revisions(figures["revisions"]["all"], order=order) in page
    assert f'height="{own["height"]}"' in page


def texts(svg: str) -> list[str]:
    return [it.text or "" for it in ElementTree.fromstring(svg).iter() if it.tag.endswith("text")]


def test_a_chart_says_what_it_shows_and_whom_it_is_from(served: ApiApp) -> None:
    answer = served.get("/chart.svg?measure=cases&by=weekly&from=2020-02-03&as_of=2020-03-02&size=600x400")
    found = texts(answer.text)
    assert (answer.status, answer.headers["content-type"]) == (200, "image/svg+xml")
    assert found[:2] == [
        "COVID-19 in the United States",
        "New in each week, from 3 Feb 2020, as known on 2 Mar 2020",
    ]
    assert found[-1] == "Data from The New York Times, based on reports from state and local health agencies."
    assert "Deaths" not in found and "Cases" in found
    assert 'width="600" height="400"' in answer.text
    assert served.get("/chart.svg", headers={"If-None-Match": served.get("/chart.svg").headers["etag"]}).status == 304


def test_dates_without_data_say_so_and_an_empty_dataset_has_a_chart(api: ApiApp, committer: Committer) -> None:
    assert "No data yet" in texts(api.get("/chart.svg").text)
    api.refresh(committer.commit("2020-03-02T17:00:00Z", some_rows(days=3)))
    about = texts(api.get("/chart.svg?from=2022-01-01").text)[1]
    assert about.endswith("nothing in these dates: the data go from 22 Jan 2020 to 24 Jan 2020")


@pytest.mark.parametrize(
    ("query", "status", "parameter", "value"),
    [
        ("measure=cases,rain", 404, "measure", "rain"),
        ("measure=Cases", 400, "measure", "Cases"),
        ("by=yearly", 400, "by", "yearly"),
        ("size=199x300", 400, "size", "199x300"),
        ("size=300x2401", 400, "size", "300x2401"),
        ("theme=blue", 400, "theme", "blue"),
        ("show=all", 400, "show", "all"),
        ("scale=square", 400, "scale", "square"),
    ],
)
def test_a_chart_that_cannot_be_drawn_names_the_parameter(
    served: ApiApp, query: str, status: int, parameter: str, value: str
) -> None:
    for path in ("/chart.svg", "/chart.png"):
        problem = served.get(f"{path}?{query}").json
        assert (problem["status"], problem["parameter"], problem["value"]) == (status, parameter, value)


def test_a_png_has_the_pixels_that_were_asked_for(served: ApiApp) -> None:
    answer = served.get("/chart.png?size=800x450&theme=dark")
    assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
    assert answer.body[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", answer.body[16:24]) == (800, 450)
    assert answer.body != served.get("/chart.png?size=800x450&theme=light").body


def test_an_embed_may_be_framed_has_no_script_and_names_its_sources(served: ApiApp) -> None:
    answer = served.get("/embed?measure=cases&as_of=2020-03-02&utm_source=x")
    assert "frame-ancestors *" in answer.headers["content-security-policy"]
    assert "<script" not in answer.text
    assert "Data from The New York Times" in answer.text
    assert 'href=".?as_of=2020-03-02"' in answer.text
    assert "frame-ancestors 'none'" in served.get("/").headers["content-security-policy"]


def test_the_data_package_describes_every_column_of_every_table(served: ApiApp) -> None:
    package = served.get("/datapackage.json").json
    assert [it["title"] for it in package["sources"]] == [
        "The New York Times, US national",
        "Johns Hopkins University CSSE",
    ]
    assert [it["title"] for it in package["licenses"]] == ["Free for non-commercial use with credit", "ODC-PDDL 1.0"]
    for resource in package["resources"]:
        header = served.get(f"/{resource['name']}?format=csv").text.splitlines()[0]
        assert [field["name"] for field in resource["schema"]["fields"]] == header.split(",")
        assert resource["path"] == f"https://localhost/test/{resource['name']}?format=csv"
