"""Every day of the replay corpus, at every hour of polling, against what an independent program found."""

from collections.abc import Iterator

import pytest

from chalicelib.delta import delta_merge
from chalicelib.gating import Limits, check_gate
from chalicelib.snapshots import Snapshot
from shared.changes import ChangeSet
from shared.datasets import US_COVID
from shared.keys import change_set_key
from shared.runs import State
from tests.merger.merges import entries, keyed, merge, state, through_storage, told
from tests.proof.corpus import CUTS, Corpus
from tests.proof.model import Rows, change_set
from tests.proof.profiles import thorough
from tests.world import World, world

pytestmark = pytest.mark.feeds

LIMITS = Limits(max_removed_percent=1, revision_warn_percent=10)


def expected_days(dev: Corpus, cut: str) -> Iterator[tuple[str, Rows]]:
    """(day, its rows): the oracle's, but that recoveries of 0 after positive ones are null."""
    for day, found in sorted(dev.oracle(cut).items()):
        rows: Rows = {}
        positive = False
        for date, (cases, deaths, recovered) in sorted(found["merged"].items()):
            silent = recovered == 0 and positive
            positive = positive or bool(recovered)
            rows["US", date] = {"cases": cases, "deaths": deaths, "recoveries": None if silent else recovered}
        yield day, rows


@pytest.mark.parametrize("cut", CUTS)
def test_every_day_is_merged_as_the_oracle_says_in_full_and_by_delta(dev: Corpus, cut: str) -> None:
    expected = dict(expected_days(dev, cut))
    before: Rows = {}
    old: Snapshot | None = None
    old_files: dict[str, bytes] = {}
    deltas = 0
    for day, versions in dev.days(cut):
        files = {feed: dev.read(version) for feed, version in versions.items()}
        full = merge(US_COVID, files, old=old, run_id=day)
        check_gate(full, LIMITS)
        assert keyed(full.snapshot.reported) == expected[day], day
        assert entries(full.changes, US_COVID) == change_set(US_COVID, before, expected[day]), day
        if old is not None:
            delta = delta_merge(files, old_files=old_files, old=old, dataset=US_COVID, run_id=day)
            if delta is not None:
                deltas += 1
                assert told(delta, US_COVID) == told(full, US_COVID), day
                assert state(delta.snapshot) == state(full.snapshot), day
        old, old_files, before = through_storage(full.snapshot, US_COVID), files, expected.pop(day)
    assert expected == {}
    assert deltas > 50


@pytest.fixture
def system() -> Iterator[World]:
    with world() as made:
        yield made


def test_every_day_goes_through_all_handlers_as_the_oracle_says(dev: Corpus, system: World) -> None:
    """One run a day at 17:00, a watch every tenth day at 23:59: rows, change sets, views and mails."""
    before: Rows = {}
    committed = 0
    expected = dict(expected_days(dev, "23:59"))
    for number, (day, versions) in enumerate(list(dev.days("23:59"))[: None if thorough() else 25]):
        system.publish({feed: dev.read(version) for feed, version in versions.items()}, at=f"{day}T12:00:00Z")
        system.schedule("fetch", f"{day}T17:00:00Z")
        system.settle()
        if number % 10 == 9:
            system.schedule("watch", f"{day}T23:59:00Z")
            system.settle()
        run_id, wanted = f"{day}T17:00:00Z", change_set(US_COVID, before, expected[day])
        changed = any(wanted.values())
        committed += changed
        assert system.run(run_id).state is (State.COMMITTED if changed else State.UNCHANGED), day
        if changed:
            found = ChangeSet.from_json(system.files()[change_set_key(run_id)])
            assert {name: list(getattr(found, name)) for name in wanted} == wanted, day
        rows = {key: {k: v for k, v in row.items() if k != "run_id"} for key, row in system.rows().items()}
        assert rows == expected[day], day
        before = expected[day]
    assert system.platform.errors == []
    assert system.platform.dead_letters == []
    assert sum(mail.kind == "digest" for mail in system.platform.mails) == committed
    assert sum(mail.kind == "failure" for mail in system.platform.mails) == 0
    served = {("US", row.pop("date")): row for row in system.get("/data").json}
    assert served == before
