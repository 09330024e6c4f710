"""The delta says what the full merge says, or nothing."""

from collections.abc import Sequence

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from chalicelib.comparing.delta_merge import delta_merge
from shared.dataset import Dataset, Feed
from shared.errors import ContractBroken
from tests.merger.feed_files import any_file, kept
from tests.merger.merges import LATEST, kept_files, merge, opened, output, state, through_storage
from tests.shared.declared import US_COVID
from tests.shared.regions import REGIONS


@st.composite
def edited(draw: st.DrawFn, data: bytes, feed: Feed) -> bytes:
    """The file with lines replaced, taken out, put in and moved, as publishers do; the header stays."""
    header, *lines = data.split(b"\n")
    fresh = draw(st.one_of(kept(feed, days=6), any_file(feed))).split(b"\n")[1:]
    for _ in range(draw(st.integers(0, 3))):
        if not lines:
            break
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["out", "in", "swap", "digit", "twice"])):
            case "out":
                lines.pop(at)
            case "in" if fresh:
                lines.insert(at, draw(st.sampled_from(fresh)))
            case "swap":
                lines[at], lines[-1] = lines[-1], lines[at]
            case "digit":
                lines[at] = lines[at].rstrip(b"\r") + draw(st.sampled_from([b"0", b"1", b"9", b"\r"]))
            case "twice":
                lines.insert(at, lines[at])
    return b"\n".join([header, *lines])


def hold(dataset: Dataset, days: Sequence[dict[str, bytes]]) -> None:
    """Day after day, the delta against the day before is as the full merge."""
    old, old_files = None, days[0]
    for number, files in enumerate(days):
        run_id = f"r{number}"
        try:
            full = merge(dataset, files, old=old, run_id=run_id)
        except ContractBroken:
            full = None
        if old is not None:
            delta = delta_merge(
                opened(files), old_files=opened(old_files), old=old, dataset=dataset, run_id=run_id, latest_day=LATEST
            )
            event("delta" if delta else "no delta")
            if delta is not None:
                assert full is not None, "what the contract forbids was merged"
                assert output(delta, dataset) == output(full, dataset)
                assert state(delta.snapshot) == state(full.snapshot)
                if number % 2:
                    full = delta
        if full is not None:
            old, old_files = through_storage(full.snapshot, dataset), files


@pytest.mark.parametrize("dataset", [US_COVID, REGIONS], ids=lambda dataset: dataset.name)
@given(data=st.data())
def test_a_delta_is_a_full_merge_for_edited_files(dataset: Dataset, data: st.DataObject) -> None:
    days = [data.draw(kept_files(dataset))]
    assume(_merges(dataset, days[0]))
    for _ in range(data.draw(st.integers(1, 3))):
        days.append({feed.name: data.draw(edited(days[-1][feed.name], feed)) for feed in dataset.feeds})
    hold(dataset, days)


def _merges(dataset: Dataset, files: dict[str, bytes]) -> bool:
    try:
        merge(dataset, files)
    except ContractBroken:
        return False
    return True
