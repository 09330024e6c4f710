"""What a stream record of the ledger gives occasion to: the end of a run, a notice, or nothing."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.attributes import from_item, to_item
from shared.dataset import Dataset
from shared.errors import EventMalformed
from shared.events import member
from shared.ledger.items import NOTICES, Notice
from shared.runs import MAILED, Run, State

_SAME_END = ("state", "attempts", "known_from", "approved_at", "redriven_at")
"""What sets one end of a run apart from another after it was approved or redriven."""


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """Something to mail about."""

    subject: Run | Notice
    run_id: str
    """The run it is about; empty for a notice."""
    key: Mapping[str, Any]
    """The ledger item's key, as attribute values."""
    still: Mapping[str, Any]
    """The attributes that must still be as they are here (None: absent), or the mail would be of the past."""


def occasion(record: object, *, dataset: Dataset) -> Occasion | None:
    """What the record says there is to mail; None for a record of another kind. Raises EventMalformed."""
    return next(_read(record, _occasions, dataset=dataset), None)


def ended_run(record: object, *, dataset: Dataset) -> Run | None:
    """The run that has ended, by the record, however it ended; None for a record of another kind.

    Not one of the past: whoever backfilled it knows. Raises EventMalformed.
    """
    return next(_read(record, _ended, dataset=dataset), None)


type _Find[Found] = Callable[[Mapping[str, Any], Dataset], Iterator[Found]]


def _read[Found](record: object, find: _Find[Found], *, dataset: Dataset) -> Iterator[Found]:
    if member(record, "eventName") == "REMOVE":
        return
    image = member(record, "dynamodb", "NewImage")
    try:
        yield from find(from_item(image), dataset)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        shown = f"{type(error).__name__}: {error}"
        raise EventMalformed(f"a record of the ledger is not as the ledger writes it ({shown}): {image}") from error


def _ended(values: Mapping[str, Any], dataset: Dataset) -> Iterator[Run]:
    if values["dataset"] == dataset.name and State(values["state"]).ended and not values.get("source"):
        yield Run.from_event(values)


def _occasions(values: Mapping[str, Any], dataset: Dataset) -> Iterator[Occasion]:
    partition, has_mail = values["dataset"], values.get("mail", "AGAIN") != "AGAIN"
    if values.get("source"):  # a run of the past: whoever backfilled it knows
        return
    key = to_item({name: values[name] for name in ("dataset", "run_id")})
    if partition == dataset.name and State(values["state"]) in MAILED and not has_mail:
        run = Run.from_event(values)
        still = {name: values.get(name) for name in _SAME_END}
        yield Occasion(subject=run, run_id=run.run_id, key=key, still=still)
    elif partition == dataset.name + NOTICES and not has_mail:
        notice = Notice(**{name: values[name] for name in Notice.__dataclass_fields__ if name in values})
        yield Occasion(subject=notice, run_id="", key=key, still={})
