"""The dashboard in headless Chromium: what a visit transfers, and how soon its charts are there."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

from tests.bench.measuring import OURS, Figure, Target
from tests.browser.chromium import FLAGS
from tests.browser.seen import Seen

NAMES = ("dashboard_first_load", "dashboard_next_day", "dashboard_drawn", "dashboard_drawn_slow")
_KB, _MB = 1000, 1_000_000
_VISITS = 5

_DRAWN_MS = """() => performance.getEntriesByName("drawn")[0].startTime
    - performance.getEntriesByType("navigation")[0].responseEnd"""


_SLOW_4G = {"offline": False, "latency": 562.5, "downloadThroughput": 180_000, "uploadThroughput": 84_375}
"""As Lighthouse has it: 150 ms and 1.6 Mbit/s with the protocols' own share taken off."""
_SLOWER = 4
_NOTE_WHEN_SEEN = """(() => {
    const look = () => {
        const line = document.querySelector("#plot-main .still .line, #plot-main .plot-container path");
        if (line && line.getBoundingClientRect().height > 0) {
            setTimeout(() => performance.mark("seen"));
        } else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
})()"""
"""Marks when the first frame that has the main chart in it is out: it is looked for before each frame is painted."""
_SEEN_SHARE = """() => performance.getEntriesByName("seen")[0].startTime
    / performance.getEntriesByType("navigation")[0].responseEnd"""


def without_a_browser() -> str:
    """What is missing, for people; empty where nothing is."""
    program = _chromium()
    missing = [] if program else ["chromium"]
    missing += [] if find_spec("playwright") else ["playwright"]
    return f"there is no {' and no '.join(missing)}" if missing else ""


def measure(url: str, *, next_day: Callable[[], None]) -> Iterator[Figure]:
    """The dashboard at this address; `next_day` has another run committed and its views served."""
    with _open(url) as seen:
        transferred = _transferred(seen)
        first = _visit(seen, transferred)
        next_day()
        again = _visit(seen, transferred)
    note = "bytes on the wire, the second visit after another run's commit with the browser's cache as it was"
    yield Figure(
        name="dashboard_first_load", unit="MB", rounds={OURS: [first / _MB]}, target=Target(at_most=1.6), note=note
    )
    yield Figure(name="dashboard_next_day", unit="kB", rounds={OURS: [again / _KB]}, target=Target(at_most=60))
    drawn = []
    for _ in range(_VISITS):
        with _open(url) as seen:
            _visit(seen, [])
            drawn.append(seen.page.evaluate(_DRAWN_MS) / 1000)
    yield Figure(
        name="dashboard_drawn",
        unit="s",
        rounds={OURS: drawn},
        target=Target(at_most=1),
        note="from the end of the HTML to the last chart, nothing cached",
    )

    yield _drawn_slow(url)


def _drawn_slow(url: str) -> Figure:
    shares = []
    for _ in range(_VISITS):
        with _open(url) as seen:
            session: Any = seen.context.new_cdp_session(seen.page)
            session.send("Network.enable")
            session.send("Network.emulateNetworkConditions", _SLOW_4G)
            session.send("Emulation.setCPUThrottlingRate", {"rate": _SLOWER})
            seen.page.add_init_script(_NOTE_WHEN_SEEN)
            seen.page.goto(seen.root, wait_until="commit")
            seen.page.wait_for_function("performance.getEntriesByName('seen').length > 0", timeout=60_000)
            shares.append(seen.page.evaluate(_SEEN_SHARE))
    return Figure(
        name="dashboard_drawn_slow",
        unit="times",
        rounds={OURS: shares},
        target=Target(at_most=1.2),
        note="when the main chart is seen, over when the HTML is all there: slow 4G, a processor four times slower",
    )


def _chromium() -> str | None:
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@contextlib.contextmanager
def _open(url: str) -> Iterator[Seen]:
    """A browser that has never been there."""
    from playwright.sync_api import sync_playwright  # deferred: only these figures need it

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=FLAGS)
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        yield Seen(context=context, page=context.new_page(), root=url)
        browser.close()


def _transferred(seen: Seen) -> list[float]:
    """Grows by the bytes of every answer from now on."""
    sizes: list[float] = []
    session: Any = seen.context.new_cdp_session(seen.page)
    session.send("Network.enable")
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    return sizes


def _visit(seen: Seen, transferred: list[float]) -> float:
    """Open the page until all is drawn and quiet; the bytes that took."""
    seen.page.goto("about:blank")
    transferred.clear()
    seen.page.goto(seen.root)
    seen.until_ready()
    seen.page.wait_for_load_state("networkidle")
    return sum(transferred)
