"""The page once more as readers get it: with the stand-in for CloudFront between the browser and the api."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import sample_dashboard
from tests.browser.test_dashboard import *  # noqa: F403  # the same tests, with the dashboard below


@pytest.fixture(scope="module")
def dashboard(browser: Any) -> Iterator[str]:  # first of all a browser, or the tests are skipped
    with sample_dashboard("--through-cloudfront") as address:
        yield address
