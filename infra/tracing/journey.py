"""A run through all services: which invocation continued which, when one was at work, and what was waited for."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.tracing.hops import Hop, Step

_PASSED_ON_BY = {
    "merger": ("PutObject",),
    "notifier": ("TransactWriteItems", "UpdateItem", "PutItem"),
    "api": ("TransactWriteItems", "UpdateItem", "PutItem"),
}
"""Service -> the upstream's AWS call whose event starts it."""


@dataclass(frozen=True, kw_only=True)
class Branch:
    """A hop where it hangs in the tree."""

    hop: Hop
    depth: int
    waited: int | None
    """Microseconds from what started it, as far as the upstream tells, to its beginning; None for a starter."""
    after: str
    """What started it: `S3 PutObject raw/.../jhu.csv`, `schedule`, `operator`."""


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A time when no function was at work on the run."""

    began: int
    ended: int
    waiting_for: str
    """`queue` (an event under way, a function starting), or `schedule` or `operator`."""
    before: str
    """The hop that ended it."""

    @property
    def took(self) -> int:
        """Microseconds."""
        return self.ended - self.began


@dataclass(frozen=True, kw_only=True)
class Journey:
    """All that was traced of one run. Times are microseconds; the gaps and the work add up to the whole."""

    run_id: str
    branches: Sequence[Branch]
    """Parents before what continued them, and by time among equals."""
    gaps: Sequence[Gap]

    @property
    def hops(self) -> list[Hop]:
        return [branch.hop for branch in self.branches]

    @property
    def began(self) -> int:
        return min((hop.began for hop in self.hops), default=0)

    @property
    def ended(self) -> int:
        return max((hop.ended for hop in self.hops), default=0)

    @property
    def took(self) -> int:
        """From the first hop's beginning to the last one's end."""
        return self.ended - self.began

    @property
    def work(self) -> int:
        """The time in which at least one function was at work."""
        return sum(ended - began for began, ended in _periods(self.hops))

    @property
    def waits(self) -> Mapping[str, int]:
        """What was waited for -> how long, all in all."""
        kinds = dict.fromkeys(gap.waiting_for for gap in self.gaps)
        return {kind: sum(gap.took for gap in self.gaps if gap.waiting_for == kind) for kind in kinds}


def journey(run_id: str, hops: Sequence[Hop]) -> Journey:
    """From the hops of a run, in order of time."""
    return Journey(run_id=run_id, branches=list(_branches(hops)), gaps=list(_gaps(hops)))


def _branches(hops: Sequence[Hop]) -> Iterator[Branch]:
    known = {hop.reference: hop for hop in hops}
    below: dict[str, list[Hop]] = {}
    for hop in hops:
        parent = hop.upstream_trace if hop.upstream_trace in known and hop.upstream_trace != hop.reference else ""
        below.setdefault(parent, []).append(hop)
    seen = set[int]()

    def hang(parent: str, depth: int) -> Iterator[Branch]:
        for hop in below.get(parent, []):
            if id(hop) not in seen:
                seen.add(id(hop))
                yield _branch(hop, known.get(parent), depth)
                yield from hang(hop.reference, depth + 1)

    yield from hang("", 0)
    for hop in hops:  # a circle has no beginning: it is followed from the first in time
        if id(hop) not in seen:
            seen.add(id(hop))
            yield _branch(hop, None, 0)
            yield from hang(hop.reference, 1)


def _branch(hop: Hop, upstream: Hop | None, depth: int) -> Branch:
    if upstream is None:
        return Branch(hop=hop, depth=depth, waited=None, after=hop.upstream)
    cause = _cause(hop, upstream)
    if cause is None:
        since = upstream.ended if upstream.ended <= hop.began else upstream.began
        return Branch(hop=hop, depth=depth, waited=max(hop.began - since, 0), after=upstream.name)
    waited = max(hop.began - cause.ended, 0)  # an event may be there before the call that caused it is answered
    return Branch(hop=hop, depth=depth, waited=waited, after=f"{cause.name} {cause.about}".strip())


def _cause(hop: Hop, upstream: Hop) -> Step | None:
    """The upstream's call that started this hop: the last of its kind that had begun before the hop did."""
    operations = _PASSED_ON_BY.get(hop.service, ())
    feed = hop.metadata.get("feed")
    calls = (
        step
        for outer in upstream.steps
        for step in outer.walk()
        if step.name.rpartition(" ")[2] in operations
        and step.began <= hop.began
        and not step.failure
        and (not feed or step.about.endswith(f"/{feed}.csv"))
    )
    return max(calls, key=lambda step: step.began, default=None)


def _gaps(hops: Sequence[Hop]) -> Iterator[Gap]:
    periods = _periods(hops)
    for (_, idle), (busy, _) in itertools.pairwise(periods):
        before = next(hop for hop in hops if hop.began == busy)
        kind = before.upstream if before.upstream in ("schedule", "operator") else "queue"
        yield Gap(began=idle, ended=busy, waiting_for=kind, before=before.name)


def _periods(hops: Sequence[Hop]) -> list[tuple[int, int]]:
    """When somebody was at work: disjoint, in order of time."""
    periods: list[tuple[int, int]] = []
    for hop in sorted(hops, key=lambda hop: hop.began):
        if periods and hop.began <= periods[-1][1]:
            periods[-1] = periods[-1][0], max(periods[-1][1], hop.ended)
        else:
            periods.append((hop.began, hop.ended))
    return periods


def as_map(journey: Journey) -> dict[str, Any]:
    """For `--json`: times in milliseconds from the beginning of the first hop."""
    zero = journey.began
    return {
        "run_id": journey.run_id,
        "began": zero / 1_000_000,
        "total_ms": _ms(journey.took),
        "work_ms": _ms(journey.work),
        "waiting_ms": {kind: _ms(took) for kind, took in journey.waits.items()},
        "hops": [_branch_map(branch, zero) for branch in journey.branches],
        "gaps": [
            {
                "at_ms": _ms(gap.began - zero),
                "ms": _ms(gap.took),
                "waiting_for": gap.waiting_for,
                "before": gap.before,
            }
            for gap in journey.gaps
        ],
    }


def _branch_map(branch: Branch, zero: int) -> dict[str, Any]:
    hop = branch.hop
    return {
        "name": hop.name,
        "depth": branch.depth,
        "at_ms": _ms(hop.began - zero),
        "ms": _ms(hop.took),
        "waited_ms": None if branch.waited is None else _ms(branch.waited),
        "after": branch.after,
        "upstream": hop.upstream,
        "upstream_trace": hop.upstream_trace,
        "trace_id": hop.trace_id,
        "segment_id": hop.segment_id,
        "cold_start": hop.cold_start,
        "failure": hop.failure,
        "cause": hop.cause,
        "metadata": dict(hop.metadata),
        "steps": [_step_map(step, zero) for step in hop.steps],
    }


def _step_map(step: Step, zero: int) -> dict[str, Any]:
    optional = {"about": step.about, "failure": step.failure, "cause": step.cause, "metadata": dict(step.metadata)}
    return {
        "name": step.name,
        "at_ms": _ms(step.began - zero),
        "ms": _ms(step.took),
        **{name: value for name, value in optional.items() if value},
        **({"steps": [_step_map(inner, zero) for inner in step.steps]} if step.steps else {}),
    }


def _ms(microseconds: int) -> float:
    return microseconds / 1000
