"""The job finds what a full merge finds: the same rows, changes and faults, however the files are cut.

Here its tasks are carried out one after the other; `test_engine_on_spark` has Spark carry them out.
"""

import datetime as dt
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from chalicelib.comparing.full_merge import Merged
from chalicelib.engine.job_request import Base, JobRequest
from shared.dataset import Dataset, Keep
from shared.errors import ContractBroken, SettingInvalid
from spark_job.places import Folder
from spark_job.running import Sizes, run_job
from tests.merger.any_feeds import Declared, Values, any_files, written
from tests.merger.engine_jobs import (
    Carry,
    InTurn,
    base_in_one,
    base_in_parts,
    carry_out,
    counts,
    found_changes,
    found_parquet,
    found_state,
    merged_or_fault,
)
from tests.merger.feed_files import any_file, kept
from tests.merger.merges import entries, kept_files, state, through_storage
from tests.shared.declared import US_COVID
from tests.shared.regions import REGIONS

SIZES = st.builds(Sizes, range=st.integers(1, 200), least_buckets=st.sampled_from([1, 2, 8]))


def hold(
    dataset: Dataset,
    days: list[dict[str, bytes]],
    sizes: list[Sizes],
    *,
    parts: list[bool],
    carry: Carry | None = None,
) -> None:
    """Day after day, the job is as the full merge; its base is in parts, or one index."""
    old: Merged | None = None
    with tempfile.TemporaryDirectory() as made:
        folder, base = Path(made), None
        for number, (files, of_day, in_parts) in enumerate(zip(days, sizes, parts, strict=True)):
            run_id = f"r{number}"
            before = through_storage(old.snapshot, dataset) if old else None
            result = carry_out(dataset, files, folder, run_id=run_id, base=base, sizes=of_day, carry=carry)
            full, fault = merged_or_fault(dataset, files, old=before, run_id=run_id)
            assert result.fault == fault
            if full is None:
                event("broken")
                continue
            event("merged")
            result.raise_fault()
            snapshot, changes = found_state(result, dataset, folder), found_changes(result, folder)
            assert state(snapshot) == state(full.snapshot)
            assert state(found_parquet(result, dataset, folder)) == state(full.snapshot)
            assert entries(changes, dataset) == entries(full.changes, dataset)
            assert counts(result) == {kind: len(listed) for kind, listed in entries(changes, dataset).items()}
            moved = frozenset(feed for part in result.parts for feed in part.moved)
            assert moved == full.moved
            assert snapshot.plain == full.snapshot.plain
            old = full
            base = base_in_parts(result) if in_parts else base_in_one(full.snapshot, folder, run_id=run_id)


@given(declared=any_files(), sizes=SIZES)
def test_any_file_of_any_declaration_gives_the_same_rows_or_the_same_fault(
    declared: tuple[Declared, bytes], sizes: Sizes
) -> None:
    (it, data) = declared
    hold(it.dataset, [{it.feed.name: data}], [sizes], parts=[True])


@given(file=written(), sizes=SIZES, data=st.data())
def test_a_window_keeps_what_left_it(file: tuple[Declared, bytes, Values], sizes: Sizes, data: st.DataObject) -> None:
    declared, content, _ = file
    dataset = replace(declared.dataset, keep=Keep.WINDOW)
    lines = content.split(b"\n")
    fewer = b"\n".join([lines[0], *lines[data.draw(st.integers(1, len(lines))) :]])
    days = [{declared.feed.name: content}, {declared.feed.name: fewer}]
    hold(dataset, days, [sizes, data.draw(SIZES)], parts=[data.draw(st.booleans()), True])


@pytest.mark.parametrize("dataset", [US_COVID, REGIONS], ids=lambda dataset: dataset.name)
@given(data=st.data())
def test_day_after_day_is_as_by_full_merges(dataset: Dataset, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 3))
    days = [data.draw(kept_files(dataset)) for _ in range(count)]
    if data.draw(st.booleans()):
        odd = data.draw(st.sampled_from(dataset.feeds))
        days[-1][odd.name] = data.draw(st.one_of(any_file(odd), kept(odd, days=6).map(_twice)))
    hold(
        dataset,
        days,
        [data.draw(SIZES) for _ in days],
        parts=[data.draw(st.booleans()) for _ in days],
    )


def _twice(data: bytes) -> bytes:
    """The file with a row of it over again at its end."""
    lines = data.rstrip(b"\n").split(b"\n")
    return b"\n".join([*lines, lines[len(lines) // 2 or -1]])


def test_a_date_that_is_too_late_is_a_fault_on_its_line_and_in_a_wide_file_on_that_of_the_header(
    tmp_path: Path,
) -> None:
    day = US_COVID.feeds[0]
    rows = "".join(f"2020-01-{n:02d},{n},{n}\n" for n in range(1, 30))
    late = dt.date(2020, 1, 20).toordinal()
    files = {day.name: f"date,cases,deaths\n{rows}".encode(), US_COVID.feeds[1].name: b""}
    result = carry_out(US_COVID, files, tmp_path, sizes=Sizes(range=40), latest_day=late)
    assert result.fault is not None
    assert (result.fault["line"], result.fault["value"]) == (22, "2020-01-21")


def test_a_file_that_cannot_be_cut_and_is_larger_than_a_task_holds_is_rejected_with_words(tmp_path: Path) -> None:
    feed = REGIONS.feeds[0]
    row = '2020-01-01,"North\n",1\n'
    data = (",".join(feed.columns) + "\n" + row * 40).encode()
    files = {it.name: data for it in REGIONS.feeds}
    result = carry_out(REGIONS, files, tmp_path, sizes=Sizes(range=40, most_whole=100))
    with pytest.raises(ContractBroken, match="line breaks within quotes"):
        result.raise_fault()


def test_an_order_by_other_rules_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match="must be of one deployment"):
        run_job(
            JobRequest(dataset="us-covid", run_id="r", attempt=1, rules="1-other", latest_day=1, files={}, base=Base()),
            US_COVID,
            cluster=InTurn(),
            connect=lambda: Folder(tmp_path),
        )
