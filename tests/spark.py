"""Spark in a process of its environment; tests without it skip, saying so, or fail where REQUIRE_SPARK=1."""

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from chalicelib.engine.job_request import JobRequest
from chalicelib.engine.job_result import JobResult
from infra.local.local_engine import spark_environment, spark_python, why_no_engine
from infra.services import ROOT
from shared.dataset import Dataset
from shared.declaration import compiled
from spark_job.places import Folder
from spark_job.running import Sizes
from tests.merger.engine_jobs import Carry

_WORKER = Path(__file__).parent / "merger" / "spark_worker.py"


def need_spark() -> None:
    """Skip the test where Spark cannot run, or fail it where it must."""
    if why := why_no_engine():
        if os.environ.get("REQUIRE_SPARK") == "1":
            pytest.fail(why)
        pytest.skip(why)


@contextlib.contextmanager
def spark() -> Iterator[Carry]:
    """Carries jobs out on Spark, all in one session."""
    need_spark()
    with tempfile.TemporaryDirectory(prefix="covid-stats-spark-") as folder:
        log = Path(folder, "log")
        with log.open("wb") as into:
            worker = subprocess.Popen(
                [str(spark_python()), str(_WORKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=into,
                env=spark_environment(Path(folder)),
                cwd=ROOT,
                text=True,
            )
        assert worker.stdin is not None
        assert worker.stdout is not None
        try:
            assert worker.stdout.readline() == "ready\n", log.read_text()[-4000:]
            yield _carry(worker)
        finally:
            worker.stdin.close()
            worker.wait(60)
            worker.stdout.close()


def _carry(worker: "subprocess.Popen[str]") -> Carry:
    def carry(request: JobRequest, dataset: Dataset, folder: Path, sizes: Sizes) -> JobResult:
        key = f"{request.folder}request.json"
        Folder(folder).write(key, request.to_json())
        order = {
            "folder": str(folder),
            "request": key,
            "declaration": compiled([dataset]),
            "sizes": asdict(sizes),
        }
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(json.dumps(order) + "\n")
        worker.stdin.flush()
        answer = worker.stdout.readline()
        assert answer == "done\n", answer
        return JobResult.from_json(Folder(folder).read(f"{request.folder}result.json"))

    return carry
