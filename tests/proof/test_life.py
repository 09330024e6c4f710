"""Any interleaving of days, events, crashes, slow handlers and operators keeps what the model says."""

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import settings

from shared.dataset import Dataset
from tests.proof.life import SETTINGS, live
from tests.shared.declared import US_COVID
from tests.shared.regions import REGIONS
from tests.world import world


@pytest.mark.parametrize("dataset", [US_COVID, REGIONS], ids=lambda dataset: dataset.name)
def test_whatever_happens_nothing_is_lost_twice_or_half(
    dataset: Dataset, record_property: Callable[[str, object], None]
) -> None:
    seen = Counter[str]()
    with world(SETTINGS, dataset=dataset) as made:
        live(made, lives=max(8, settings().max_examples // 4), steps=40, seen=seen)
    record_property("lives", seen["lives"])
    record_property("steps of lives", seen["steps"])
