"""The dashboard, used as a person uses it."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.browser.chromium import save_screenshot
from tests.browser.conftest import Open
from tests.browser.seen import Seen

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
MEASURES = ("cases", "deaths", "recoveries")


def digits(text: str) -> str:
    return re.sub(r"[^0-9-]", "", text.replace("\N{MINUS SIGN}", "-"))


def latest(rows: list[dict[str, Any]], measure: str) -> dict[str, Any]:
    return next(row for row in reversed(rows) if row[measure] is not None)


def test_ten_seconds_the_latest_numbers_are_those_of_the_api(open_page: Open) -> None:
    seen = open_page()
    data, daily = seen.ask("data"), seen.ask("daily")
    cards = seen.page.locator(".stat")
    for n, measure in enumerate(MEASURES):
        row = latest(data, measure)
        new = next(one for one in daily if one["date"] == row["date"])
        assert digits(cards.nth(n).locator(".total").inner_text()) == str(row[measure])
        assert digits(cards.nth(n).locator(".new data").inner_text()) == str(new[measure])
    assert seen.page.locator("h2.day time").get_attribute("datetime") == data[-1]["date"]
    facts = seen.page.locator(".facts").inner_text()
    assert "Last run" in facts and "Next run due" in facts
    save_screenshot(seen.page, "dashboard-1280")


def test_the_charts_are_drawn_and_say_what_the_tables_say(open_page: Open) -> None:
    seen = open_page()
    daily = seen.ask("daily")
    for measure in MEASURES:
        bars = [trace for trace in seen.traces() if trace["meta"] == measure and trace["type"] == "bar"]
        assert [trace["y"] for trace in bars] == [[row[measure] for row in daily]]
    for name, count in (("daily", 7), ("weekly", 8), ("monthly", 6)):
        rows = seen.ask(name)[-count:]
        drawn = {trace["meta"]: trace["y"] for trace in seen.traces(f'[data-plot="{name}"]')}
        assert drawn == {measure: [row[measure] for row in rows] for measure in MEASURES}
        table = seen.page.locator(f"article:has(#recent-{name}) tbody tr")
        texts = [table.nth(n).locator("td").all_inner_texts() for n in range(table.count())]
        cells = [[digits(cell.split(" ")[0]) for cell in row] for row in texts]  # behind a number its days may stand
        shown = [["" if row[m] is None else str(row[m]) for m in MEASURES] for row in reversed(rows)]
        assert cells == shown


def test_switches_change_the_chart_and_the_address(open_page: Open) -> None:
    seen = open_page()
    seen.choose("Week", "Cumulative", "Log", "Deaths")
    seen.until_drawn("weekly cumulative log")
    assert {trace["meta"] for trace in seen.traces()} == {"cases", "recoveries"}
    assert {seen.layout()[axis]["type"] for axis in ("yaxis", "yaxis2")} == {"log"}
    assert "yaxis3" not in seen.layout()
    assert seen.page.url.partition("#")[2] == "show=cumulative&by=weekly&scale=log&hide=deaths"
    assert "In all, by week, on a logarithmic scale" in seen.page.locator("#main-title").inner_text()
    seen.choose("Day", "New", "Linear", "Deaths")
    seen.until_drawn("daily new linear")
    assert "#" not in seen.page.url
    assert {trace["meta"] for trace in seen.traces()} == set(MEASURES)


def test_all_measures_can_be_switched_off_and_on_again(open_page: Open) -> None:
    seen = open_page()
    seen.choose("Cases", "Deaths", "Recoveries")
    seen.page.wait_for_selector("#plot-main.empty")
    seen.choose("Deaths")
    seen.page.wait_for_selector("#plot-main:not(.empty)")
    assert {trace["meta"] for trace in seen.traces()} == {"deaths"}


def test_a_shared_link_opens_the_same_view(open_page: Open) -> None:
    seen = open_page()
    seen.choose("Month", "Recoveries")
    seen.page.fill('#controls input[name="from"]', "2020-05-01")
    seen.page.dispatch_event('#controls input[name="from"]', "change")
    seen.until_drawn("monthly new linear")
    other = open_page(seen.page.url.removeprefix(seen.root))
    assert other.page.locator('input[name="by"][value="monthly"]').is_checked()
    assert not other.page.locator('input[name="measure"][value="recoveries"]').is_checked()
    assert other.page.input_value('#controls input[name="from"]') == "2020-05-01"
    assert other.traces() == seen.traces()
    assert {trace["x"][0] for trace in other.traces()} == {"2020-05-31"}


def test_copying_the_link_says_so(open_page: Open) -> None:
    seen = open_page()
    seen.choose("Week")
    seen.until_drawn("weekly new linear")
    seen.page.click("#share")
    seen.page.wait_for_selector("#copied:not(:empty)")
    assert seen.page.locator("#copied").inner_text() in ("Copied.", seen.page.url)


def test_dragging_over_the_chart_narrows_the_dates_everywhere(open_page: Open) -> None:
    seen = open_page()
    seen.page.locator("#main-title").scroll_into_view_if_needed()
    box = seen.page.locator("#plot-main .xy .nsewdrag, #plot-main .nsewdrag").first.bounding_box()
    middle = box["y"] + box["height"] / 2
    seen.page.mouse.move(box["x"] + box["width"] * 0.25, middle)
    seen.page.mouse.down()
    seen.page.mouse.move(box["x"] + box["width"] * 0.6, middle, steps=8)
    seen.page.mouse.up()
    seen.page.wait_for_url(re.compile("from="))
    start, end = (seen.page.input_value(f'#controls input[name="{name}"]') for name in ("from", "to"))
    dates = [row["date"] for row in seen.ask("data")]
    assert dates[0] < start < end < dates[-1]
    assert f"from={start}&to={end}" in seen.page.url
    assert f"from={start}&to={end}" in seen.page.get_attribute("#download", "href")
    seen.page.click("#main-table summary")
    seen.page.locator("#main-table tbody th").first.wait_for()
    shown = seen.page.locator("#main-table tbody th").count()
    assert shown == len([date for date in dates if start <= date <= end])


def test_the_range_below_the_chart_is_dragged_by_its_handles_and_as_a_whole(open_page: Open) -> None:
    seen = open_page()
    dates = [row["date"] for row in seen.ask("data")]
    brush = seen.page.locator("#brush")
    brush.scroll_into_view_if_needed()
    box = brush.bounding_box()

    def drag(start: float, end: float) -> None:
        height = box["y"] + box["height"] / 2
        seen.page.mouse.move(box["x"] + box["width"] * start, height)
        seen.page.mouse.down()
        seen.page.mouse.move(box["x"] + box["width"] * end, height, steps=6)
        seen.page.mouse.up()

    drag(0, 0.5)
    seen.page.wait_for_url(re.compile("from="))
    start = seen.page.input_value('#controls input[name="from"]')
    assert abs(dates.index(start) - len(dates) / 2) < 6
    drag(0.75, 0.5)
    seen.page.wait_for_url(re.compile("from=.*to="))
    moved = [seen.page.input_value(f'#controls input[name="{name}"]') for name in ("from", "to")]
    assert abs(dates.index(moved[0]) - len(dates) / 4) < 8
    assert abs(dates.index(moved[1]) - len(dates) * 3 / 4) < 8
    shown = seen.traces()[0]["x"]
    assert [shown[0], shown[-1]] == moved


def test_the_handles_of_the_range_take_arrow_keys_and_say_their_date(open_page: Open) -> None:
    seen = open_page()
    handle = seen.page.locator('#brush input[name="from"]')
    handle.focus()
    seen.page.keyboard.press("ArrowRight")
    seen.page.wait_for_url(re.compile("from="))
    second = seen.ask("data")[1]["date"]
    assert seen.page.input_value('#controls input[name="from"]') == second
    assert handle.get_attribute("aria-valuetext") == seen.page.evaluate(
        """(date) => {
            const style = { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" };
            return new Intl.DateTimeFormat("en-US", style).format(new Date(date));
        }""",
        second,
    )


def test_the_last_thirty_days_and_all_again(open_page: Open) -> None:
    seen = open_page()
    seen.page.click("button[data-days='30']")
    dates = [row["date"] for row in seen.ask("data")]
    assert seen.page.input_value('#controls input[name="to"]') == dates[-1]
    assert "from=" in seen.page.url
    seen.page.click("button[data-days='']")
    seen.page.wait_for_url(lambda url: "#" not in url)


def test_downloads_are_what_the_api_answers(open_page: Open, tmp_path: Path) -> None:
    seen = open_page()
    seen.choose("Week")
    seen.until_drawn("weekly new linear")
    with seen.page.expect_download() as started:
        seen.page.click("#download")
    started.value.save_as(tmp_path / "weekly.csv")
    assert (tmp_path / "weekly.csv").read_text() == seen.ask("weekly?format=csv")
    with seen.page.expect_download() as started:
        seen.page.click("article:has(#recent-daily) a[download]")
    started.value.save_as(tmp_path / "days.csv")
    days = seen.ask("daily")[-7:]
    assert (tmp_path / "days.csv").read_text() == seen.ask(
        f"daily?format=csv&from={days[0]['date']}&to={days[-1]['date']}"
    )


def test_as_known_on_a_date_the_whole_page_is_turned_back(open_page: Open) -> None:
    seen = open_page()
    runs = [run["run_id"] for run in seen.ask("runs?limit=100") if run["state"] == "COMMITTED"]
    day = runs[1][:10]
    seen.page.fill("#as-of", day)
    seen.page.click("form.known:has(#as-of) button")
    seen.until_ready()
    then = seen.ask(f"data?as_of={day}")
    assert f"as_of={day}" in seen.page.url
    assert seen.page.locator("h2.day time").get_attribute("datetime") == then[-1]["date"]
    assert seen.traces()[0]["x"] == [row["date"] for row in then]
    assert runs[1] in seen.page.locator(".notice time").nth(1).get_attribute("datetime")
    assert runs[0] not in seen.page.locator("table.runs").inner_html()
    save_screenshot(seen.page, "as-known-on")
    seen.page.click(".notice a")
    seen.until_ready()
    assert "as_of" not in seen.page.url


def test_the_revisions_panel_shows_each_changed_value(open_page: Open) -> None:
    seen = open_page()
    marks = sum(len(trace["x"]) for trace in seen.traces('[data-plot="revisions"]'))
    rows = seen.page.locator("section:has(#revised) tbody tr:not(.group)").count()
    assert marks > 0
    assert rows == min(marks, 40) or marks > 40


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_system_s_theme_until_another_is_chosen(open_page: Open, scheme: str) -> None:
    seen = open_page(color_scheme=scheme)
    dark = "rgb(21, 21, 20)"

    def paper() -> str:
        return str(seen.page.evaluate("getComputedStyle(document.body).backgroundColor"))

    assert (paper() == dark) == (scheme == "dark")
    other = "light" if scheme == "dark" else "dark"
    seen.page.select_option("#theme", other)
    assert (paper() == dark) == (other == "dark")
    seen.page.reload()
    seen.until_ready()
    assert (paper() == dark) == (other == "dark")
    if scheme == "light":
        save_screenshot(seen.page, "dashboard-dark")


def test_on_a_phone_nothing_is_wider_than_the_screen(open_page: Open) -> None:
    seen = open_page(**PHONE)
    assert seen.page.evaluate("document.documentElement.scrollWidth") == 390
    wide = seen.page.evaluate(
        """[...document.querySelectorAll("main *")]
            .filter((element) => !element.closest(".scroll, svg, .js-plotly-plot, .unseen"))
            .filter((element) => element.getBoundingClientRect().right > 391)
            .map((element) => element.outerHTML.slice(0, 80))"""
    )
    assert wide == []
    reason = seen.page.locator("td.reason").first.bounding_box()
    assert reason["x"] + reason["width"] <= 390
    save_screenshot(seen.page, "dashboard-390")


def test_without_javascript_numbers_tables_and_freshness_read(open_page: Open) -> None:
    seen = open_page(java_script_enabled=False, ready=False)
    text = seen.page.locator("main").inner_text()
    data = seen.ask("data")
    assert f"{latest(data, 'cases')['cases']:,}" in text
    assert "Next run due" in text and "Last 8 weeks" in text and "Run of" in text
    assert seen.page.locator("#controls").is_hidden()
    assert seen.page.locator("#theme").is_hidden()
    save_screenshot(seen.page, "without-javascript")
    seen.page.fill("#as-of", data[-1]["date"])
    seen.page.click("form.known:has(#as-of) button")
    assert "as_of=" in seen.page.url


def test_with_the_keyboard_alone_everything_can_be_reached_and_switched(open_page: Open) -> None:
    seen = open_page()
    seen.page.keyboard.press("Tab")
    assert seen.page.evaluate("document.activeElement.textContent") == "Skip to the numbers"
    reached = []
    for _ in range(60):
        seen.page.keyboard.press("Tab")
        reached.append(seen.page.evaluate("document.activeElement.name || document.activeElement.id"))
        if reached[-1] == "by":
            break
    assert {"as_of", "theme", "show", "by"} <= set(reached)
    seen.page.keyboard.press("ArrowRight")
    seen.until_drawn("weekly new linear")
    seen.page.locator("#main-table summary").focus()
    seen.page.keyboard.press("Enter")
    seen.page.locator("#main-table tbody tr").first.wait_for()
    assert seen.page.locator("#main-table tbody tr").count() == len(seen.ask("weekly"))
    outline = seen.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_numbers_and_dates_are_in_the_reader_s_locale(open_page: Open) -> None:
    seen = open_page(locale="de-DE")
    row = seen.ask("data")[-1]
    assert f"{row['cases']:,}".replace(",", ".") == seen.page.locator(".stat .total").first.inner_text()
    month = seen.page.evaluate(
        "(date) => new Intl.DateTimeFormat('de-DE', { month: 'long', timeZone: 'UTC' }).format(new Date(date))",
        row["date"],
    )
    assert month in seen.page.locator("h2.day").inner_text()
    assert seen.layout()["separators"] == ",."


MOMENTS = """() => [...document.querySelectorAll('time[data-style^="moment"]')]
  .map((it) => [it.dataset.style, it.dateTime, it.textContent])"""


def test_a_run_bears_the_same_day_in_every_time_zone_and_the_zone_is_named(open_page: Open) -> None:
    """17:00 in UTC is early on the next day in Auckland."""
    near, far = (open_page(timezone_id=zone).page.evaluate(MOMENTS) for zone in ("UTC", "Pacific/Auckland"))
    assert near == far
    assert {style for style, _, _ in near} == {"moment", "moment-short"}
    assert {text.rpartition(" ")[2] for _, _, text in near} == {"UTC"}
    assert [f" {int(time[8:10])}," in text for _, time, text in near] == [True] * len(near)


def test_a_measure_that_stopped_ends_with_a_note_and_never_drops_to_zero(open_page: Open) -> None:
    seen = open_page("#show=cumulative")
    data = seen.ask("data")
    last = latest(data, "recoveries")
    if last["date"] == data[-1]["date"]:
        pytest.skip("every measure of these runs is reported to the end")
    line = next(trace for trace in seen.traces() if trace["meta"] == "recoveries")
    assert line["y"][-1] is None
    assert [value for value in line["y"] if value is not None][-1] == last["recoveries"]
    notes = [note["text"] for note in seen.layout()["annotations"] if note["name"].startswith("note-")]
    assert len(notes) == 1 and notes[0].startswith("not reported after ")
    assert "Not reported after" in seen.page.locator(".stat").nth(2).inner_text()


def test_hovering_and_every_combination_of_switches_says_nothing_in_the_console(open_page: Open) -> None:
    seen = open_page()
    for show in ("Cumulative", "New"):
        for by in ("Week", "Month", "Day"):
            for scale in ("Log", "Linear"):
                seen.choose(show, by, scale)
    seen.until_drawn("daily new linear")
    box = seen.page.locator("#plot-main .nsewdrag").first.bounding_box()
    seen.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    seen.page.wait_for_selector("#plot-main .hoverlayer .legend, #plot-main .hoverlayer .hovertext")
    _hover_a_mark(seen)


def _hover_a_mark(seen: Seen) -> None:
    plot = seen.page.locator('[data-plot="revisions"]')
    plot.scroll_into_view_if_needed()
    box = plot.locator(".points path").first.bounding_box()
    seen.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    plot.locator(".hoverlayer text").first.wait_for()


def test_pictures_are_there_before_plotly_and_stay_where_it_never_comes(open_page: Open) -> None:
    seen = open_page(None)
    seen.context.route("**/plotly*", lambda route: route.abort())
    seen.page.goto(seen.root)
    seen.page.wait_for_selector("body[data-ready=still]")
    assert seen.page.locator("#plot-main .still .line").count() == len(MEASURES)
    assert seen.page.locator("figure.small .still").count() == 3
    assert "did not load" in seen.page.locator("#still-only").inner_text()
    assert seen.page.locator("#controls").is_hidden()
    seen.complaints.clear()  # that a file did not load is what this is about


def test_without_javascript_the_charts_are_there_and_what_is_said_of_them_is_true(open_page: Open) -> None:
    seen = open_page(java_script_enabled=False, ready=False)
    box = seen.page.locator("#plot-main .still").bounding_box()
    assert box["width"] > 900 and box["height"] > 400
    assert seen.page.locator("#main-title").inner_text() == "New on each day, with the 7-day mean"
    with seen.page.expect_download() as started:
        seen.page.click("noscript a")
    assert started.value.suggested_filename == "us-covid-daily-run-20201118T170000Z.csv"
    assert seen.page.locator("figure.revisions").is_hidden()


def test_plotly_takes_the_place_of_the_pictures_and_nothing_moves(open_page: Open) -> None:
    seen = open_page()
    assert seen.page.locator(".still").count() == 0
    shifts = seen.page.evaluate(
        """() => new Promise((resolve) => {
            const sum = (list) => list.getEntries().reduce((sum, one) => sum + one.value, 0);
            new PerformanceObserver((list) => resolve(sum(list))).observe({ type: "layout-shift", buffered: true });
            setTimeout(() => resolve(0), 500);
        })"""
    )
    assert shifts < 0.1


def test_words_below_the_chart_follow_what_is_shown(open_page: Open) -> None:
    seen = open_page()
    caption = seen.page.locator("#course-summary")
    opening = caption.inner_text()
    seen.choose("Week", "Deaths", "Recoveries")
    seen.until_drawn("weekly new linear")
    weeks = [row for row in seen.ask("weekly") if row["complete"] or row["cases"] is not None]
    assert caption.inner_text().startswith(f"{len(weeks)} weeks from ")
    assert "Cases: highest" in caption.inner_text() and "Deaths" not in caption.inner_text()
    seen.choose("Cases")
    seen.page.wait_for_selector("#plot-main.empty")
    assert caption.inner_text() == "No measure is chosen: switch one on to see it."
    seen.choose("Cases", "Deaths", "Recoveries", "Day")
    seen.until_drawn("daily new linear")
    assert caption.inner_text() == opening


def test_dates_without_data_and_thirty_days_by_month_say_what_there_is(open_page: Open) -> None:
    seen = open_page("#from=2031-01-01&to=2031-02-01")
    caption = seen.page.locator("#course-summary")
    assert "There is nothing to show in these dates: the data go from" in caption.inner_text()
    assert seen.page.locator("#main-title").inner_text().endswith(", from Jan 1, 2031 to Feb 1, 2031")
    seen.page.click("button[data-days='30']")
    seen.choose("Month")
    seen.until_drawn("monthly new linear")
    assert re.match(r"[12] months? from ", caption.inner_text())
    assert 1 <= len(seen.traces()[0]["x"]) <= 2


def test_another_date_keeps_the_view(open_page: Open) -> None:
    seen = open_page("#by=weekly&hide=deaths")
    day = [run["run_id"] for run in seen.ask("runs?limit=100") if run["state"] == "COMMITTED"][1][:10]
    seen.page.fill("#as-of", day)
    seen.page.click("form.known:has(#as-of) button")
    seen.page.wait_for_url(f"**/?as_of={day}#by=weekly&hide=deaths")
    seen.until_drawn("weekly new linear")
    seen.page.click(".notice a")
    seen.page.wait_for_url(lambda url: "as_of" not in url and url.endswith("#by=weekly&hide=deaths"))
    seen.until_drawn("weekly new linear")


def test_what_is_shown_can_be_saved(open_page: Open, tmp_path: Path) -> None:
    seen = open_page()
    seen.choose("Cumulative", "Week", "Deaths")
    seen.until_drawn("weekly cumulative linear")
    with seen.page.expect_download() as started:
        seen.page.click("#download")
    started.value.save_as(tmp_path / "shown.csv")
    lines = (tmp_path / "shown.csv").read_text().splitlines()
    assert lines[0] == "date,cases,recoveries"
    data = {row["date"]: row for row in seen.ask("data")}
    date, cases, _ = lines[1].split(",")
    assert data[date]["cases"] == int(cases)
    picture = seen.page.locator('a[data-chart="chart.svg"]').get_attribute("href")
    assert "by=weekly&show=cumulative&measure=cases%2Crecoveries" in picture
    assert seen.ask(picture).startswith("<svg")


def test_an_embed_is_seen_within_another_page(open_page: Open) -> None:
    seen = open_page(None)
    framing = f'<iframe src="{seen.root}embed?measure=cases" width="600" height="400"></iframe>'
    seen.context.route("http://elsewhere.test/", lambda route: route.fulfill(body=framing, content_type="text/html"))
    seen.page.goto("http://elsewhere.test/")
    frame = seen.page.frame_locator("iframe")
    frame.locator(".still .line").wait_for(state="attached")
    assert "Data from The New York Times" in frame.locator("figcaption").inner_text()
    assert frame.locator("body").evaluate("document.documentElement.scrollWidth <= innerWidth")
    seen.complaints[:] = [it for it in seen.complaints if "favicon" not in it]


def test_it_prints_whole(open_page: Open) -> None:
    seen = open_page(color_scheme="dark")
    seen.page.emulate_media(media="print")
    assert seen.page.locator(".scroll.tall").first.evaluate("(box) => box.scrollHeight <= box.clientHeight + 1")
    assert seen.page.locator("#controls").is_hidden()
    assert seen.page.evaluate("getComputedStyle(document.body).color") == "rgb(29, 28, 26)"
