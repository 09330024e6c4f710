"""Spark as the cluster: it plans the tasks, sends packets to where their bucket is merged, and tries again what fails.

Only what Spark 4.0 offers is used: `mapInArrow`, `groupBy().applyInArrow`. A packet holds the rows of a bucket as
arrays, so that the JVM moves a few large values and never a row.
"""

from collections.abc import Iterator

import pyarrow as pa
from pyspark.sql import SparkSession

from spark_job.reading_tasks import MergeBucket, ReadTask

_PACKET = "bucket int, feed int, part int, data binary"
_ARROW = pa.schema([("bucket", pa.int32()), ("feed", pa.int32()), ("part", pa.int32()), ("data", pa.binary())])
_RESULT = "result binary"


class SparkCluster:
    """Carries a job out in a Spark session."""

    def __init__(self, session: SparkSession) -> None:
        self._session = session

    def run(self, tasks: int, *, read: ReadTask, merge: MergeBucket, buckets: int) -> list[bytes]:
        """What `merge` makes of each bucket."""

        def reading(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                for number in batch.column(0).to_pylist():
                    for packet in read(number):
                        yield pa.RecordBatch.from_arrays(
                            [pa.array([value], kind.type) for value, kind in zip(packet, _ARROW, strict=True)],
                            schema=_ARROW,
                        )

        def merging(packets: pa.Table) -> pa.Table:
            rows = list(zip(*(column.to_pylist() for column in packets.columns), strict=True))
            return pa.table({"result": pa.array([merge(int(rows[0][0]), rows)], pa.binary())})

        self._session.conf.set("spark.sql.shuffle.partitions", str(buckets + 1))
        numbers = self._session.range(0, tasks, 1, tasks)
        packets = numbers.mapInArrow(reading, _PACKET)
        merged = packets.groupBy("bucket").applyInArrow(merging, _RESULT)
        return [bytes(row.result) for row in merged.collect()]
