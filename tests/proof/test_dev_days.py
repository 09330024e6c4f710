"""Every day of the replay corpus, at every hour of polling, against what an independent program found."""

from collections.abc import Callable, Iterator

import pytest

from tests.proof.corpus import CUTS, Corpus
from tests.proof.days import days_of_corpus
from tests.proof.profiles import thorough
from tests.proof.replaying import live_days, merge_days
from tests.world import World, world

pytestmark = pytest.mark.feeds


@pytest.mark.parametrize("cut", CUTS)
def test_every_day_is_merged_as_the_oracle_says_in_full_and_by_delta(
    dev: Corpus, cut: str, record_property: Callable[[str, object], None]
) -> None:
    replay = merge_days(days_of_corpus(dev, "dev", cut))
    record_property("days merged", replay.days)
    assert replay.findings == []
    assert replay.days == 121
    assert replay.deltas > 50
    assert replay.ends.keys() == {"COMMITTED", "UNCHANGED"}


@pytest.fixture
def system() -> Iterator[World]:
    with world() as made:
        yield made


def test_every_day_goes_through_all_handlers_as_the_oracle_says(
    dev: Corpus, system: World, record_property: Callable[[str, object], None]
) -> None:
    """One run a day at 17:00 and a watch at 23:59: rows, change sets, views and mails."""
    replay = live_days(system, days_of_corpus(dev, "dev", "23:59"), most=None if thorough() else 25)
    record_property("days through all handlers", replay.days)
    assert replay.findings == []
    assert replay.mails["digest"] == replay.ends["COMMITTED"]
    assert replay.mails["failure"] == 0
