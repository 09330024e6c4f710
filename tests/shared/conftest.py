"""A cloud in memory."""

from collections.abc import Iterator

import pytest

from tests.shared.in_memory import Cloud, cloud_in_memory


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with cloud_in_memory() as cloud:
        yield cloud
