"""A feed server on loopback that answers by script, and a cloud in memory."""

from collections.abc import Iterator

import pytest

from tests.fetcher.scripted_server import ScriptedServer, serving
from tests.shared.in_memory import Cloud, cloud_in_memory


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with serving() as server:
        yield server


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with cloud_in_memory() as cloud:
        yield cloud
