"""The local distributed engine: a real Spark on this machine that starts jobs as AWS Glue is told to.

    .venv-spark/bin/python infra/local/engine_server.py --port PORT --endpoint URL --datasets NAMES

It answers StartJobRun and GetJobRun, which is all that the merger calls, and carries jobs out one after the other in
one session: starting Spark takes longer than merging a day. Run by `infra.local.local_engine`, never by itself.
"""

import argparse
import itertools
import json
import os
import queue
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pyspark.sql import SparkSession

from shared.datasets import find_datasets, register
from spark_job.app import carry_out

CORES = 2


class Jobs:
    """Those that were started, and what became of each."""

    def __init__(self, session: SparkSession) -> None:
        self._session = session
        self._states: dict[str, dict[str, str]] = {}
        self._numbers = itertools.count(1)
        self._waiting: queue.Queue[tuple[str, dict[str, str]]] = queue.Queue()
        threading.Thread(target=self._work, daemon=True).start()

    def start(self, name: str, arguments: dict[str, str]) -> str:
        run = f"jr_{next(self._numbers):06d}"
        self._states[run] = {"Id": run, "JobName": name, "JobRunState": "RUNNING"}
        self._waiting.put((run, arguments))
        return run

    def get(self, run: str) -> dict[str, str] | None:
        return self._states.get(run)

    def _work(self) -> None:
        while True:
            run, arguments = self._waiting.get()
            try:
                carry_out(self._session, bucket=arguments["--bucket"], key=arguments["--request"])
                self._states[run]["JobRunState"] = "SUCCEEDED"
            except Exception as error:  # whatever it is, it is the job's end and not this server's
                print(f"job {run} of {arguments} failed: {error}", file=sys.stderr, flush=True)
                self._states[run] |= {"JobRunState": "FAILED", "ErrorMessage": f"{type(error).__name__}: {error}"[:400]}


def handler_of(jobs: Jobs) -> type[BaseHTTPRequestHandler]:
    """Glue's JSON protocol, as far as it is spoken here."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
            match self.headers.get("X-Amz-Target", "").rpartition(".")[2]:
                case "StartJobRun":
                    self._answer(200, {"JobRunId": jobs.start(body["JobName"], body["Arguments"])})
                case "GetJobRun" if (found := jobs.get(body["RunId"])) is not None:
                    self._answer(200, {"JobRun": found})
                case "GetJobRun":
                    self._answer(400, {"__type": "EntityNotFoundException", "Message": f"no job {body['RunId']}"})
                case other:
                    self._answer(400, {"__type": "InvalidInputException", "Message": f"{other!r} is not known here"})

        def do_GET(self) -> None:
            self._answer(200, {"ready": True})

        def _answer(self, status: int, values: dict[str, Any]) -> None:
            body = json.dumps(values).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Requests are no news."""

    return Handler


def main(arguments: list[str]) -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--endpoint", required=True, help="of the local cloud, for S3")
    parser.add_argument("--datasets", required=True, help="names, or .toml files, with commas between")
    args = parser.parse_args(arguments)
    os.environ["AWS_ENDPOINT_URL"] = args.endpoint
    for dataset in find_datasets(args.datasets):
        register(dataset)
    jobs = Jobs(local_session())
    with ThreadingHTTPServer(("127.0.0.1", args.port), handler_of(jobs)) as server:
        server.serve_forever()


def local_session(*, cores: int = CORES) -> SparkSession:
    """Spark on this machine alone: on loopback, without its page, its files where TMPDIR says."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    builder = SparkSession.builder.master(f"local[{cores}]").appName("covid-stats-engine")
    for name, value in {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "2g",
        "spark.sql.shuffle.partitions": str(cores),
        "spark.ui.showConsoleProgress": "false",
    }.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


if __name__ == "__main__":
    main(sys.argv[1:])
