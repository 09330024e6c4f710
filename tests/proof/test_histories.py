"""Whatever publishers do to a history, runs end as the model says, and each kind of it is tried."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.dataset import Dataset
from shared.runs import State
from tests.proof.histories import hold_history
from tests.proof.model import closes_gate, latest_date, merged_rows
from tests.proof.upstream import ODDITIES, Upstream
from tests.shared.declared import US_COVID
from tests.shared.regions import REGIONS


@pytest.mark.parametrize("dataset", [US_COVID, REGIONS], ids=lambda dataset: dataset.name)
@given(random=st.integers(0, 2**32 - 1).map(Random))
def test_histories_are_merged_as_the_model_says(dataset: Dataset, random: Random) -> None:
    hold_history(random, dataset=dataset)


def test_histories_end_in_all_ways() -> None:
    seen = Counter[str]()
    hold_history(Random("ends"), dataset=US_COVID, count=12, seen=seen)
    assert {State.COMMITTED, State.REJECTED} <= seen.keys() <= {State.COMMITTED, State.REJECTED, State.UNCHANGED}
    assert min(seen[State.COMMITTED], seen[State.REJECTED]) >= 10


def upstream(days: int, dataset: Dataset = US_COVID, *, equal_days: int = 0) -> Upstream:
    made = Upstream(dataset, equal_days=equal_days)
    for _ in range(days):
        for feed in dataset.feeds:
            made.next_day(feed)
    return made


WHY = {
    "gap": "1 of 40 rows go",
    "blank": "2 of 40 values of deaths are lost",
    "zeroed": "39 of 40 values of deaths are lost",
    "swapped": "all values of ['cases', 'deaths'] are revised",
    "partial": "newest date 2018-03-02 becomes 2018-03-01",
}


@pytest.mark.parametrize("oddity", ODDITIES)
def test_each_oddity_of_forty_days_closes_the_models_gate_and_is_taken_back(oddity: str) -> None:
    published = upstream(40)
    before = merged_rows(US_COVID, published.files())
    published.distort(US_COVID.feeds[0], oddity, back=0)
    why = closes_gate(US_COVID, before, merged_rows(US_COVID, published.files(), firsts=before.firsts))
    assert why == WHY[oddity]
    published.restore(US_COVID.feeds[0])
    assert merged_rows(US_COVID, published.files()) == before


def test_columns_are_swapped_that_are_equal_on_most_days() -> None:
    published = upstream(40, equal_days=25)
    before = merged_rows(US_COVID, published.files())
    published.distort(US_COVID.feeds[0], "swapped", back=0)
    assert closes_gate(US_COVID, before, merged_rows(US_COVID, published.files())) == WHY["swapped"]


def test_one_of_two_series_ends_early() -> None:
    published = upstream(9, REGIONS)
    published.distort(REGIONS.feeds[1], "partial", back=1)
    rows = merged_rows(REGIONS, published.files())
    ends = {name: max(date for series, date in rows if series == name) for name, _ in rows}
    assert ends == {"North": "2018-01-30", "South": "2018-01-28"}


def test_a_run_may_find_dates_up_to_the_day_after_its_own() -> None:
    assert latest_date("2020-02-28T17:00:00Z") == "2020-02-29"
