"""What the merger asks of Glue, and what it makes of the answers."""

from typing import Any

import pytest

from chalicelib.engine.glue_jobs import GlueJobs
from shared.errors import LeaseHeld


class ConcurrentRunsExceededException(Exception):
    """As botocore makes it."""


class Glue:
    """Glue's client, which keeps what it was called with."""

    class exceptions:  # noqa: N801 - botocore's name
        ConcurrentRunsExceededException = ConcurrentRunsExceededException

    def __init__(self, *, run: dict[str, Any] | None = None, full: bool = False) -> None:
        self.called: list[dict[str, Any]] = []
        self._run, self._full = run or {}, full

    def start_job_run(self, **arguments: Any) -> dict[str, str]:
        self.called.append(arguments)
        if self._full:
            raise ConcurrentRunsExceededException("4 run")
        return {"JobRunId": "jr_1"}

    def get_job_run(self, **arguments: Any) -> dict[str, Any]:
        self.called.append(arguments)
        return {"JobRun": self._run}


def jobs(glue: Glue) -> GlueJobs:
    return GlueJobs(lambda: glue, job="covid-stats-prod-engine", bucket="data", timeout_minutes=90)


def test_a_job_is_started_with_the_place_of_its_order_and_its_time() -> None:
    glue = Glue()
    assert jobs(glue).start("jobs/a/r/1/request.json") == "jr_1"
    assert glue.called == [
        {
            "JobName": "covid-stats-prod-engine",
            "Arguments": {"--bucket": "data", "--request": "jobs/a/r/1/request.json"},
            "Timeout": 90,
        }
    ]


def test_where_as_many_jobs_run_as_may_the_run_has_to_wait() -> None:
    with pytest.raises(LeaseHeld, match="as many jobs of covid-stats-prod-engine run as may at once"):
        jobs(Glue(full=True)).start("key")


@pytest.mark.parametrize(
    ("run", "trouble"),
    [
        ({"JobRunState": "RUNNING"}, ""),
        ({"JobRunState": "SUCCEEDED"}, ""),
        ({"JobRunState": "TIMEOUT"}, "TIMEOUT: without a reason"),
        ({"JobRunState": "FAILED", "ErrorMessage": "out of memory"}, "FAILED: out of memory"),
    ],
)
def test_only_a_job_that_ended_badly_is_trouble(run: dict[str, Any], trouble: str) -> None:
    assert jobs(Glue(run=run)).trouble("jr_1") == trouble
