"""Any interleaving of days, events, crashes, slow handlers and operators keeps what the model says."""

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from shared.dataset import Dataset
from shared.datasets import US_COVID
from tests.proof.life import SETTINGS, OneAfterTheOther, life_of
from tests.shared.regions import REGIONS
from tests.world import world


@pytest.mark.parametrize("dataset", [US_COVID, REGIONS], ids=lambda dataset: dataset.name)
def test_whatever_happens_nothing_is_lost_twice_or_half(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.collecting.ThreadPoolExecutor", OneAfterTheOther)
    lives = max(8, settings().max_examples // 4)
    with world(SETTINGS, dataset=dataset) as made:
        run_state_machine_as_test(life_of(made), settings=settings(max_examples=lives, stateful_step_count=40))
