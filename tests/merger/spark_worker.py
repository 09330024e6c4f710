"""A process of Spark's environment that carries out jobs over folders, in one session, as it is told on standard input.

A line is JSON: `folder`, `request` (a key in it), `declaration` (Python that makes DATASETS) and `sizes`. The answer is
a line, `done` or what went wrong; the result is in the folder.
"""

import functools
import json
import sys
from pathlib import Path
from typing import Any

from chalicelib.engine.job_request import JobRequest
from infra.local.engine_server import local_session
from spark_job.places import Folder
from spark_job.running import Sizes, run_job
from spark_job.spark_cluster import SparkCluster


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr
    cluster = SparkCluster(local_session())
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        try:
            _carry_out(cluster, json.loads(line))
            print("done", file=answers, flush=True)
        except Exception as error:
            print(repr(error).replace("\n", " "), file=answers, flush=True)


def _carry_out(cluster: SparkCluster, order: dict[str, Any]) -> None:
    made: dict[str, Any] = {}
    exec(order["declaration"], made)
    connect = functools.partial(Folder, Path(order["folder"]))
    request = JobRequest.from_json(connect().read(order["request"]))
    dataset = made["DATASETS"][request.dataset]
    result = run_job(request, dataset, cluster=cluster, connect=connect, sizes=Sizes(**order["sizes"]))
    connect().write(f"{request.folder}result.json", result.to_json())


if __name__ == "__main__":
    main()
