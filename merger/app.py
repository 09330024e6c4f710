"""The merger: waits for all feeds of a run, finds what changed, and commits it.

Here the settings are read, the clients made and the clock looked at; what is done is in `chalicelib`.
"""

import functools
import os
import time
from typing import Any

from chalice import Chalice

from chalicelib.engine.glue_jobs import GlueJobs
from chalicelib.runs.approve_redrive import handle_command, operate_run
from chalicelib.runs.caller_identity import Where, send_to_sts, who_commands
from chalicelib.runs.feed_arrivals import feed_arrived, handle_arrival, handle_result, result_arrived
from chalicelib.runs.fetching_again import WantFeeds, send_event
from chalicelib.runs.merge_settings import engine_minutes, read_policy, read_watch_policy
from chalicelib.runs.merge_tools import Tools
from chalicelib.runs.run_log import log_answer, log_command, log_outcome, log_watched
from chalicelib.runs.watching_all import watch_all
from chalicelib.storing.run_files import RunFiles
from shared.aws import client
from shared.events import Event, not_ahead, scheduled_time
from shared.ledger import Ledger
from shared.observation import invocation
from shared.runs import parse_time
from shared.settings import Place, Source

app = Chalice(app_name="covid-stats-merger")

_ARRIVALS = {
    "source": ["aws.s3"],
    "detail-type": ["Object Created"],
    "detail": {
        "bucket": {"name": [os.environ.get("BUCKET", "")]},
        "object": {"key": [{"prefix": "raw/"}, {"suffix": "/result.json"}]},
    },
}


@functools.cache
def place() -> Place:
    return Place.read(os.environ)


@functools.cache
def tools(name: str = "") -> Tools:
    """Of the dataset of this name, of the first one where it is empty."""
    dataset = place().find(name)
    table = Source(os.environ).text("OBSERVATIONS_TABLE")

    def write(requests: Any, check: Any) -> int:
        from chalicelib.storing.row_writes import write_rows  # deferred: brings threads, and most runs write one batch

        return write_rows(client("dynamodb"), table, requests, check=check)

    def fetch_again(wanted: WantFeeds) -> None:
        send_event(client("events"), stage=place().stage, dataset=dataset.name)(wanted)  # few watches need it

    return Tools(
        dataset=dataset,
        ledger=Ledger(client("dynamodb"), table=place().runs_table, dataset=dataset.name, service="merger"),
        files=RunFiles(client("s3"), bucket=place().bucket, dataset=dataset.name),
        write_rows=write,
        fetch_again=fetch_again,
        policy=read_policy(os.environ),
        engine=_engine() if os.environ.get("ENGINE") else None,
        clock=lambda: int(time.time() * 1000),
    )


def _engine() -> GlueJobs:
    job, minutes = f"covid-stats-{place().stage}-engine", engine_minutes(os.environ)
    return GlueJobs(lambda: client("glue"), job=job, bucket=place().bucket, timeout_minutes=minutes)


def _identify(event: Any) -> str:
    return who_commands(event, where=Where.read(os.environ), clock_ms=tools().clock(), send=send_to_sts)


def _observed(handler: str, context: Any) -> Any:
    return invocation(service="merger", handler=handler, stage=os.environ.get("STAGE", ""), context=context)


@app.on_cw_event(_ARRIVALS)
def on_feed_arrived(event: Event) -> None:
    """EventBridge's `Object Created` for a raw file, and for a result of the distributed engine."""
    with _observed("on_feed_arrived", event.context) as line:
        if result := result_arrived(event.to_dict()):
            line.bind(dataset=result.dataset, run_id=result.run_id, attempt=result.attempt)
            owner = event.context.aws_request_id
            log_outcome(line, handle_result(result, owner=owner, tools=tools(result.dataset)))
            return
        arrived = feed_arrived(event.to_dict())
        not_ahead(parse_time(arrived.run_id), clock_ms=tools().clock())
        line.bind(dataset=arrived.dataset, run_id=arrived.run_id, feed=arrived.feed)
        log_outcome(line, handle_arrival(arrived, owner=event.context.aws_request_id, tools=tools(arrived.dataset)))


@app.schedule(os.environ.get("WATCH_SCHEDULE") or "rate(1 hour)", description="Find what sends no event")
def watch(event: Event) -> None:
    """The scheduled event's `time` is now."""
    with _observed("watch", event.context) as line:
        now = not_ahead(scheduled_time(event.to_dict()), clock_ms=tools().clock())
        policy = read_watch_policy(os.environ)
        watched = [functools.partial(tools, dataset.name) for dataset in place().datasets]
        report = functools.partial(log_watched, line)
        watch_all(now, owner=event.context.aws_request_id, tools=watched, policy=policy, report=report)


@app.lambda_function()
def operate(event: Any, context: Any) -> dict[str, Any]:
    """`{"command", "run_id", "time", "signed"}` -> `{"run_id", "state", "reason", "fetch", "waits"?}`.

    `dataset` names one of the stage's; absent, the first is meant.
    """
    with _observed("operate", context) as line:
        request = operate_run(event, identify=_identify)
        not_ahead(parse_time(request.time), clock_ms=tools().clock())
        line.bind(dataset=place().find(request.dataset).name)
        log_command(line, request)
        report = functools.partial(log_outcome, line)
        answer = handle_command(request, owner=context.aws_request_id, tools=tools(request.dataset), report=report)
        log_answer(line, answer)
        return answer


for _handler in (on_feed_arrived, watch):
    _handler.event_class = Event
