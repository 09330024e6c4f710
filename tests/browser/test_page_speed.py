"""What a visit transfers. How soon the charts are drawn is measured: `make bench ONLY=dashboard_drawn`."""

from typing import Any

from tests.browser.conftest import Open

FIRST_LOAD, NEXT_DAY = 1_600_000, 60_000


def transferred(session: Any, sizes: list[float]) -> None:
    session.send("Network.enable")
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))


def test_the_first_load_and_the_next_day_s_visit_are_light(open_page: Open) -> None:
    seen = open_page(None)
    sizes: list[float] = []
    transferred(seen.context.new_cdp_session(seen.page), sizes)
    seen.page.goto(seen.root)
    seen.until_ready()
    seen.page.wait_for_load_state("networkidle")
    first = sum(sizes)
    sizes.clear()
    seen.page.goto("about:blank")
    seen.page.goto(seen.root)
    seen.until_ready()
    seen.page.wait_for_load_state("networkidle")
    again = sum(sizes)
    print(f"first load {first / 1000:.0f} kB, next visit {again / 1000:.0f} kB")
    assert first <= FIRST_LOAD
    assert again <= NEXT_DAY


def test_a_page_s_figures_are_asked_for_each_time_so_that_they_are_of_its_run(open_page: Open) -> None:
    seen = open_page()
    with seen.page.expect_response(lambda answer: answer.url.endswith("/figures")) as answered:
        seen.page.goto(seen.root)
    assert answered.value.request.all_headers()["cache-control"] == "max-age=0"
    seen.until_ready()
