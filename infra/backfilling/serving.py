"""Having a stage answer with the history that was filled in before its runs.

Views are made from those of the run before. So what the head's predecessor should have left is written, and of every
run that the stage made itself the history that it would have had; then the api's own function renders the head.
"""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from chalicelib.tabulation.histories import History, extend_history
from chalicelib.vintages.version_blocks import begin
from chalicelib.vintages.vintage_store import VintageWriter
from chalicelib.web.documents import pack
from infra.deploying.deployed import Stage
from infra.errors import CommandFailed
from infra.operating.refresh import refresh
from shared.changes import ChangeSet
from shared.dataset import Dataset
from shared.keys import change_set_key, view_key
from shared.runs import Run

_READERS = 8
_TRIES = 5
"""How often the head may move meanwhile."""


def render_with_past(stage: Stage, dataset: Dataset) -> str:
    """The run that is served; empty where nothing was ever committed.

    Raises CommandFailed where other runs are committed all the time.
    """
    ledger = stage.ledger
    for _ in range(_TRIES):
        runs = list(ledger.oldest_first(after=""))
        if not runs:
            return ""
        _write_past(stage, dataset, runs)
        served = refresh(stage, runs[-1].run_id)
        if ledger.head().head == served:
            return served
    raise CommandFailed(f"the head of {dataset.name} was moved {_TRIES} times while its history was laid out; again?")


def _write_past(stage: Stage, dataset: Dataset, runs: Sequence[Run]) -> None:
    """Everything that rendering the last of these runs, oldest first, rests on."""
    s3, bucket = stage.client("s3"), stage.place.bucket

    def read(run: Run) -> ChangeSet:
        reply = s3.get_object(Bucket=bucket, Key=change_set_key(dataset.name, run.run_id))
        return ChangeSet.from_json(reply["Body"].read())

    with ThreadPoolExecutor(_READERS) as readers:
        changes = list(readers.map(read, runs))
    for run, history in _histories(runs[:-1], changes, dataset):
        if not run.source or run is runs[-2]:
            body = pack(json.dumps(history, separators=(",", ":"), ensure_ascii=False).encode(), level=6)
            key = view_key(dataset.name, run.run_id, "history.json.gz")
            s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json", ContentEncoding="gzip")
    if len(runs) > 1:
        dated = [(change, run.known_from or run.run_id) for change, run in zip(changes, runs, strict=True)]
        writer = VintageWriter(s3, bucket=bucket, dataset=dataset)
        writer.put(runs[-2].run_id, begin(dated[:-1], dataset))


def _histories(runs: Sequence[Run], changes: Sequence[ChangeSet], dataset: Dataset) -> Iterator[tuple[Run, History]]:
    history: History = {}
    for run, change in zip(runs, changes, strict=False):
        history = extend_history(history, change, run=run, dataset=dataset)
        yield run, history
