"""A run as rows to be shown, the same in a terminal and in a picture: hops, their steps, and times on a scale."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.tracing.hops import Hop, Step
from infra.tracing.journey import Branch, Journey
from shared.call_metadata import CallMetadata

_ALIKE = 4
"""So many calls of one kind in a row are shown as one row."""
_LONG = 3
"""A gap longer than this part of the work is drawn shorter: an hour's wait for an operator leaves room for the rest."""
_GAP_SHARE, _GAPS_SHARE = 0.06, 0.5
"""The share of the scale that such a gap has, and that all have together at most."""
_NOT_SHOWN = frozenset({"request_id", "duration", "merge_duration", "errors", "invocations", "reason", "error"}) | {
    "feeds_failed",
    "bytes_fetched",
    "mails_sent",
    "events_sent",
    "runs_ended",
    "runs_rejected",
}
"""What the row says already, in other words."""
_EXPECTED = frozenset({("status", 200), ("outcome", "ok"), ("outcome", "merged")})
_BAD = ("REJECTED", "FAILED", "INCOMPLETE")
_AGES = ("age_", "commit_age", "views_age", "open_age", "feed_age")
"""Metrics that say nothing of one run."""


@dataclass(frozen=True, kw_only=True)
class TraceRow:
    """One line, or one bar."""

    kind: str
    """`hop` or `step`."""
    depth: int
    title: str
    details: str
    service: str
    began: int
    """Microseconds since 1970."""
    ended: int
    failure: str = ""
    """`fault`, `throttle`, `error` or empty; of a hop also `fault` where the run did not end well in it."""
    cause: str = ""
    waited: int | None = None
    """Microseconds before a hop; None for a starter."""
    after: str = ""
    """What a hop had waited for, or who started it."""

    @property
    def took(self) -> int:
        """Microseconds."""
        return self.ended - self.began


def rows(journey: Journey, *, brief: bool = False) -> list[TraceRow]:
    """Every hop with its steps; `brief` leaves the steps out that went well."""
    return [row for branch in journey.branches for row in _rows(branch, journey.run_id, brief=brief)]


def _rows(branch: Branch, run_id: str, *, brief: bool) -> Iterator[TraceRow]:
    hop = branch.hop
    cause = hop.cause or str(hop.metadata.get("error") or hop.metadata.get("reason") or "")
    yield TraceRow(
        kind="hop",
        depth=branch.depth,
        title=hop.name,
        details=_hop_details(hop),
        service=hop.service,
        began=hop.began,
        ended=hop.ended,
        failure="fault" if hop.failure == "fault" or _ended_badly(hop, run_id) else "",
        cause=cause,
        waited=branch.waited,
        after=branch.after,
    )
    for row in _step_rows(hop.steps, depth=branch.depth + 1, service=hop.service):
        if not brief or row.failure == "fault":
            yield row


def _ended_badly(hop: Hop, run_id: str) -> bool:
    """Whether this hop ended the run, and badly; who only reports it has done well."""
    ended = [each for each in str(hop.metadata.get("ended", "")).split("; ") if each.startswith(run_id)]
    return hop.service == "merger" and (hop.metadata.get("state") in _BAD or any(each.endswith(_BAD) for each in ended))


def _step_rows(steps: Sequence[Step], *, depth: int, service: str) -> Iterator[TraceRow]:
    for _, alike in itertools.groupby(steps, key=lambda step: (step.name, step.failure, bool(step.steps))):
        some = list(alike)
        if len(some) >= _ALIKE and not some[0].steps and some[0].failure != "fault":
            yield _together(some, depth=depth, service=service)
            continue
        for step in some:
            yield _step_row(step, depth=depth, service=service)
            yield from _step_rows(step.steps, depth=depth + 1, service=service)


def _step_row(step: Step, *, depth: int, service: str) -> TraceRow:
    return TraceRow(
        kind="step",
        depth=depth,
        title=step.name,
        details=_join([step.about, *_words(step.metadata)]),
        service=service,
        began=step.began,
        ended=step.ended,
        failure=step.failure,
        cause=step.cause,
    )


def _together(steps: Sequence[Step], *, depth: int, service: str) -> TraceRow:
    calls = [step.call for step in steps]
    total = CallMetadata(
        sent=sum(call.sent for call in calls),
        received=sum(call.received for call in calls),
        rows=sum(call.rows for call in calls),
    )
    return TraceRow(
        kind="step",
        depth=depth,
        title=f"{steps[0].name} ×{len(steps)}",  # noqa: RUF001  # "times", as people write it
        details=_join(_words(total.as_mapping())),
        service=service,
        began=min(step.began for step in steps),
        ended=max(step.ended for step in steps),
        failure=steps[0].failure,
    )


def _hop_details(hop: Hop) -> str:
    return _join([*_words(hop.metadata), "cold start" if hop.cold_start else ""])


def _words(metadata: Mapping[str, Any]) -> Iterator[str]:
    call = CallMetadata.from_mapping(metadata)
    smaller = "received" if call.sent > call.received else "sent"
    for name, value in metadata.items():
        if name.startswith(_AGES) or name == smaller:
            continue
        if name in _NOT_SHOWN or value in (0, "", None) or (name, value) in _EXPECTED:
            continue
        if name == "code" and value == str(metadata.get("status")):
            continue
        yield _word(name, value)


def _word(name: str, value: Any) -> str:
    if name.startswith("bytes"):
        label = name.removeprefix("bytes").strip("_")
        return f"{size(int(value))} {label}".strip()
    if name in ("sent", "received"):
        return f"{size(int(value))} {name}"
    if name.startswith("rows_") or name == "rows":
        return f"{value:,} row{'s' * (value != 1)} {name.removeprefix('rows').strip('_')}".strip()
    if name in ("feed", "state", "outcome", "code", "kind"):
        return str(value)
    return f"{name.replace('_', ' ')} {str(value).lower() if isinstance(value, bool) else value}"


def _join(words: Iterable[str]) -> str:
    return " · ".join(word for word in words if word)


def size(count: int) -> str:
    """`555 kB`, `1.2 MB`."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def duration(microseconds: int) -> str:
    """`85.8 ms`, `4.72 s`, `3 min 12 s`, `2 h 5 min`, `3 d 4 h`."""
    seconds = microseconds / 1_000_000
    if seconds < 1:
        return f"{microseconds / 1000:.1f} ms"
    if seconds < 100:
        return f"{seconds:.2f} s"
    for small, large, unit, then in ((60, 60, "min", "s"), (3600, 60, "h", "min"), (86400, 24, "d", "h")):
        if seconds < small * (60 if unit == "min" else 24 if unit == "h" else 10**6):
            rest = int(seconds % small // (small // large))
            return f"{int(seconds // small)} {unit}" + (f" {rest} {then}" if rest else "")
    return f"{seconds:.0f} s"


class Scale:
    """From a time to a place between 0 and 1: in proportion, but for gaps that are long beside the work."""

    def __init__(self, journey: Journey) -> None:
        edges = sorted({journey.began, journey.ended, *(t for gap in journey.gaps for t in (gap.began, gap.ended))})
        long = {gap.began for gap in journey.gaps if gap.took * _LONG > journey.work}
        self._pieces = [(began, ended, began in long) for began, ended in itertools.pairwise(edges)]
        share = min(_GAP_SHARE, _GAPS_SHARE / len(long)) if long else 0.0
        rest = sum(ended - began for began, ended, is_long in self._pieces if not is_long) or 1
        self._widths = [
            share if is_long else (1 - share * len(long)) * (ended - began) / rest
            for began, ended, is_long in self._pieces
        ]

    def place(self, time: int) -> float:
        """Where this time is."""
        done = 0.0
        for (began, ended, _), width in zip(self._pieces, self._widths, strict=True):
            if time <= ended:
                return done + width * max(time - began, 0) / (ended - began)
            done += width
        return done

    @property
    def broken(self) -> list[tuple[int, int]]:
        """The gaps that are shown shorter than they were."""
        return [(began, ended) for began, ended, is_long in self._pieces if is_long]
