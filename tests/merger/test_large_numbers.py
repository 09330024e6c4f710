"""Numbers up to the ends of 64 bits: differences that do not fit there are exact all the same."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.comparing.differences import distances
from chalicelib.comparing.gate import GateLimits
from chalicelib.comparing.run_warnings import find_warnings
from chalicelib.csv_reading.field_rules import LARGEST
from chalicelib.runs.summarising import summarise
from shared.dataset import Dataset, Kind, Measure
from tests.merger.merges import merge
from tests.shared.declared import US_COVID

LEVELS = Dataset(
    name="levels",
    title="Levels",
    measures=(Measure(name="level", label="Level", kind=Kind.LEVEL),),
    feeds=(replace(US_COVID.feeds[0], measures={"level": "cases"}),),
)
LIMITS = GateLimits(max_removed_percent=1, revision_warn_percent=10)
LISTED = 5
"""Sentences of one kind; of more revisions the largest is named."""
FEWER_THAN_ALL = 9
"""Of so many revised values each is warned of by itself."""

_numbers = st.integers(-LARGEST, LARGEST) | st.sampled_from([-LARGEST, LARGEST, 2**62, -(2**62), 2**62 + 1, 0, 1])
_revisions = st.lists(st.tuples(_numbers, _numbers), min_size=1, max_size=FEWER_THAN_ALL)


def file(numbers: Sequence[int]) -> dict[str, bytes]:
    first = dt.date(2020, 3, 1)
    lines = [f"{first + dt.timedelta(days=n)},{number}" for n, number in enumerate(numbers)]
    return {"nyt": ("date,cases\n" + "\n".join(lines) + "\n").encode()}


@given(pairs=_revisions)
def test_differences_are_exact(pairs: list[tuple[int, int]]) -> None:
    old, new = (np.array(numbers, dtype=np.int64) for numbers in zip(*pairs, strict=True))
    assert distances(old, new).tolist() == [now - was for was, now in pairs]


@given(pairs=_revisions)
@example(pairs=[(-LARGEST, LARGEST)])
@example(pairs=[(LARGEST, -LARGEST), (1, 2), (2**62, -(2**62) - 1)])
@example(pairs=[*[(1, 0)] * LISTED, (3_087_161_713_566_379_419, 2_778_445_541_902_204_930)])
def test_revisions_are_warned_of_and_drawn_together_by_their_true_size(pairs: list[tuple[int, int]]) -> None:
    before, after = zip(*pairs, strict=True)
    loaded = merge(LEVELS, file(before)).snapshot
    merged = merge(LEVELS, file(after), old=loaded, run_id="r2")
    large = [(abs(now - was), was, now) for was, now in pairs if was and abs(now - was) * 100.0 > 10.0 * abs(was)]
    warnings = find_warnings(merged, LEVELS, LIMITS)
    named = large if len(large) <= LISTED else [it for it in large if it[0] == max(large)[0]]
    found = [any(f"revised from {was:,} to {now:,}," in it for it in warnings) for _, was, now in named]
    assert all(found) if len(large) <= LISTED else any(found)
    groups = summarise(merged, LEVELS, warnings=warnings).revisions
    differences = [now - was for was, now in pairs if now != was]
    assert sum(group["dates"] for group in groups) == len(differences)
    if differences:
        assert min(group["least"] for group in groups) == min(differences)
        assert max(group["most"] for group in groups) == max(differences)


def test_a_small_revision_of_a_number_of_nineteen_digits_is_not_warned_of() -> None:
    was = 3 * 10**18
    loaded = merge(LEVELS, file([was, 5])).snapshot
    assert find_warnings(merge(LEVELS, file([was + 1, 5]), old=loaded, run_id="r2"), LEVELS, LIMITS) == []


def test_the_largest_revision_is_a_share_of_what_was_there() -> None:
    loaded = merge(LEVELS, file([LARGEST, 5])).snapshot
    merged = merge(LEVELS, file([-LARGEST, 5]), old=loaded, run_id="r2")
    found = summarise(merged, LEVELS, warnings=[]).largest_revision_percent
    assert found == Decimal(200).quantize(Decimal("0.1"), ROUND_HALF_UP)
