"""The table of all series in Chromium, its script alone, on a list that comes in pages and without Plotly."""

import json
from typing import Any

from tests.shared.apps import ROOT

HERE = "http://series.test/"
SCRIPT = (ROOT / "api/chalicelib/static/series.js").read_text()
PAGE = f"""<section id="every-series" data-list="series" data-measures="beds">
<form class="finder" hidden><input name="find"><span role="status"></span></form>
<table><thead><tr><th><button data-sort="name">Region</button></th><th><button data-sort="0">Beds</button></th>
<th><button data-sort="change-0">Change</button></th></tr></thead><tbody></tbody></table>
<figure id="compared" hidden><span class="names"></span><div class="plot"></div></figure>
</section><script>{SCRIPT}</script>"""


def row(name: str, value: int, change: int | None, *, date: str = "2020-03-02") -> dict[str, Any]:
    behind = 2 - int(date[-1])
    return {
        "series": name,
        "date": date,
        "behind": behind,
        "beds": value,
        "changes": {"beds": change},
        "line": [1, 2, None, 4],
    }


PAGES = {
    "series": [row("east", 5, -1), row("north", 9, None, date="2020-03-01")],
    "series?after=north": [row("south", 7, 4)],
}


def test_it_reads_every_page_sorts_by_change_and_compares_nothing_without_plotly(browser: Any) -> None:
    page, errors = browser.new_context(locale="en-GB").new_page(), list[str]()
    page.on("pageerror", lambda error: errors.append(str(error)))

    def answer(route: Any) -> None:
        path = route.request.url.removeprefix(HERE)
        link = {"Link": '<series?after=north>; rel="next"'} if path == "series" else {}
        if path in PAGES:
            route.fulfill(body=json.dumps(PAGES[path]), headers=link, content_type="application/json")
        else:
            route.fulfill(body=PAGE if not path else "[]", content_type="text/html")

    page.route("**/*", answer)
    page.goto(HERE)

    def names() -> list[str]:
        return [text.strip() for text in page.locator("tbody th").all_inner_texts()]

    page.wait_for_function("document.querySelectorAll('tbody tr').length === 3")
    assert names() == ["north 1 Mar 2020", "south", "east"]
    lines = [line.get_attribute("points") for line in page.locator("tbody tr").first.locator("polyline").all()]
    assert lines == ["0.0,31.5 73.3,22.0", "220.0,3.0 220.0,3.0"]
    page.click("[data-sort=change-0]")
    assert names() == ["south", "east", "north 1 Mar 2020"]
    page.click("[data-sort=change-0]")
    assert names() == ["east", "south", "north 1 Mar 2020"]
    page.locator("tbody input").first.check()
    assert page.locator("#compared").is_hidden()
    page.wait_for_load_state("networkidle")
    assert errors == []
    page.context.close()


def test_typing_into_thousands_of_series_shows_a_hundred_at_most_and_once_a_frame(browser: Any) -> None:
    every = [row(f"County {n:04}, {'New York' if n % 50 == 7 else 'Ohio'}", n, 1) for n in range(3_250)]
    page = browser.new_context(locale="en-GB").new_page()

    def answer(route: Any) -> None:
        listed = route.request.url.removeprefix(HERE) == "series"
        kind = "application/json" if listed else "text/html"
        route.fulfill(body=json.dumps(every) if listed else PAGE, content_type=kind)

    page.route("**/*", answer)
    page.goto(HERE)
    page.wait_for_function("document.querySelector('[role=status]').textContent.startsWith('3,250 found')")
    assert page.locator("tbody tr").count() == 100
    shown = page.evaluate("""async () => {
        const find = document.querySelector("[name=find]"), status = document.querySelector("[role=status]");
        let shown = 0;
        new MutationObserver(() => { shown += 1; }).observe(document.querySelector("tbody"), { childList: true });
        for (const letter of "new y") {
            find.value += letter;
            find.dispatchEvent(new Event("input"));
        }
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))));
        return [shown, status.textContent, document.querySelectorAll("tbody tr").length];
    }""")
    assert shown == [1, "65 found", 65]
    page.context.close()
