"""The whole system on this machine: feed server, local cloud, all stacks, a mailbox on the topic."""

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.announcing import Running, announced
from infra.deploy import deploy
from infra.deployed import Stage
from infra.driving import Chain
from infra.feed_server import FeedServer
from infra.local_cloud import LocalCloud
from infra.mailbox import Mailbox
from infra.packages import PackagingFailed
from infra.problems import CommandFailed
from infra.stacks import DeploymentFailed
from infra.terminal import Terminal
from infra.trace_collector import TraceCollector
from shared.datasets import find_dataset


@dataclass(frozen=True, kw_only=True)
class LocalSystem:
    """What a command holds open."""

    cloud: LocalCloud
    feeds: FeedServer
    stage: Stage
    chain: Chain
    traces: Path
    """What its functions have traced; see `infra.trace_store.FileStore`."""


@contextlib.contextmanager
def local_system(
    *,
    terminal: Terminal,
    stage: str,
    announce: bool = False,
    auth: bool = False,
    settings: Mapping[str, str] | None = None,
) -> Iterator[LocalSystem]:
    """Start it, deploy everything by the code that deploys to AWS, and leave nothing behind.

    `announce` lets the operator's commands find it; `settings` are environment variables of the functions.
    """
    with contextlib.ExitStack() as stack:
        feeds = stack.enter_context(FeedServer())
        with terminal.step("Start the local cloud") as step:
            collector = stack.enter_context(TraceCollector())
            cloud = stack.enter_context(LocalCloud(auth=auth, traces=collector.address))
            traces = cloud.folder / "traces.jsonl"
            collector.keep_in(traces)
            step.note(cloud.endpoint)
        urls = json.dumps(feeds.feed_urls(find_dataset("us-covid")))
        with terminal.step("Build and deploy five stacks"):
            chosen = {"FEED_URLS": urls} | dict(settings or {})
            deploy_locally(stage, endpoint=cloud.endpoint, settings=chosen, report=terminal.detail)
        deployed = Stage(stage, endpoint=cloud.endpoint)
        mailbox = open_mailbox(deployed)
        if announce:
            running = Running(pid=os.getpid(), endpoint=cloud.endpoint, stage=stage, traces=str(traces))
            stack.enter_context(announced(running))
        chain = Chain(deployed, feeds=feeds, mailbox=mailbox)
        yield LocalSystem(cloud=cloud, feeds=feeds, stage=deployed, chain=chain, traces=traces)


def deploy_locally(stage: str, *, endpoint: str, settings: Mapping[str, str], report: Callable[[str], None]) -> None:
    """Deploy a stage as a whole. Raises CommandFailed with the reasons."""
    try:
        deploy(stage, endpoint=endpoint, settings=settings, report=report)
    except (PackagingFailed, DeploymentFailed) as error:
        raise CommandFailed(str(error)) from error


def open_mailbox(stage: Stage) -> Mailbox:
    """A mailbox on the stage's topic."""
    return Mailbox.open(
        sns=stage.client("sns"),
        sqs=stage.client("sqs"),
        topic_arn=stage.parameter("topic-arn"),
        name=f"covid-stats-{stage.name}-mailbox",
    )
