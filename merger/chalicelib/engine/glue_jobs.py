"""Jobs of AWS Glue: how one is started, and what became of it."""

from collections.abc import Callable
from typing import Any

from shared.errors import LeaseHeld

_ENDED_BADLY = frozenset({"FAILED", "STOPPED", "STOPPING", "TIMEOUT", "ERROR", "EXPIRED"})
_LONGEST_REASON = 500


class GlueJobs:
    """One job definition. The client is made when it is needed: most merges need none."""

    def __init__(self, client: Callable[[], Any], *, job: str, bucket: str, timeout_minutes: int) -> None:
        self._client, self._job, self._bucket, self._minutes = client, job, bucket, timeout_minutes

    def start(self, request: str) -> str:
        """The id of a job that carries out the order at this key. Raises LeaseHeld where as many run as may."""
        glue = self._client()
        arguments = {"--bucket": self._bucket, "--request": request}
        try:
            reply = glue.start_job_run(JobName=self._job, Arguments=arguments, Timeout=self._minutes)
        except glue.exceptions.ConcurrentRunsExceededException as error:
            raise LeaseHeld(f"as many jobs of {self._job} run as may at once: {error}") from error
        return str(reply["JobRunId"])

    def trouble(self, job_run: str) -> str:
        """Why a job came to no result; empty where it is under way, or has succeeded."""
        run = self._client().get_job_run(JobName=self._job, RunId=job_run)["JobRun"]
        if run["JobRunState"] not in _ENDED_BADLY:
            return ""
        return f"{run['JobRunState']}: {run.get('ErrorMessage', 'without a reason')}"[:_LONGEST_REASON]
