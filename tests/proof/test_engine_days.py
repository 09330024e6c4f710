"""The real feeds' days by the distributed engine: as by the merge in one function, all that leaves the merger."""

import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from chalicelib.comparing.full_merge import Merged
from chalicelib.storing.snapshots import empty_snapshot
from shared.dataset import Dataset
from shared.datasets import find_dataset
from spark_job.running import Sizes
from tests.merger.engine_jobs import base_in_one, base_in_parts, carry_out, found_changes, found_state, merged_or_fault
from tests.merger.merges import output, state, through_storage
from tests.proof.corpus import FEEDS, Corpus
from tests.proof.days import Files, days_of_corpus
from tests.shared.declared import US_COVID

pytestmark = pytest.mark.feeds

NHSN = find_dataset("us-hospital-admissions")


def hold(dataset: Dataset, days: Iterable[tuple[str, Files]], folder: Path, *, sizes: Sizes) -> int:
    """Day after day the engine's result, taken as a merge, is the full merge; how many days there were."""
    old, base, count = empty_snapshot(dataset), None, 0
    for run_id, files in days:
        if files.keys() != dataset.feed_names:
            continue
        count += 1
        result = carry_out(dataset, files, folder, run_id=run_id, base=base, sizes=sizes)
        full, fault = merged_or_fault(dataset, files, old=old, run_id=run_id)
        assert result.fault == fault, run_id
        if full is None:
            continue
        found = Merged(
            snapshot=found_state(result, dataset, folder),
            old=old,
            changes=found_changes(result, folder),
            moved=frozenset(feed for part in result.parts for feed in part.moved),
        )
        assert output(found, dataset) == output(full, dataset), run_id
        assert state(found.snapshot) == state(full.snapshot), run_id
        base = base_in_parts(result) if count % 2 else base_in_one(full.snapshot, folder, run_id=run_id)
        old = through_storage(full.snapshot, dataset)
    return count


def test_every_dev_day_is_merged_as_by_a_function(
    dev: Corpus, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    days = days_of_corpus(dev, "dev", "17:00").each()
    count = hold(US_COVID, days, tmp_path, sizes=Sizes(range=1_000_000, least_buckets=2))
    record_property("days by the engine", count)
    assert count == 121


def test_every_nhsn_vintage_is_merged_as_by_a_function(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    archive = FEEDS / "nhsn" / "pack.tar.xz"
    if not archive.is_file():
        pytest.skip(f"the vintages are not there: {archive}")
    vintages = []
    with tarfile.open(archive) as releases:
        for member in releases:
            file = releases.extractfile(member) if member.name.endswith("nhsn.csv") else None
            if file is not None:
                vintages.append((member.name.replace("/", "-"), {NHSN.feeds[0].name: file.read()}))
    count = hold(NHSN, sorted(vintages), tmp_path, sizes=Sizes(range=2_000_000, least_buckets=4))
    record_property("vintages by the engine", count)
    assert count == len(vintages) > 10
