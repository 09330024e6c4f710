"""A batch of the ledger's stream: each record by itself, and what Lambda is to try again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from chalicelib.refresh.refreshing import Refresher
from shared.attributes import from_item
from shared.errors import CovidStatsError, EventMalformed
from shared.events import ledger_dataset, member, sequence_number, stream_records
from shared.observation import Line
from shared.runs import Run, State


class ViewsFailed(CovidStatsError):
    """Some runs of a batch could not be rendered; what was served before is served still."""


@dataclass(frozen=True, kw_only=True)
class StreamRecord:
    """One record of the ledger's stream."""

    sequence: str
    """What a partial batch response names it by."""
    run: Run | None
    """The committed run that needs views; None where the record asks for nothing."""
    dataset: str = ""
    """Of that run."""


def read_record(record: object) -> StreamRecord:
    """Raises EventMalformed where the record is not a ledger item."""
    sequence, change = sequence_number(record), member(record, "dynamodb")
    try:
        values = from_item(change.get("NewImage", {}))
        wanted = values.get("state") == State.COMMITTED and values.get("views", "AGAIN") == "AGAIN"
        run = Run.from_event(values) if wanted else None
        return StreamRecord(sequence=sequence, run=run, dataset=ledger_dataset(record))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EventMalformed(f"stream record {sequence} is not a ledger item: {error}") from error


@dataclass(frozen=True, kw_only=True)
class RecordOutcome:
    """What became of one record."""

    sequence: str
    """Empty where the record has none."""
    run_id: str
    """Empty where the record is not one of a committed run."""
    dataset: str = ""
    error: str = ""


def refresh_batch(
    event: object, *, refresher: Callable[[str], Refresher], line: Line
) -> dict[str, list[dict[str, str]]]:
    """The partial batch response: what Lambda is to try again. `refresher` is of a dataset, by its name.

    Raises EventMalformed for what is no batch, or, once the others are done, a record that cannot be named.
    """
    outcomes = list(_refresh_each(stream_records(event), refresher=refresher))
    _observe(outcomes, line)
    for one in outcomes:
        if not one.sequence:
            raise EventMalformed(f"a record has no sequence number: {one.error}")
    return {"batchItemFailures": [{"itemIdentifier": one.sequence} for one in outcomes if one.error]}


def _refresh_each(records: Sequence[object], *, refresher: Callable[[str], Refresher]) -> Iterator[RecordOutcome]:
    """Each record by itself: one that fails neither stops nor hides the others."""
    for record in records:
        sequence, run_id, dataset = "", "", ""
        try:
            sequence = sequence_number(record)
            read = read_record(record)
            if read.run is None:
                continue
            run_id, dataset = read.run.run_id, read.dataset
            refresher(dataset).refresh_or_record(read.run)
            yield RecordOutcome(sequence=sequence, run_id=run_id, dataset=dataset)
        except Exception as error:
            failed = f"{type(error).__name__}: {error}"
            yield RecordOutcome(sequence=sequence, run_id=run_id, dataset=dataset, error=failed)


def _observe(outcomes: Sequence[RecordOutcome], line: Line) -> None:
    """The canonical line says which runs were rendered, and what failed."""
    failed = [one for one in outcomes if one.error]
    runs = [one.run_id for one in outcomes if one.run_id]
    line.bind(dataset=" ".join(dict.fromkeys(one.dataset for one in outcomes if one.dataset)))
    line.bind(run_id=" ".join(runs), state=" ".join([State.COMMITTED] * len(runs)))
    line.measure("Count", views_rendered=len(outcomes) - len(failed), views_failed=len(failed))
    if failed:
        line.fail(ViewsFailed("; ".join(f"{one.run_id or one.sequence}: {one.error}" for one in failed)))
