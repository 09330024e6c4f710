"""The job on a real Spark of this machine: as in one process, and so as a full merge, for any cut."""

from collections.abc import Iterator

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from shared.dataset import Dataset
from spark_job.running import Sizes
from tests.merger.any_feeds import Declared, any_files
from tests.merger.engine_jobs import Carry
from tests.merger.merges import kept_files
from tests.merger.test_engine_job import hold
from tests.shared.declared import US_COVID
from tests.shared.regions import REGIONS
from tests.spark import spark

FEW = settings(max_examples=2, phases=[Phase.explicit, Phase.generate])
"""Spark takes a second or more for what takes a thousandth of one: what is tried a thousand times is in
`test_engine_job`."""


@pytest.fixture(scope="module")
def carry() -> Iterator[Carry]:
    with spark() as carrying:
        yield carrying


@FEW
@given(declared=any_files(), step=st.integers(150, 400))
def test_any_file_gives_the_same_rows_or_the_same_fault(
    carry: Carry, declared: tuple[Declared, bytes], step: int
) -> None:
    it, data = declared
    hold(it.dataset, [{it.feed.name: data}], [Sizes(range=step, least_buckets=2)], parts=[True], carry=carry)


@pytest.mark.parametrize("dataset", [US_COVID, REGIONS], ids=lambda dataset: dataset.name)
@FEW
@given(data=st.data())
def test_two_days_are_as_by_full_merges(carry: Carry, dataset: Dataset, data: st.DataObject) -> None:
    days = [data.draw(kept_files(dataset)) for _ in range(2)]
    sizes = [Sizes(range=400, least_buckets=2), Sizes(range=300, least_buckets=1)]
    hold(dataset, days, sizes, parts=[data.draw(st.booleans()), True], carry=carry)
