"""Any interleaving of days, events, crashes, slow handlers and operators keeps what the model says."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import settings

from shared.dataset import Dataset
from tests.proof.life import SETTINGS, live
from tests.proof.lives_side_by_side import SideBySide
from tests.shared.declared import US_COVID
from tests.shared.regions import REGIONS
from tests.world import world

TWIN = replace(US_COVID, name="twin")
"""Of the same feeds and rows, so that what gets into the wrong dataset would fit there."""


def test_lives_of_two_datasets_whose_events_interleave_know_nothing_of_each_other(
    record_property: Callable[[str, object], None],
) -> None:
    seen = Counter[str]()
    with world(SETTINGS, beside=[TWIN]) as made:
        live(made, lives=max(6, settings().max_examples // 8), steps=40, seen=seen, kind=SideBySide)
    record_property("lives of two", seen["lives"])


@pytest.mark.parametrize("dataset", [US_COVID, REGIONS], ids=lambda dataset: dataset.name)
def test_whatever_happens_nothing_is_lost_twice_or_half(
    dataset: Dataset, record_property: Callable[[str, object], None]
) -> None:
    seen = Counter[str]()
    with world(SETTINGS, dataset=dataset) as made:
        live(made, lives=max(8, settings().max_examples // 4), steps=40, seen=seen)
    record_property("lives", seen["lives"])
    record_property("steps of lives", seen["steps"])
