"""A run begins before any call of a restore: it comes out whole, or, before the door is closed, is undone whole."""

import contextlib
import datetime as dt
import enum
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import botocore.session

from infra.errors import CommandFailed
from infra.operating.restore import restore
from shared.ledger import Ledger
from shared.runs import State
from tests.proof.findings import Lost, Twice
from tests.proof.model import merged_rows
from tests.proof.small_feeds import pair
from tests.proof.stories import Step, a_day, at, carry, fetch, publish, watch
from tests.shared.calls import Invocation
from tests.world import BUCKET, OBSERVATIONS, RUNS_TABLE, World, world

_CLOSED_AT = 2
"""Calls of a restore until no run can commit: what was committed by then came after the time, and is undone whole."""


class WorldStage:
    """A world as the commands see a stage; before one of the calls of a command something else happens."""

    def __init__(self, made: World, *, at_call: int, meanwhile: Callable[[], None]) -> None:
        self.named, self.each, self.dataset = "", [self], made.dataset
        self.name, self.place = "test", SimpleNamespace(bucket=BUCKET, runs_table=RUNS_TABLE)
        self.settings = {"OBSERVATIONS_TABLE": OBSERVATIONS}
        self.calls, self._at, self._meanwhile = 0, at_call, meanwhile
        session = botocore.session.get_session()
        self._clients = {name: session.create_client(name) for name in ("s3", "dynamodb")}
        for client in self._clients.values():
            client.meta.events.register_first("before-call", self._count)
        self.ledger = Ledger(self._clients["dynamodb"], table=RUNS_TABLE, dataset=made.dataset.name)

    def client(self, name: str) -> Any:
        return self._clients[name]

    def _count(self, **_: Any) -> None:
        self.calls += 1
        if self.calls == self._at + 1:
            self._meanwhile()


@dataclass(frozen=True, kw_only=True)
class CommittedTwice:
    """Two days are committed; there is a backup of each table as it was after the first."""

    made: World
    saved: Any
    backups: Mapping[str, str]
    """Table -> the backup's ARN."""


@contextlib.contextmanager
def committed_twice() -> Iterator[CommittedTwice]:
    with world() as made:
        made.calls.begin(Invocation())
        made.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        carry(made, a_day(1, pair(12)))
        made.calls.begin(Invocation())
        tables = (RUNS_TABLE, OBSERVATIONS)
        made_backups = {table: made.dynamodb.create_backup(TableName=table, BackupName="first") for table in tables}
        backups = {table: answer["BackupDetails"]["BackupArn"] for table, answer in made_backups.items()}
        carry(made, a_day(2, pair(13)))
        yield CommittedTwice(made=made, saved=made.save(), backups=backups)


class Begins(enum.StrEnum):
    """How the run of the third day begins while a restore is at work."""

    WHOLE = "with all its feeds"
    COLLECTING = "with one feed, and the other comes when the restore is over"
    REJECTED = "with a feed that breaks its contract, which is mended when the restore is over"

    @property
    def files(self) -> dict[str, bytes]:
        whole = pair(14)
        match self:
            case Begins.WHOLE:
                return whole
            case Begins.COLLECTING:
                return {"nyt": whole["nyt"]}
            case Begins.REJECTED:
                return whole | {"jhu": whole["jhu"].replace(b"Recovered", b"Recoveries")}

    @property
    def afterwards(self) -> list[Step]:
        """What brings it to its end once the restore is over."""
        watched = [publish(3, pair(14)), watch(3, "19:00:00"), watch(3)]
        return [*watched, fetch(4), watch(4)] if self is Begins.REJECTED else watched


def calls_of_a_restore(found: CommittedTwice, begins: Begins, *, every: int = 1) -> Iterator[int]:
    """The number of each call, or of each `every`-th; to be tried in turn, as the last is found by trying."""
    for at_call in itertools.count(step=every):
        if not a_run_begins(found, begins, at_call=at_call):
            return
        yield at_call


def a_run_begins(found: CommittedTwice, begins: Begins, *, at_call: int) -> bool:
    """Restore to the first day while the third begins before this call; False where there is no such call."""
    made = found.made
    made.restore(found.saved)
    steps = [publish(3, begins.files), fetch(3)]
    stage: Any = WorldStage(made, at_call=at_call, meanwhile=lambda: carry(made, steps))
    refused = False
    try:
        restore(stage, dt.datetime.now(dt.UTC), backups=found.backups, report=lambda _: None)
    except CommandFailed:  # a run was open, and nothing was changed
        refused = True
    if stage.calls <= at_call:
        return False
    if at_call < _CLOSED_AT and not refused:
        assert (made.head().head, at(3) in {run.run_id for run in made.runs()}) == (at(1), False)
        return True
    carry(made, begins.afterwards)
    if at(3) not in {run.run_id for run in made.runs()}:
        raise Lost(f"run {at(3)} is gone from the ledger")
    _hold_the_end(made, begins)
    return True


def _hold_the_end(made: World, begins: Begins) -> None:
    """The third day's run, or the one after it where that was rejected, has brought what its files have."""
    last = at(3) if begins is not Begins.REJECTED else at(4)
    head = made.head()
    assert (made.run(last).state, head.head, head.closed) == (State.COMMITTED, last, "")
    rows = {key: {k: v for k, v in row.items() if k != "run_id"} for key, row in made.rows().items()}
    assert rows == merged_rows(made.dataset, pair(14))
    mails = Counter(mail.kind for mail in made.platform.mails)
    wanted = Counter({"digest": 3, **({"failure": 1} if begins is Begins.REJECTED else {})})
    if mails != wanted:
        raise (Lost if wanted - mails else Twice)(f"{dict(mails)} were mailed, and not {dict(wanted)}")
