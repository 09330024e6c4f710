"""The consumers of the ledger's stream: a poison record neither blocks nor hides its neighbours, and comes to rest."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from shared.errors import EventMalformed
from tests.proof.small_feeds import jhu, nyt
from tests.proof.stories import at
from tests.world import STREAM_RETRIES, World, world

CONSUMERS = ["on_run_ended", "refresh_views"]
ROWS = 9


@pytest.fixture(scope="module")
def deployment() -> Iterator[Any]:
    """Three runs are committed, and no consumer has heard of it yet."""
    with world({"MAX_REMOVED_PERCENT": "50"}) as made:
        for day in (1, 2, 3):
            made.publish({"nyt": nyt(ROWS + day), "jhu": jhu(ROWS + day)}, at=at(day, "12:00:00"))
            made.schedule("fetch", at(day))
            while made.platform.inbox:
                made.deliver_next()
        yield made, made.save()


@pytest.fixture
def system(deployment: tuple[World, Any]) -> World:
    made, committed = deployment
    made.restore(committed)
    return made


def records(system: World, consumer: str) -> list[dict[str, Any]]:
    return system.platform.streams[consumer].waiting


def number(record: dict[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def poison(record: dict[str, Any]) -> dict[str, Any]:
    """A record of a run that cannot be worded or rendered: it has no summary, and no files."""
    bad = copy.deepcopy(record)
    bad["dynamodb"]["Keys"]["run_id"] = bad["dynamodb"]["NewImage"]["run_id"] = {"S": at(9)}
    bad["dynamodb"]["NewImage"]["summary"] = {"M": {}}
    bad["dynamodb"]["SequenceNumber"] = "666"
    return bad


def done(system: World, consumer: str) -> list[str]:
    """Days whose run the consumer has dealt with."""
    name = {"on_run_ended": "mail", "refresh_views": "views"}[consumer]
    return [run.run_id for run in system.runs() if getattr(run, name) in ("SENT", "RENDERED")]


def test_a_commit_reaches_each_consumer_once(system: World) -> None:
    for consumer in CONSUMERS:
        assert [record["dynamodb"]["Keys"]["run_id"]["S"] for record in records(system, consumer)] == [
            at(1),
            at(2),
            at(3),
        ]


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_what_a_consumer_writes_itself_does_not_reach_it(system: World, consumer: str) -> None:
    system.deliver_batch(consumer)
    assert records(system, consumer) == []


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_the_answer_names_the_one_record_that_failed(system: World, consumer: str) -> None:
    first, second, third = records(system, consumer)
    batch = [first, poison(second), third]
    answer = system.invoke(consumer, {"Records": batch}, request_id="r")
    assert answer == {"batchItemFailures": [{"itemIdentifier": "666"}]}
    assert {at(1), at(3)} <= set(done(system, consumer))


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_a_poison_record_comes_to_rest_after_finite_tries_and_its_neighbours_are_done(
    system: World, consumer: str
) -> None:
    stream = system.platform.streams[consumer]
    stream.waiting.insert(1, poison(stream.waiting[1]))
    tries = 0
    while stream.waiting:
        system.deliver_batch(consumer)
        tries += 1
    assert tries <= STREAM_RETRIES + 3
    assert [number(record) for record in system.platform.dead_letters] == ["666"]
    assert done(system, consumer) == [at(1), at(2), at(3)]
    assert len(system.platform.mails) == (3 if consumer == "on_run_ended" else 0)


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_a_batch_that_comes_again_changes_nothing(system: World, consumer: str) -> None:
    batch = list(records(system, consumer))
    system.deliver_batch(consumer)
    before = (system.items(), system.files(), list(system.platform.mails))
    records(system, consumer)[:0] = batch
    system.deliver_batch(consumer)
    assert (system.items(), system.files(), list(system.platform.mails)) == before


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_an_empty_batch_is_no_failure(system: World, consumer: str) -> None:
    assert system.invoke(consumer, {"Records": []}, request_id="r") == {"batchItemFailures": []}


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_a_record_that_cannot_be_named_fails_the_batch(system: World, consumer: str) -> None:
    """An empty identifier would mean the whole batch too, but without a reason."""
    nameless = copy.deepcopy(records(system, consumer)[0])
    del nameless["dynamodb"]["SequenceNumber"]
    with pytest.raises(EventMalformed):
        system.invoke(consumer, {"Records": [nameless]}, request_id="r")


def test_views_in_any_order_serve_the_newest_run(system: World) -> None:
    stream = system.platform.streams["refresh_views"]
    stream.waiting.reverse()
    stream.size = 1
    served = []
    while stream.waiting:
        stream.size = 1
        system.deliver_batch("refresh_views")
        served.append(len(system.get("/data").json))
    assert served == [ROWS + 3] * 3
    assert done(system, "refresh_views") == [at(1), at(2), at(3)]


def test_a_mail_that_is_being_sent_elsewhere_is_left_to_come_again(system: World) -> None:
    """Two batches with the same record at once: the second fails it, and finds it done when it comes again."""
    [first, *_] = records(system, "on_run_ended")
    other = copy.deepcopy(first)
    other["dynamodb"]["SequenceNumber"] = "667"
    claimed = (
        system.apps["notifier"]
        .mailer()
        .ledger.claim_mail(
            {"dataset": {"S": "us-covid"}, "run_id": {"S": at(1)}},
            still={},
            owner=number(first),
            now=system.platform.now_ms,
            until=system.platform.now_ms + 60_000,
        )
    )
    assert claimed
    answer = system.invoke("on_run_ended", {"Records": [other]}, request_id="r")
    assert answer == {"batchItemFailures": [{"itemIdentifier": "667"}]}
    system.invoke("on_run_ended", {"Records": [first]}, request_id="r")
    assert system.invoke("on_run_ended", {"Records": [other]}, request_id="r") == {"batchItemFailures": []}
    assert len(system.platform.mails) == 1
