"""Debian's Chromium, driven by Playwright; tests without either skip, saying so, or fail where REQUIRE_BROWSER=1."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=LocalNetworkAccessChecks",
]
"""Headless as root, in a container, and quiet towards the network."""

SCREENSHOTS = Path(os.environ.get("SCREENSHOTS") or Path(__file__).parents[2] / "out" / "screenshots")


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """The browser."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        _do_without("there is no chromium; Debian has it as the package chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _do_without("there is no playwright; it is in infra/locks/tests.txt")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


def _do_without(reason: str) -> None:
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def save_screenshot(page: Any, name: str) -> Path:
    """The whole page, to be looked at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    path = SCREENSHOTS / f"{name}.png"
    page.screenshot(path=str(path), full_page=True)
    return path
