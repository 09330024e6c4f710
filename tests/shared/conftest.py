"""A cloud in memory, and a process that traces as in Lambda."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shared.in_memory import Cloud, cloud_in_memory
from tests.shared.lambda_process import Process, lambda_process


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with cloud_in_memory() as cloud:
        yield cloud


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    with lambda_process(tmp_path) as process:
        yield process
