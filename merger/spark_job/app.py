"""The engine's entry: one attempt of one run, from its order to its result. Started by the merger, on Spark.

    start.py --bucket NAME --request jobs/{dataset}/{run_id}/{attempt}/request.json

Glue 6.0 runs it, and any other Spark 4 with Python 3.12 or newer, NumPy, PyArrow, and the pandas that PySpark demands
before it passes Arrow. Beside it lies a zip with `spark_job`, `chalicelib` and `shared`. It reads raw files and bases,
writes below its attempt, and knows no table: it cannot commit.
"""

import argparse
import functools
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from spark_job.places import Bucket


def main(arguments: Sequence[str]) -> int:
    """Run the job that a request orders. Raises what keeps it from a result: the engine then calls it failed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--bucket", required=True, help="name of the data bucket")
    parser.add_argument("--request", required=True, help="key of the order")
    args, _ = parser.parse_known_args(arguments)  # Glue adds arguments of its own
    from pyspark.sql import SparkSession  # deferred: Spark's workers import this module too

    carry_out(SparkSession.builder.getOrCreate(), bucket=args.bucket, key=args.request)
    return 0


def carry_out(session: "SparkSession", *, bucket: str, key: str) -> None:
    """The same in a Spark session that is there."""
    from chalicelib.engine.job_request import JobRequest
    from shared.datasets import find_dataset
    from spark_job.running import Sizes, run_job
    from spark_job.spark_cluster import SparkCluster

    connect = functools.partial(bucket_of_process, bucket)
    request = JobRequest.from_json(connect().read(key))
    sizes = Sizes(least_buckets=session.sparkContext.defaultParallelism)
    cluster = SparkCluster(session)
    result = run_job(request, find_dataset(request.dataset), cluster=cluster, connect=connect, sizes=sizes)
    connect().write(f"{request.folder}result.json", result.to_json())
    line = {"event": "job", "dataset": request.dataset, "run_id": request.run_id, "attempt": request.attempt}
    line |= {"seconds": result.seconds, "buckets": result.buckets, "parts": len(result.parts)}
    print(json.dumps(line | {"fault": result.fault}), flush=True)


@functools.cache
def bucket_of_process(name: str) -> "Bucket":
    """The bucket, by this process's one client."""
    import boto3

    from spark_job.places import Bucket

    return Bucket(boto3.client("s3"), name)
