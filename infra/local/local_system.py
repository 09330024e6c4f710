"""The whole system on this machine: feed server, local cloud, all stacks, a mailbox on the topic."""

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.deploying.deploy import chosen_datasets, deploy
from infra.deploying.deployed import Stage
from infra.deploying.stacks import DeploymentFailed
from infra.errors import CommandFailed
from infra.local.chain import Chain, served_in
from infra.local.feed_server import FeedServer
from infra.local.local_cloud import LocalCloud
from infra.local.local_engine import LocalEngine
from infra.local.mailbox import Mailbox
from infra.local.running_clouds import Running, announced
from infra.local.trace_collector import TraceCollector
from infra.packaging.vendoring import PackagingFailed
from infra.terminal import Terminal
from shared.datasets import DEFAULT, find_datasets


@dataclass(frozen=True, kw_only=True)
class LocalSystem:
    """What a command holds open."""

    cloud: LocalCloud
    chain: Chain
    traces: Path
    """What its functions have traced; see `infra.tracing.store.FileStore`."""

    @property
    def stage(self) -> Stage:
        return self.chain.stage


@contextlib.contextmanager
def local_system(
    *,
    terminal: Terminal,
    stage: str,
    announce: bool = False,
    auth: bool = False,
    settings: Mapping[str, str] | None = None,
    engine: str = "",
) -> Iterator[LocalSystem]:
    """Start it, deploy everything by the code that deploys to AWS, and leave nothing behind.

    `engine` is what the distributed engine merges, `large` or `spark` (see the setting ENGINE); empty: there is none.
    `announce` lets the operator's commands find it; `settings` are environment variables of the functions.
    """
    chosen = {**(settings or {}), **({"ENGINE": engine} if engine else {})}
    with contextlib.ExitStack() as stack:
        spark = LocalEngine() if engine else None
        with terminal.step("Start the local cloud") as step:
            collector = stack.enter_context(TraceCollector())
            address = spark.address if spark else ""
            cloud = stack.enter_context(LocalCloud(auth=auth, traces=collector.address, engine=address))
            traces = cloud.folder / "traces.jsonl"
            collector.keep_in(traces)
            step.note(cloud.endpoint)
        if spark:
            with terminal.step("Start Spark") as step:
                datasets = chosen_datasets(chosen) or DEFAULT
                stack.enter_context(spark.running(endpoint=cloud.endpoint, datasets=datasets))
                step.note(spark.address)
        with terminal.step("Build and deploy five stacks"):
            deployed = deployed_chain(stage, cloud=cloud, settings=chosen, report=terminal.detail)
            chain = stack.enter_context(deployed)
        if announce:
            running = Running(
                pid=os.getpid(),
                endpoint=cloud.endpoint,
                stage=stage,
                traces=str(traces),
                declarations=",".join(declaration_files(chosen_datasets(settings or {}))),
            )
            stack.enter_context(announced(running))
        yield LocalSystem(cloud=cloud, chain=chain, traces=traces)


def declaration_files(names: str) -> list[str]:
    """Of datasets, with commas between, those that are named by a file: its whole path."""
    return [str(Path(name.strip()).resolve()) for name in names.split(",") if name.strip().endswith(".toml")]


@contextlib.contextmanager
def deployed_chain(
    stage: str,
    *,
    cloud: LocalCloud,
    settings: Mapping[str, str],
    report: Callable[[str], None],
    parameters: Mapping[str, str] | None = None,
) -> Iterator[Chain]:
    """A stage of a local cloud, with a feed server and a mailbox of its own.

    What is built for it is kept in the cloud's folder: it is of use to no other, and two may run at once.
    Raises CommandFailed with the reasons where it cannot be deployed.
    """
    with FeedServer() as feeds:
        datasets = find_datasets(chosen_datasets(settings) or DEFAULT)
        urls = {it.name: feeds.feed_urls(it, under=served_in(it, of=datasets)) for it in datasets}
        chosen = {
            "FEED_URLS": json.dumps(urls),
        } | dict(settings)
        try:
            deploy(
                stage,
                endpoint=cloud.endpoint,
                settings=chosen,
                parameters=parameters,
                out=cloud.folder / "build",
                report=report,
            )
        except (PackagingFailed, DeploymentFailed) as error:
            raise CommandFailed(str(error)) from error
        deployed = Stage(stage, endpoint=cloud.endpoint)
        yield Chain(deployed, feeds=feeds, mailbox=open_mailbox(deployed))


def open_mailbox(stage: Stage) -> Mailbox:
    """A mailbox on the stage's topic."""
    return Mailbox.open(
        sns=stage.client("sns"),
        sqs=stage.client("sqs"),
        topic_arn=stage.parameter("topic-arn"),
        name=f"covid-stats-{stage.name}-mailbox",
    )
