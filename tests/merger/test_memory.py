"""What does not fit the function's memory is said at the contract check, and the documents say what fits."""

import re
from pathlib import Path

import pytest

from chalicelib.comparing.full_merge import full_merge
from chalicelib.runs.merge_settings import read_policy
from chalicelib.storing.snapshots import empty_snapshot
from shared.errors import ContractBroken
from tests.merger.merges import LATEST, opened
from tests.shared.declared import US_COVID

ROOT = Path(__file__).parents[2]
NYT = b"date,cases,deaths\n2020-01-22,1,0\n"
JHU = b"Date,Country/Region,Province/State,Recovered\n2020-01-22,US,,0\n"


def merge(nyt: bytes, jhu: bytes, *, most_odd: int) -> int:
    """Rows after a merge of two streams."""
    merged = full_merge(
        opened({"nyt": nyt, "jhu": jhu}),
        old=empty_snapshot(US_COVID),
        dataset=US_COVID,
        run_id="2020-10-25T17:00:00Z",
        latest_day=LATEST,
        most_odd=most_odd,
    )
    return len(merged.snapshot.joined)


def test_an_odd_file_beyond_what_fits_is_named_with_what_would_fit() -> None:
    """Rows wider than their header: each may be, or none."""
    with pytest.raises(ContractBroken, match=r"^feed nyt: '0\.0 MiB' is not allowed; at most 0\.0 MiB of a file"):
        merge(NYT.replace(b",1,0", b",1,0,"), JHU, most_odd=10)


def test_a_plain_file_is_read_as_a_stream_however_large() -> None:
    assert merge(NYT + b"2020-01-23,1,0\n", JHU, most_odd=10) == 1
    assert merge(NYT.replace(b",1,", b", 1,"), JHU, most_odd=10) == 1
    assert merge(NYT.replace(b"1,0", b'"1","0"'), JHU.replace(b"US,", b'"US",'), most_odd=10) == 1


def test_the_decision_record_has_the_numbers_that_hold() -> None:
    text = (ROOT / "infra" / "decisions" / "0031-memory.md").read_text()
    rows = [tuple(map(int, row)) for row in re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \|$", text, re.MULTILINE)]
    assert rows
    for memory, together, whole in rows:
        policy = read_policy({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory)})
        assert (policy.most_bytes >> 20, policy.most_odd_bytes >> 20) == (together, whole)
