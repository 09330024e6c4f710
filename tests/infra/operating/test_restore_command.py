"""`make restore` as a person meets it: what it refuses, what it shows, and that it asks."""

import datetime as dt
from typing import Any

import pytest

from infra.errors import CommandFailed
from infra.operating import restore
from infra.operating.restore import confirm, plan, read_time
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
    assert plan(stage, dt.datetime(2026, 3, 2, tzinfo=dt.UTC)) == [
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


def test_nothing_is_done_before_it_has_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    done = list[str]()
    monkeypatch.setattr(restore, "restore", lambda *_, **__: done.append("restored"))
    monkeypatch.setattr(restore, "plan", lambda *_: ["a line"])
    at = run_id_at(dt.datetime.now(dt.UTC) - dt.timedelta(days=1))
    stage: Any = StageWith(Objects())
    with pytest.raises(CommandFailed, match="nothing was changed"):
        restore.main(["--time", at, "--stage", "prod"], find=lambda _: stage, answer=lambda _: "no")
    assert done == []
    assert restore.main(["--time", at, "--yes"], find=lambda _: stage, answer=lambda _: "no") == 0
    assert done == ["restored"]
