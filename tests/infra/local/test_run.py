"""Which days `make run` carries, and what it refuses before anything is started."""

from pathlib import Path

import pytest

from infra.errors import CommandFailed
from infra.local.run import main
from shared import datasets
from tests.shared.regions import REGIONS


@pytest.fixture(autouse=True)
def _second_dataset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(datasets._REGISTRY, REGIONS.name, REGIONS)


def test_another_dataset_needs_days_of_its_own() -> None:
    with pytest.raises(
        CommandFailed,
        match="the demo days are of us-covid and us-hospital-admissions; for regions, FEEDS=dir names folders",
    ):
        main(["--dataset", "regions"])


def test_a_dataset_that_is_not_declared_is_refused_with_those_that_are() -> None:
    with pytest.raises(CommandFailed, match=r"^DATASET is 'river'; known are \['oil-prices', 'us-covid', "):
        main(["--dataset", "river"])


def test_days_are_those_of_the_folder_that_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"no folder in .* is named for a day"):
        main(["--dataset", "regions", "--feeds", str(tmp_path)])
