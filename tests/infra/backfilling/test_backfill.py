"""Dated copies become runs of a stage, as if the system had been there; nothing of its own is touched."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from infra.backfilling.backfill import Backfilled, backfill
from infra.backfilling.versions import Content, DatedCopy
from shared.dataset import ONE_SERIES
from shared.runs import State
from tests.infra.backfilling.stages import WorldStage, stage_in_memory
from tests.proof.small_feeds import FIRST, date, jhu, nyt, pair

type Files = Mapping[str, bytes]


@pytest.fixture
def stage() -> Iterator[WorldStage]:
    with stage_in_memory() as stage:
        yield stage


def time_of(rows: int) -> str:
    """When a file of so many rows is published: on the evening of its last date."""
    return f"{FIRST + dt.timedelta(days=rows)}T17:00:00Z"


def version(rows: int, files: Files | None = None) -> DatedCopy:
    contents = {
        feed: Content(f"{feed}-{rows}", lambda data=data: data)  # type: ignore[misc]
        for feed, data in (files or pair(rows)).items()
    }
    return DatedCopy(time=time_of(rows), files=contents, note=f"day {rows}")


REVISED = {"nyt": nyt(102, cases={50: 9999}), "jhu": jhu(102)}
THREE = [version(100), version(101), version(102, REVISED)]


def fill(stage: WorldStage, versions: Sequence[DatedCopy] = THREE) -> Backfilled:
    return backfill(stage, stage.world.dataset, versions, source="backfill x", report=lambda _: None)  # type: ignore[arg-type]


def live(stage: WorldStage, rows: int, files: Files | None = None) -> None:
    """A run of the schedule, from the files to the mail."""
    stage.world.publish(files or pair(rows), at=time_of(rows))
    stage.world.schedule("fetch", time_of(rows))
    stage.world.settle()


def rows_of(files: Files, rows: int) -> list[dict[str, Any]]:
    """What /data answers of undisturbed files, but for the cases that are revised."""
    revised = {50: 9999} if files is REVISED else {}
    return [
        {"date": date(n), "cases": revised.get(n, 100 * n + 107), "deaths": n + 1, "recoveries": 10 * n or None}
        for n in range(rows)
    ]


def data(stage: WorldStage, rows: int = 0) -> Any:
    """/data now, or as of the day of a file of so many rows."""
    day = f"?as_of={time_of(rows)[:10]}" if rows else ""
    return [{**row, "recoveries": row["recoveries"] or None} for row in stage.world.get(f"/data{day}").json]


def test_versions_become_runs_that_are_known_from_their_own_time_and_say_where_they_are_from(
    stage: WorldStage,
) -> None:
    done = fill(stage)
    assert (dict(done.counts), done.passed_over, done.there, done.head) == ({"COMMITTED": 3}, [], 0, time_of(102))
    found = [(run.run_id, run.state, run.known_from, run.source, run.base_run_id) for run in stage.world.runs()]
    assert found == [
        (time_of(100), State.COMMITTED, time_of(100), "backfill x day 100", None),
        (time_of(101), State.COMMITTED, time_of(101), "backfill x day 101", time_of(100)),
        (time_of(102), State.COMMITTED, time_of(102), "backfill x day 102", time_of(101)),
    ]
    assert [(run.added, run.changed, run.removed) for run in stage.world.runs()] == [(100, 0, 0), (1, 0, 0), (1, 1, 0)]


def test_the_stage_serves_the_last_version_and_as_of_answers_with_each(stage: WorldStage) -> None:
    fill(stage)
    assert data(stage) == rows_of(REVISED, 102)
    assert data(stage, 101) == rows_of({}, 101)
    assert data(stage, 100) == rows_of({}, 100)
    assert stage.world.get(f"/data?as_of={time_of(99)[:10]}").json == []
    assert stage.world.get(f"/?as_of={time_of(100)[:10]}").status == 200
    history = stage.world.get(f"/data/{date(50)}").json["history"]
    assert [(it["run_id"], it["cases"]) for it in history] == [(time_of(100), 5107), (time_of(102), 9999)]
    then = stage.world.get(f"/data/{date(50)}?as_of={time_of(101)[:10]}").json["history"]
    assert then == history[:1]


def test_rows_and_head_are_those_of_the_last_version_and_nobody_is_mailed(stage: WorldStage) -> None:
    fill(stage)
    stage.world.settle()
    rows = stage.world.rows()
    assert len(rows) == 102
    assert rows[ONE_SERIES, date(50)] == {"cases": 9999, "deaths": 51, "recoveries": 500, "run_id": time_of(102)}
    assert rows[ONE_SERIES, date(49)]["run_id"] == time_of(100)
    head = stage.world.head()
    assert (head.head, head.latest, head.newest, head.rows) == (time_of(102), time_of(102), date(101), 102)
    assert (head.writing, head.dirty) == ("", frozenset())
    assert stage.world.platform.mails == []


def test_the_next_run_goes_on_from_there(stage: WorldStage) -> None:
    fill(stage)
    live(stage, 103, {"nyt": nyt(103, cases={50: 9999}), "jhu": jhu(103)})
    run = stage.world.run(time_of(103))
    assert (run.state, run.base_run_id, run.added, run.changed) == (State.COMMITTED, time_of(102), 1, 0)
    assert [mail.kind for mail in stage.world.platform.mails] == ["digest"]
    live(stage, 104, {"nyt": nyt(103, cases={50: 9999}), "jhu": jhu(103)})
    assert stage.world.run(time_of(104)).state == State.UNCHANGED


def test_the_watch_neither_mails_about_the_past_nor_misses_a_run_because_of_it(stage: WorldStage) -> None:
    fill(stage, [version(100), version(101, {"nyt": b"date,cases\n2018-01-22,1\n", "jhu": jhu(101)})])
    stage.world.schedule("watch", f"{FIRST + dt.timedelta(days=104)}T23:59:00Z")
    stage.world.settle()
    assert stage.world.platform.mails == []


def test_the_same_again_adds_nothing(stage: WorldStage) -> None:
    fill(stage)
    before = stage.world.items(), stage.world.files().keys()
    done = fill(stage)
    assert (dict(done.counts), done.there) == ({}, 3)
    assert (stage.world.items(), stage.world.files().keys()) == before


def test_what_is_later_than_a_history_that_is_served_comes_by_the_stages_own_runs(stage: WorldStage) -> None:
    fill(stage, THREE[:2])
    done = fill(stage, THREE)
    assert (dict(done.counts), done.there, done.head) == ({}, 2, time_of(101))
    expected = f"{time_of(102)} (day 102): the stage stands at {time_of(101)}, which was backfilled"
    assert done.passed_over == [expected]


def test_history_stands_before_the_stages_own_runs_which_stay_as_they_are(stage: WorldStage) -> None:
    live(stage, 103, {"nyt": nyt(103, cases={50: 7777}), "jhu": jhu(103)})
    live(stage, 104, {"nyt": nyt(104, cases={50: 7777, 60: 8888}), "jhu": jhu(104)})
    own, head, rows = stage.world.runs(), stage.world.head(), stage.world.rows()
    mails = list(stage.world.platform.mails)
    fill(stage)
    stage.world.settle()
    assert [run for run in stage.world.runs() if not run.source] == own
    assert (stage.world.head(), stage.world.rows(), stage.world.platform.mails) == (head, rows, mails)
    assert data(stage, 101) == rows_of({}, 101)
    history = stage.world.get(f"/data/{date(50)}").json["history"]
    assert [(it["run_id"], it["cases"], it["change"]) for it in history] == [
        (time_of(100), 5107, "added"),
        (time_of(102), 9999, "changed"),
        (time_of(103), 7777, "changed"),
    ]
    then = stage.world.get(f"/data/{date(50)}?as_of={time_of(103)[:10]}").json["history"]
    assert then == history
    live(stage, 105, {"nyt": nyt(105, cases={50: 7777, 60: 8888}), "jhu": jhu(105)})
    assert stage.world.get(f"/data/{date(50)}").json["history"] == history


def test_versions_of_the_stages_own_time_are_passed_over(stage: WorldStage) -> None:
    live(stage, 102)
    done = fill(stage)
    assert dict(done.counts) == {"COMMITTED": 2}
    assert done.passed_over == [f"{time_of(102)} (day 102): the stage's own runs begin at {time_of(102)}"]


def test_what_contract_and_gate_refuse_is_listed_and_passed_over(stage: WorldStage) -> None:
    broken = {"nyt": b"date,cases\n2018-01-22,1\n", "jhu": jhu(101)}
    smaller = {"nyt": nyt(103, without=range(50)), "jhu": jhu(103)}
    done = fill(stage, [version(100), version(101, broken), version(102, {"nyt": nyt(102)}), version(103, smaller)])
    assert dict(done.counts) == {"COMMITTED": 1, "REJECTED": 2}
    contract, absent, gate = done.passed_over
    assert contract.startswith(f"{time_of(101)} (day 101): feed nyt") and "deaths" in contract
    assert absent == f"{time_of(102)} (day 102): no file of jhu"
    assert gate.startswith(f"{time_of(103)} (day 103): 50 of 100 rows (50.0 %) would be removed")
    assert [(run.run_id, run.rejected_by) for run in stage.world.runs() if run.reason] == [
        (time_of(101), "contract"),
        (time_of(103), "gate"),
    ]
    assert stage.world.platform.mails == []


def test_stopped_before_any_call_and_begun_again_it_comes_to_the_same(stage: WorldStage) -> None:
    new = stage.world.save()
    calls = _Counted(stage)
    fill(calls)
    expected = stage.world.items(), stage.world.rows(), stage.world.files().keys()
    for stop in range(1, calls.made):
        stage.world.restore(new)
        with pytest.raises(_Stopped):
            fill(_Counted(stage, stop=stop))
        fill(stage)
        assert (stage.world.items(), stage.world.rows(), stage.world.files().keys()) == expected, stop


class _Stopped(Exception):
    """The process was killed here."""


class _Counted(WorldStage):
    """A stage whose clients count the calls that write, and fail from one of them on."""

    def __init__(self, stage: WorldStage, *, stop: int = 0) -> None:
        super().__init__(stage.world)
        self.made, self._stop = 0, stop

    def client(self, service: str) -> Any:
        return _Client(super().client(service), self._count)

    def invoke(self, service: str, function: str, event: Mapping[str, Any]) -> Any:
        self._count()
        return super().invoke(service, function, event)

    def _count(self) -> None:
        self.made += 1
        if self._stop and self.made >= self._stop:
            raise _Stopped


class _Client:
    def __init__(self, client: Any, count: Any) -> None:
        self._client, self._count = client, count

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if not name.startswith(("put_", "update_", "batch_write")):
            return found

        def counted(**arguments: Any) -> Any:
            self._count()
            return found(**arguments)

        return counted
