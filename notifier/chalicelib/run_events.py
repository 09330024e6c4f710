"""The end of a run as an event for programs: infra/docs/event.schema.json says what its detail holds.

The detail is small whatever the run did: it has counts and the newest numbers, and says where the rest is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.letterhead import Letterhead
from chalicelib.subjects import digest_subject
from shared.exact import dumps
from shared.printing import without_controls
from shared.runs import Run, State
from shared.sizes import cut
from shared.summary import Summary
from shared.wording import headline

SCHEMA_VERSION = 1
"""Goes up only with a change that breaks a reader; what is added breaks none."""

MOST_BYTES = 200_000
"""EventBridge takes an entry of 256 KB, its source and type included; a target's transformer may add to it."""
_FEWEST = 5
"""Sentences of a list that stay, however long; each has at most `_SENTENCE` bytes then."""
_SENTENCE = 200


@dataclass(frozen=True, kw_only=True)
class RunEvent:
    """One event, as it is put on the bus."""

    id: str
    """The same for the same end of a run, however often it comes."""
    kind: str
    """`Run Committed`, `Run Rejected` and so on."""
    detail: str
    """JSON."""


def run_event(run: Run, *, letterhead: Letterhead) -> RunEvent:
    """What a run that ended says to programs."""
    detail = _detail(run, letterhead)
    text = dumps(detail)
    if len(text.encode()) > MOST_BYTES:
        text = dumps(_shortened(detail))
    return RunEvent(id=detail["id"], kind=kind_of(run.state), detail=text)


def kind_of(state: State) -> str:
    """`Run Committed` of COMMITTED."""
    return f"Run {state.value.capitalize()}"


def end_of(run: Run, *, stage: str, dataset: str) -> str:
    """What tells one end of a run from all others: an operator may have it end again."""
    again = max(run.approved_at, run.redriven_at)
    return "/".join([stage, dataset, run.run_id, run.state, str(run.attempts), *([again] if again else [])])


def _detail(run: Run, letterhead: Letterhead) -> dict[str, Any]:
    dataset = letterhead.dataset
    found: dict[str, Any] = {
        "version": SCHEMA_VERSION,
        "id": end_of(run, stage=letterhead.stage, dataset=dataset.name),
        "stage": letterhead.stage,
        "dataset": dataset.name,
        "title": dataset.title,
        "run_id": run.run_id,
        "state": run.state.value,
        "known_from": run.known_from or run.run_id,
        "base_run_id": run.base_run_id,
        "reason": without_controls(run.reason),
        "text": _text(run, letterhead),
        "added": run.added,
        "changed": run.changed,
        "removed": run.removed,
        "warnings": [],
        "links": {
            "dashboard": letterhead.link("/"),
            "run": letterhead.link(f"/runs/{run.run_id}"),
            "changes": letterhead.link(f"/runs/{run.run_id}/changes") if run.state is State.COMMITTED else "",
        },
    }
    return found | (_of_summary(Summary.from_map(run.summary), letterhead) if run.summary else {})


def _of_summary(summary: Summary, letterhead: Letterhead) -> dict[str, Any]:
    """What only a run has that was committed."""
    latest, names = summary.latest, letterhead.dataset.measure_names
    found: dict[str, Any] = {
        "rows": summary.rows,
        "new_dates": summary.new_dates,
        "revised_dates": summary.revised_dates,
        "largest_revision_percent": summary.largest_revision_percent,
        "warnings": [without_controls(text) for text in summary.warnings],
    }
    if latest:
        values = {name: latest.get(name) for name in names}
        increments = {name: summary.latest_increments.get(name) for name in names}
        found["latest"] = {"date": latest.get("date"), "values": values, "increments": increments}
        found["latest"] |= {"series": latest["series"]} if latest.get("series") else {}
    return found


def _text(run: Run, letterhead: Letterhead) -> str:
    """One line for people: what a digest's subject says, or how the run ended."""
    if run.state is State.COMMITTED and run.summary:
        return digest_subject(run, Summary.from_map(run.summary), letterhead=letterhead)
    if run.state is State.COMMITTED:
        return headline(run)
    why = f": {cut(without_controls(' '.join(run.reason.split())), _SENTENCE)}" if run.reason else ""
    return f"Run {run.run_id} ended {run.state}{why}"


def _shortened(detail: Mapping[str, Any]) -> dict[str, Any]:
    """With fewer warnings, each of them short, and the last one saying how many there are not."""
    warnings = [cut(text, _SENTENCE) for text in detail["warnings"]]
    left = len(warnings) - _FEWEST
    more = [f"... and {left:,} more"] if left > 0 else []
    return {**detail, "warnings": [*warnings[:_FEWEST], *more], "reason": cut(detail["reason"], _SENTENCE)}
