"""Whatever comes in, what comes out is declared. At least 20,000 inputs in CI."""

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.dataset import Dataset
from tests.proof.fuzzing import (
    FEEDS,
    HANDLERS,
    ask_arbitrary_requests,
    handle_arbitrary_events,
    hold_event,
    hold_reading,
    hold_request,
    merge_arbitrary_bytes,
    outcome,
    read_arbitrary_bytes,
    read_fast,
)
from tests.proof.hostile_answers import endure
from tests.proof.mutating import seeds
from tests.proof.small_feeds import pair
from tests.proof.stories import a_day, carry
from tests.shared.declared import US_COVID
from tests.shared.regions import REGIONS
from tests.world import World, world

PER_EXAMPLE = {"read": 25, "merge": 4, "events": 3}
"""Inputs of one Hypothesis example: drawing an example costs more than trying an input."""

_RANDOM = st.integers(0, 2**32 - 1).map(Random)


@pytest.fixture(scope="module")
def system() -> Iterator[World]:
    with world({"FETCH_TIMEOUT_SECONDS": "1"}) as made:
        carry(made, a_day(1, pair(9)))
        yield made


@pytest.mark.parametrize("name", FEEDS)
@given(random=_RANDOM)
def test_any_bytes_are_a_table_or_a_broken_contract_whichever_way_they_are_read(name: str, random: Random) -> None:
    read_arbitrary_bytes(random, name=name, count=PER_EXAMPLE["read"])


@pytest.mark.parametrize("dataset", [US_COVID, REGIONS], ids=lambda dataset: dataset.name)
@given(random=_RANDOM)
def test_any_bytes_of_both_feeds_are_merged_or_refused_in_full_and_by_delta(dataset: Dataset, random: Random) -> None:
    merge_arbitrary_bytes(random, dataset=dataset, count=PER_EXAMPLE["merge"])


@pytest.mark.parametrize("handler", HANDLERS)
def test_any_event_is_handled_or_refused_with_a_declared_error(system: World, handler: str) -> None:
    saved = system.save()

    @given(random=_RANDOM)
    def hold(random: Random) -> None:
        system.restore(saved)
        handle_arbitrary_events(random, system, handler=handler, count=PER_EXAMPLE["events"])

    hold()


def test_any_request_is_answered(system: World) -> None:
    @given(random=_RANDOM)
    def hold(random: Random) -> None:
        ask_arbitrary_requests(random, system, count=PER_EXAMPLE["events"])

    hold()


def test_nothing_hostile_in_an_answer_gets_to_where_it_is_kept_or_shown(system: World) -> None:
    saved = system.save()

    @given(random=_RANDOM)
    def hold(random: Random) -> None:
        system.restore(saved)
        endure(random, system, count=1)

    hold()


@pytest.mark.parametrize("path", seeds("files"), ids=lambda path: path.stem)
@pytest.mark.parametrize("name", FEEDS)
def test_what_once_found_something_finds_nothing_more_in_files(path: Path, name: str) -> None:
    hold_reading(path.read_bytes(), name)


@pytest.mark.parametrize("path", seeds("events"), ids=lambda path: path.stem)
def test_what_once_found_something_finds_nothing_more_in_events(system: World, path: Path) -> None:
    seed = json.loads(path.read_text())
    hold_event(system, seed["handler"], seed["event"])


@pytest.mark.parametrize("path", seeds("requests"), ids=lambda path: path.stem)
def test_what_once_found_something_finds_nothing_more_in_requests(system: World, path: Path) -> None:
    hold_request(system, json.loads(path.read_text()))


_MIB = 2**20

LARGE = {
    "one line": b"date,cases,deaths\n" + b"x" * 4 * _MIB,
    "one field in quotes": b'date,cases,deaths\n2020-03-01,1,"' + b"x" * 2 * _MIB + b'"\n',
    "nothing but commas": b"date,cases,deaths\n" + b"," * 2 * _MIB,
    "nothing but line ends": b"date,cases,deaths\n" + b"\n" * 4 * _MIB,
    "nothing but quotes": b"date,cases,deaths\n" + b'"' * 2 * _MIB,
    "zeros": bytes(4 * _MIB),
    "a header of many columns": b"date,cases,deaths" + b",c" * _MIB + b"\n",
    "one key again and again": b"date,cases,deaths\n" + b"2020-03-01,1,1\n" * 200_000,
    "a number without end": b"date,cases,deaths\n2020-03-01," + b"9" * 2 * _MIB + b",1\n",
    "many series": b"day,region,beds\n" + b"".join(b"2020-03-01,Region %d,1\n" % n for n in range(100_000)),
    "long names": b"day,region,beds\n" + b"".join(b"2020-03-01,%s%d,1\n" % (b"r" * 200, n) for n in range(10_000)),
}


@pytest.mark.parametrize("case", LARGE)
@pytest.mark.parametrize("name", ["nyt", "jhu", "board"])
def test_memory_stays_a_multiple_of_the_file(case: str, name: str) -> None:
    """Reading takes what the careful way takes at most: a row at a time as Python objects."""
    data = LARGE[case]
    tracemalloc.start()
    try:
        outcome(read_fast, data, name)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40 * len(data) + 16 * _MIB
