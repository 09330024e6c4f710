"""A batch of the ledger's stream: each record by itself, and what Lambda is to try again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chalicelib.refresh.refreshing import Refresher
from shared.attributes import from_item
from shared.errors import CovidStatsError, EventMalformed
from shared.events import member, sequence_number, stream_records
from shared.ledger import Ledger
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


def read_record(record: object) -> StreamRecord:
    """Raises EventMalformed where the record is not a ledger item."""
    sequence, change = sequence_number(record), member(record, "dynamodb")
    try:
        values = from_item(change.get("NewImage", {}))
        wanted = values.get("state") == State.COMMITTED and values.get("views", "AGAIN") == "AGAIN"
        return StreamRecord(sequence=sequence, run=Run.from_event(values) if wanted else None)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EventMalformed(f"stream record {sequence} is not a ledger item: {error}") from error


@dataclass(frozen=True, kw_only=True)
class RecordOutcome:
    """What became of one record."""

    sequence: str
    """Empty where the record has none."""
    run_id: str
    """Empty where the record is not one of a committed run."""
    error: str = ""


def refresh_batch(
    event: object, *, refresher: Refresher, ledger: Ledger, line: Line
) -> dict[str, list[dict[str, str]]]:
    """The partial batch response: what Lambda is to try again.

    Raises EventMalformed for what is no batch, or, once the others are done, a record that cannot be named.
    """
    outcomes = list(_refresh_each(stream_records(event), refresher=refresher, ledger=ledger))
    _observe(outcomes, line)
    for one in outcomes:
        if not one.sequence:
            raise EventMalformed(f"a record has no sequence number: {one.error}")
    return {"batchItemFailures": [{"itemIdentifier": one.sequence} for one in outcomes if one.error]}


def _refresh_each(records: Sequence[object], *, refresher: Refresher, ledger: Ledger) -> Iterator[RecordOutcome]:
    """Each record by itself: one that fails neither stops nor hides the others."""
    for record in records:
        sequence, run_id = "", ""
        try:
            sequence = sequence_number(record)
            run = read_record(record).run
            if run is None:
                continue
            run_id = run.run_id
            refresher.refresh(run)
            yield RecordOutcome(sequence=sequence, run_id=run_id)
        except Exception as error:
            if run_id:
                ledger.mark_views(run_id, "FAILED")
            yield RecordOutcome(sequence=sequence, run_id=run_id, error=f"{type(error).__name__}: {error}")


def _observe(outcomes: Sequence[RecordOutcome], line: Line) -> None:
    """The canonical line says which runs were rendered, and what failed."""
    failed = [one for one in outcomes if one.error]
    runs = [one.run_id for one in outcomes if one.run_id]
    line.bind(run_id=" ".join(runs), state=" ".join([State.COMMITTED] * len(runs)))
    line.measure("Count", views_rendered=len(outcomes) - len(failed), views_failed=len(failed))
    if failed:
        line.fail(ViewsFailed("; ".join(f"{one.run_id or one.sequence}: {one.error}" for one in failed)))
