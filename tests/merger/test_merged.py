"""The plain way from files to changes, held to dictionaries and loops."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chalicelib.comparing.full_merge import Merged
from chalicelib.storing.snapshots import CHANGED_BY
from shared.dataset import ONE_SERIES, Dataset
from shared.errors import ContractBroken
from tests.merger.merges import entries, kept_files, keyed, merge
from tests.proof.model import change_set, merged_rows
from tests.shared.declared import US_COVID
from tests.shared.regions import REGIONS


def try_merge(dataset: Dataset, files: dict[str, bytes]) -> Merged:
    try:
        return merge(dataset, files)
    except ContractBroken:
        assume(False)  # no row passes the filter
        raise


@pytest.mark.parametrize("dataset", [US_COVID, REGIONS], ids=lambda dataset: dataset.name)
@given(data=st.data())
def test_rows_are_those_whose_key_all_feeds_have_and_zero_after_positive_is_null(
    dataset: Dataset, data: st.DataObject
) -> None:
    files = data.draw(kept_files(dataset))
    assert keyed(try_merge(dataset, files).snapshot.reported) == merged_rows(dataset, files)


@pytest.mark.parametrize("dataset", [US_COVID, REGIONS], ids=lambda dataset: dataset.name)
@given(data=st.data())
def test_changes_are_those_that_comparing_row_by_row_finds(dataset: Dataset, data: st.DataObject) -> None:
    before, after = data.draw(kept_files(dataset)), data.draw(kept_files(dataset))
    old = try_merge(dataset, before).snapshot
    try_merge(dataset, after)
    found = merge(dataset, after, old=old, run_id="r2")
    was = merged_rows(dataset, before)
    wanted = change_set(dataset, was, merged_rows(dataset, after, firsts=was.firsts))
    assert entries(found.changes, dataset) == wanted
    touched = {(row.get("series", ONE_SERIES), row["date"]) for kind in ("added", "changed") for row in wanted[kind]}
    marks = {key: found.snapshot.runs[row[CHANGED_BY]] for key, row in keyed(found.snapshot.joined).items()}
    assert marks == {key: "r2" if key in touched else "r1" for key in marks}
