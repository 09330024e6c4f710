"""The dashboard in Chromium: of the api without a cloud, or of a deployed one whose address is DASHBOARD_URL."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.chromium import chromium
from tests.browser.seen import Seen
from tests.shared.apps import ROOT


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser" in str(item.path):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def dashboard(browser: Any) -> Iterator[str]:
    """Its address, with the slash at its end."""
    deployed = os.environ.get("DASHBOARD_URL", "")
    if deployed:
        yield deployed.rstrip("/") + "/"
        return
    with sample_dashboard() as address:
        yield address


@contextlib.contextmanager
def sample_dashboard(*options: str) -> Iterator[str]:
    """The address of a dashboard in a process of its own; see `tests.browser.sample` for options."""
    command = [sys.executable, "-m", "tests.browser.sample", *options]
    with subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield next(line for line in process.stdout if line.startswith("http")).strip()
        finally:
            process.terminate()


def environment() -> dict[str, str]:
    """A process of its own has a cloud in memory of its own, which no other test's can get in the way of."""
    return dict(os.environ) | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'api'}"}


type Open = Callable[..., Seen]


@pytest.fixture
def open_page(browser: Any, dashboard: str) -> Iterator[Open]:
    """Open the dashboard as somebody: `open_page("?as_of=...", color_scheme="dark", viewport=...)`.

    None opens nothing yet. At the end nothing may have been said in the console, and no policy have been broken.
    """
    opened: list[Seen] = []

    def open_one(target: str | None = "", *, ready: bool = True, **somebody: Any) -> Seen:
        options = {"viewport": {"width": 1280, "height": 900}, "locale": "en-US", "timezone_id": "UTC"} | somebody
        context = browser.new_context(**options)
        seen = Seen(context=context, page=context.new_page(), root=dashboard)
        opened.append(seen)
        seen.listen()
        if target is not None:
            seen.page.goto(dashboard + target)
            if ready:
                seen.until_ready()
        return seen

    yield open_one
    complaints = [complaint for seen in opened for complaint in seen.complaints]
    for seen in opened:
        seen.context.close()
    assert complaints == []
