"""A stage in memory, from nothing: bucket, tables and topic, and the four apps over them."""

import contextlib
import functools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from moto import mock_aws

from shared import aws, datasets
from shared.dataset import Dataset
from tests.shared.apps import load_app
from tests.shared.calls import Calls
from tests.shared.declared import US_COVID
from tests.shared.in_memory import forget_clients
from tests.world import memory
from tests.world.feeds import Feeds, file_address
from tests.world.stage_environment import BUCKET, ENGINE_JOB, ENVIRONMENT, OBSERVATIONS, RUNS_TABLE, TOPIC
from tests.world.system import World


@contextlib.contextmanager
def world(
    settings: Mapping[str, str] | None = None, *, dataset: Dataset = US_COVID, beside: Sequence[Dataset] = ()
) -> Iterator[World]:
    """A deployment of its own, empty. `settings` are environment variables of all services.

    `beside` are further datasets of the same stage.
    """
    before, registered = dict(os.environ), dict(datasets._REGISTRY)
    served = {it.name: it for it in (dataset, *beside)}
    datasets._REGISTRY.update(served)
    try:
        with Feeds() as feeds:
            urls = {
                it.name: {feed.name: feeds.url(file_address(it, feed.file_name)) for feed in it.feeds}
                for it in served.values()
            }
            os.environ.update(ENVIRONMENT | {"DATASETS": ",".join(served), "FEED_URLS": json.dumps(urls)})
            os.environ.update(settings or {})
            forget_clients()
            with mock_aws():
                yield _found(dataset, feeds, beside=beside)
    finally:
        forget_clients()
        os.environ.clear()
        os.environ.update(before)
        datasets._REGISTRY.clear()
        datasets._REGISTRY.update(registered)


def _found(dataset: Dataset, feeds: Feeds, *, beside: Sequence[Dataset]) -> World:
    clients = {name: aws.client(name) for name in ("s3", "dynamodb", "sns", "events")}
    clients["s3"].create_bucket(Bucket=BUCKET)
    clients["sns"].create_topic(Name=TOPIC.rpartition(":")[2])
    for name, hash_key, range_key in ((RUNS_TABLE, "dataset", "run_id"), (OBSERVATIONS, "dataset#series", "date")):
        clients["dynamodb"].create_table(
            TableName=name,
            KeySchema=[
                {"AttributeName": hash_key, "KeyType": "HASH"},
                {"AttributeName": range_key, "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": hash_key, "AttributeType": "S"},
                {"AttributeName": range_key, "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
    if os.environ.get("ENGINE"):
        clients["glue"] = aws.client("glue")
        memory.make_job(clients["glue"], ENGINE_JOB)
    lanes = sorted({name for it in (dataset, *beside) for name in it.feed_names})
    calls = Calls(*clients.values(), lanes=lanes)
    made = World(
        dataset=dataset,
        beside=beside,
        feeds=feeds,
        calls=calls,
        apps={name: load_app(name) for name in ("fetcher", "merger", "notifier", "api")},
    )
    _set_clocks(made)
    return made


def _set_clocks(made: World) -> None:
    """The composition roots of the apps, with the test's clock in place of the wall's."""
    vars(made.apps["fetcher"])["clock_ms"] = lambda: made.platform.now_ms
    for service, root, clock in (("merger", "tools", "clock"), ("notifier", "mailer", "now_ms")):
        made_for, set_clock = getattr(made.apps[service], root), {clock: lambda: made.platform.now_ms}
        of_each = {name: replace(made_for(name), **set_clock) for name in made.datasets}
        vars(made.apps[service])[root] = functools.partial(_of_dataset, of_each, made.dataset.name)


def _of_dataset(of_each: Mapping[str, Any], first: str, name: str = "") -> Any:
    return of_each[name or first]
