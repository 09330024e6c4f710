"""The dashboard in Chromium: of the api without a cloud, or of a deployed one whose address is DASHBOARD_URL."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.datasets import US_COVID
from tests.api.committing import Committer
from tests.api.serving import ENVIRONMENT, ApiApp, serve_http
from tests.browser.chromium import chromium
from tests.browser.sample import commit_sample
from tests.browser.seen import Seen
from tests.shared.apps import load_app
from tests.shared.in_memory import cloud_in_memory


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
    with cloud_in_memory() as cloud:
        os.environ.update(ENVIRONMENT)
        api = ApiApp(module=load_app("api"))
        commit_sample(api, Committer(cloud=cloud, dataset=US_COVID))
        with serve_http(api) as url:
            yield url


type Open = Callable[..., Seen]


@pytest.fixture
def open_page(browser: Any, dashboard: str) -> Iterator[Open]:
    """Open the dashboard as somebody: `open_page("?as_of=...", color_scheme="dark", viewport=...)`.

    None opens nothing yet. At the end nothing may have been said in the console, and no policy have been broken.
    """
    opened: list[Seen] = []

    def open_one(target: str | None = "", *, ready: bool = True, **somebody: Any) -> Seen:
        told = {"viewport": {"width": 1280, "height": 900}, "locale": "en-US", "timezone_id": "UTC"} | somebody
        context = browser.new_context(**told)
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
