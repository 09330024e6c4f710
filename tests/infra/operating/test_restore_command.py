"""`make restore` as a person meets it: what it refuses, what it shows, and that it asks."""

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pytest

from infra.errors import CommandFailed
from infra.operating import restore
from infra.operating.restore import Restored, RestorePlan, confirm, plan, read_time
from infra.operating.restoring import Brought
from shared.runs import run_id_at

NOW = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("yesterday", "TIME: 'yesterday' is not a time like 2020-10-25T17:00:00Z"),
        ("2026-03-01", "TIME: '2026-03-01' is not a time like"),
        ("2026-03-03T00:00:00Z", "TIME is 2026-03-03T00:00:00Z, and now is 2026-03-02T00:00:00Z: what is to come"),
        ("2026-03-02T00:00:00Z", "what is to come cannot be restored"),
        ("2026-01-01T00:00:00Z", "reaches back 35 days, to 2026-01-26T00:00:00Z"),
    ],
)
def test_a_time_that_cannot_be_restored_to_is_refused_in_a_line(text: str, words: str) -> None:
    with pytest.raises(CommandFailed, match=words) as refused:
        read_time(text, now=NOW)
    assert "\n" not in str(refused.value)


def test_a_time_that_can_is_read() -> None:
    assert read_time("2026-03-01T20:00:00Z", now=NOW) == dt.datetime(2026, 3, 1, 20, tzinfo=dt.UTC)


class Objects:
    """S3 with versions of objects."""

    def __init__(self, *versions: dict[str, Any]) -> None:
        self.versions = versions

    def get_paginator(self, _: str) -> "Objects":
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{"Versions": list(self.versions)}]


class StageWith:
    """A stage of which the bucket and the ledger's runs are there."""

    name, named = "prod", ""
    settings = {"OBSERVATIONS_TABLE": "observations"}  # noqa: RUF012  # a stand-in's constant

    class place:  # noqa: N801  # the stage's own name
        bucket, runs_table = "data", "runs"

    def __init__(self, objects: Objects, *run_ids: str) -> None:
        self._objects = objects
        runs = [type("Run", (), {"run_id": it})() for it in run_ids]
        self.dataset = type("Dataset", (), {"name": "us-covid"})()
        self.ledger = type("Ledger", (), {"newest_first": lambda _: iter(runs)})()

    @property
    def each(self) -> "list[StageWith]":
        return [self]

    def of(self, _dataset: str) -> "StageWith":
        return self

    def client(self, service: str) -> Any:
        assert service == "s3"
        return self._objects


def version(key: str, day: int, *, latest: bool = True) -> dict[str, Any]:
    at = dt.datetime(2026, 3, day, tzinfo=dt.UTC)
    return {"Key": key, "VersionId": f"v{day}", "LastModified": at, "IsLatest": latest, "Size": 1}


def test_it_shows_what_it_would_do() -> None:
    objects = Objects(version("views/a", 1, latest=False), version("views/a", 3), version("views/b", 3))
    stage: Any = StageWith(objects, "2026-03-03T17:00:00Z", "2026-03-02T17:00:00Z", "2026-03-01T17:00:00Z")
    assert plan(stage, dt.datetime(2026, 3, 2, tzinfo=dt.UTC)).lines == [
        "data: 1 objects brought back, 1 newer ones put away (as versions)",
        "observations and runs: items as they were then",
        "2 runs after it are forgotten, 2026-03-02T17:00:00Z to 2026-03-03T17:00:00Z",
    ]


def test_a_time_since_which_nothing_changed_is_refused() -> None:
    stage: Any = StageWith(Objects(version("views/a", 1)), "2026-03-01T17:00:00Z")
    with pytest.raises(CommandFailed, match="nothing in stage prod has changed since 2026-03-02T00:00:00Z"):
        plan(stage, dt.datetime(2026, 3, 2, tzinfo=dt.UTC))


def test_it_goes_on_only_where_the_stages_name_is_typed() -> None:
    confirm("prod", lambda _: "prod")
    with pytest.raises(CommandFailed, match="nothing was changed"):
        confirm("prod", lambda _: "yes")


def test_where_nobody_can_be_asked_it_says_what_answers() -> None:
    def nobody(_: str) -> str:
        raise EOFError

    with pytest.raises(CommandFailed, match="YES=1 answers for you"):
        confirm("prod", nobody)


LATER = "us-covid 2026-03-03T17:00:00Z"
SHOWN = RestorePlan(bucket="data", tables=("observations", "runs"), back=1, away=2, later=frozenset({LATER}))
DONE = Restored(objects=Brought(written=1, deleted=2), items={}, forgotten=frozenset({LATER}))


def test_nothing_is_done_before_it_has_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    done = list[str]()

    def restored(*_: Any, **__: Any) -> Restored:
        done.append("restored")
        return DONE

    monkeypatch.setattr(restore, "restore", restored)
    monkeypatch.setattr(restore, "plan", lambda *_: SHOWN)
    at = run_id_at(dt.datetime.now(dt.UTC) - dt.timedelta(days=1))
    stage: Any = StageWith(Objects())
    with pytest.raises(CommandFailed, match="nothing was changed"):
        restore.main(["--time", at, "--stage", "prod"], find=lambda _: stage, answer=lambda _: "no")
    assert done == []
    assert restore.main(["--time", at, "--yes"], find=lambda _: stage, answer=lambda _: "no") == 0
    assert done == ["restored"]


def test_what_was_done_as_shown_has_nothing_to_add() -> None:
    assert DONE.otherwise(SHOWN) == []


@pytest.mark.parametrize(
    ("done", "words"),
    [
        (
            replace(DONE, objects=Brought(written=1, deleted=4)),
            "data: 1 objects brought back and 4 put away, where 1 and 2 were shown: it changed meanwhile",
        ),
        (
            replace(DONE, forgotten=frozenset()),
            "1 runs after that time are still in the ledger, 2026-03-03T17:00:00Z to 2026-03-03T17:00:00Z:"
            " the tables that DynamoDB gave are not of that time (a local cloud gives their present state)",
        ),
        (
            replace(DONE, forgotten=frozenset({LATER, "us-covid 2026-03-04T17:00:00Z"})),
            "1 runs more than shown are forgotten, 2026-03-04T17:00:00Z to 2026-03-04T17:00:00Z",
        ),
    ],
)
def test_what_came_out_otherwise_than_shown_is_reported_and_fails(
    done: Restored, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(restore, "restore", lambda *_, **__: done)
    monkeypatch.setattr(restore, "plan", lambda *_: SHOWN)
    at = run_id_at(dt.datetime.now(dt.UTC) - dt.timedelta(days=1))
    stage: Any = StageWith(Objects())
    assert restore.main(["--time", at, "--yes"], find=lambda _: stage) == 1
    printed = capsys.readouterr().out
    assert f"otherwise than shown: {words}\n" in printed
    assert "is as it was" not in printed
    assert restore.main(["--time", at, "--yes", "--json"], find=lambda _: stage) == 1
    assert json.loads(capsys.readouterr().out)["otherwise"] == [words]
