"""Days on which the platform fails all the time end as the model says; `make proof` has minutes of them."""

from collections import Counter
from random import Random

import pytest

from shared.dataset import Dataset
from tests.proof.failing_days import live_through_failures
from tests.proof.life import SETTINGS
from tests.shared.declared import US_COVID
from tests.shared.regions import REGIONS
from tests.world import world


@pytest.mark.parametrize("dataset", [US_COVID, REGIONS], ids=lambda dataset: dataset.name)
def test_days_of_failures_lose_nothing_and_leave_nothing_stuck(dataset: Dataset) -> None:
    seen = Counter[str]()
    with world(SETTINGS, dataset=dataset) as made:
        live_through_failures(Random("short/2"), made, seen=seen, days=2)
    assert seen["lives"] == 1
    assert seen["crashes"] > 0
