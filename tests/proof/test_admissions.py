"""All real vintages of the hospital admissions go through the whole chain as a plain recomputation has them."""

from collections.abc import Callable, Iterator

import pytest

from shared.runs import State
from tests.proof.admissions import ADMISSIONS, Rows, changes_of, release_days, releases
from tests.proof.corpus import FEEDS, WHY_NOT
from tests.proof.profiles import thorough
from tests.world import World, world

ARCHIVE = FEEDS / "nhsn" / "pack.tar.xz"
SAMPLE = slice(20, 26)
"""Three weeks in which the regions come and go; `make proof` has all of them."""

pytestmark = [pytest.mark.feeds, pytest.mark.skipif(not ARCHIVE.exists(), reason=WHY_NOT)]


@pytest.fixture
def system() -> Iterator[World]:
    with world(dataset=ADMISSIONS) as made:
        yield made


def test_every_release_is_committed_as_recomputed_and_no_gate_closes(
    system: World, record_property: Callable[[str, object], None]
) -> None:
    days = releases(ARCHIVE)[slice(None) if thorough() else SAMPLE]
    found = release_days(system, days, views_of_every=10 if thorough() else 3)
    record_property("releases through all handlers", found.days)
    assert found.findings == []
    assert found.ends.keys() <= {State.COMMITTED, State.UNCHANGED}
    assert found.days == (102 if thorough() else 6)
    assert found.regions_gone >= 3


def test_changes_are_worked_out_with_dictionaries() -> None:
    one = dict.fromkeys(("covid", "flu", "rsv"), 1)
    old: Rows = {("2020-03-07", "AK"): {"covid": 1, "flu": 2, "rsv": None}, ("2020-03-07", "AL"): one}
    new: Rows = {("2020-03-07", "AK"): {"covid": 1, "flu": 3, "rsv": 0}, ("2020-03-14", "AK"): one}
    assert changes_of(old, new) == {
        "added": [{"series": "AK", "date": "2020-03-14", **one}],
        "changed": [
            {
                "series": "AK",
                "date": "2020-03-07",
                "fields": {"flu": {"old": 2, "new": 3}, "rsv": {"old": None, "new": 0}},
            }
        ],
        "removed": [{"series": "AL", "date": "2020-03-07", **one}],
    }
