from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.observability.lambda_process import Process, lambda_process


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    with lambda_process(tmp_path) as process:
        yield process
