"""Contenders of the distributed engine's figures, each in a process of Spark's environment, its session made ready.

What is timed is the second day: both feeds read, merged, compared with the first day's state, and the new state and the
changes written.
"""

import functools
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as column_of

from chalicelib.engine.job_request import Base, JobRequest, RawObject
from chalicelib.engine.job_result import JobResult
from chalicelib.runs.merge_tools import rules_of
from infra.local.engine_server import local_session
from spark_job.places import Folder
from spark_job.running import Sizes, run_job
from spark_job.spark_cluster import SparkCluster
from tests.bench.scale_data import REGIONS, Days, days_in

_LATEST = 3_000_000
_MEASURES = ("cases", "deaths", "recoveries")


def ours(folder: str, cores: str) -> Callable[[], object]:
    """The engine's job."""
    session, days = local_session(cores=int(cores)), days_in(folder)
    first = _job(session, days, "before", base=Base(), attempt=1)
    base = Base(run_id="r", parts=tuple(part.snapshot.key for part in first.parts))

    def again() -> dict[str, Any]:
        result = _job(session, days, "after", base=base, attempt=2)
        result.raise_fault()
        found = {kind: sum(getattr(part, kind) for part in result.parts) for kind in ("added", "changed", "removed")}
        return found | {"tree_mib": tree_mib()}

    return again


def _job(session: SparkSession, days: Days, day: str, *, base: Base, attempt: int) -> JobResult:
    root = days.before.parent
    files = {feed.name: days.file(feed.name, day=day) for feed in REGIONS.feeds}
    raw = {
        feed: RawObject(
            key=str(path.relative_to(root)), sha256=hashlib.sha256(day.encode()).hexdigest(), bytes=path.stat().st_size
        )
        for feed, path in files.items()
    }
    request = JobRequest(
        dataset=REGIONS.name,
        run_id="r",
        attempt=attempt,
        rules=rules_of(REGIONS),
        latest_day=_LATEST,
        files=raw,
        base=base,
    )
    sizes = Sizes(least_buckets=session.sparkContext.defaultParallelism)
    return run_job(
        request, REGIONS, cluster=SparkCluster(session), connect=functools.partial(Folder, root), sizes=sizes
    )


def plain(folder: str, cores: str) -> Callable[[], object]:
    """As Spark's documentation would: its CSV reader with a schema, joins, Parquet."""
    session, days = local_session(cores=int(cores)), days_in(folder)
    state, changes = Path(folder, "plain", "state"), Path(folder, "plain", "changes")
    fresh = state.with_name("fresh")
    _merged(session, days, "before").write.mode("overwrite").parquet(str(state))

    def again() -> dict[str, Any]:
        shutil.rmtree(fresh, ignore_errors=True)
        now, was = _merged(session, days, "after"), session.read.parquet(str(state))
        now.write.mode("overwrite").parquet(str(fresh))
        now = session.read.parquet(str(fresh))
        renamed = was.select("date", "region", *(column_of.col(name).alias(f"was_{name}") for name in _MEASURES))
        both = now.withColumn("now", column_of.lit(1)).join(
            renamed.withColumn("was", column_of.lit(1)), ["date", "region"], "outer"
        )
        kind = (
            column_of.when(column_of.col("was").isNull(), "added")
            .when(column_of.col("now").isNull(), "removed")
            .when(~_same(), "changed")
        )
        found = both.withColumn("kind", kind).where("kind is not null")
        found.write.mode("overwrite").parquet(str(changes))
        counted = session.read.parquet(str(changes)).groupBy("kind").count().collect()
        counts = {row["kind"]: row["count"] for row in counted}
        return {kind: counts.get(kind, 0) for kind in ("added", "changed", "removed")} | {"tree_mib": tree_mib()}

    return again


def _merged(session: SparkSession, days: Days, day: str) -> DataFrame:
    left = session.read.csv(
        str(days.file("left", day=day)), header=True, schema="date date, region string, cases long, deaths long"
    )
    right = session.read.csv(
        str(days.file("right", day=day)),
        header=True,
        schema="date date, region string, confirmed long, recoveries long",
    ).drop("confirmed")
    return left.join(right, ["date", "region"], "inner")


def _same() -> Any:
    same = column_of.lit(True)
    for name in _MEASURES:
        same = same & column_of.col(name).eqNullSafe(column_of.col(f"was_{name}"))
    return same


def tree_mib() -> float:
    """The most memory that this process and those below it have held, each of them at its peak."""
    kilobytes, left = 0, ["self"]
    while left:
        folder = Path("/proc", left.pop())
        try:
            status = (folder / "status").read_text()
            for children in folder.glob("task/*/children"):
                left += children.read_text().split()
        except OSError:  # it has ended meanwhile
            continue
        kilobytes += next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")), 0)
    return kilobytes / 1024
