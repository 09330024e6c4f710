"""How the numbers of one date came to be what they are, step by step: from its history and the runs that made it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from chalicelib.tabulation.histories import Entry
from shared.dataset import Dataset, Feed, Measure
from shared.exact import Number
from shared.runs import Delivery, Run

type DatedChange = Literal["added", "changed", "removed"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """The value of one measure before and after a run."""

    measure: Measure
    old: Number | None
    new: Number | None
    changed: bool

    @property
    def difference(self) -> Number | None:
        return None if self.old is None or self.new is None else self.new - self.old

    @property
    def share(self) -> float | None:
        """The difference as a share of what the value was; None where that was nothing."""
        difference = self.difference
        return float(difference) / abs(float(self.old)) if difference is not None and self.old else None


@dataclass(frozen=True, kw_only=True)
class File:
    """A feed whose file brought a change, as far as the ledger knows of it."""

    feed: Feed
    delivery: Delivery | None


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """What one run did to the date."""

    run_id: str
    known_from: str
    change: DatedChange
    steps: Sequence[Step]
    """A step a measure, in their order; of a removed date none."""
    run: Run | None
    """None where the ledger has it no more, or it was not looked up."""
    files: Sequence[File]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How one measure stands, and how far it has come since it was first reported."""

    measure: Measure
    value: Number | None
    first: Number | None
    """As first reported; None where it never was."""
    first_known: str
    """When that was; empty where it never was."""
    revisions: int
    """How often a run changed it since."""
    course: Sequence[tuple[str, Number | None]]
    """(time from which it was known, value) each time that it became another."""

    @property
    def difference(self) -> Number | None:
        return None if self.first is None or self.value is None else self.value - self.first

    @property
    def share(self) -> float | None:
        difference = self.difference
        return float(difference) / abs(float(self.first)) if difference is not None and self.first else None


def chapters(entries: Sequence[Entry], dataset: Dataset, runs: Mapping[str, Run]) -> list[Chapter]:
    """Newest first; `runs` are those that were looked up, by id."""
    found = []
    before: Sequence[Number | None] | None = None
    for entry in entries:
        values = entry["values"]
        change: DatedChange = "removed" if values is None else "added" if before is None else "changed"
        steps = [] if values is None else _steps(before, values, dataset)
        run = runs.get(entry["run_id"])
        found.append(
            Chapter(
                run_id=entry["run_id"],
                known_from=entry["at"],
                change=change,
                steps=steps,
                run=run,
                files=_files(steps, dataset, run),
            )
        )
        before = values
    return found[::-1]


def standings(entries: Sequence[Entry], dataset: Dataset) -> list[Standing]:
    """One for each measure, in their order."""
    return [_standing(entries, measure, n) for n, measure in enumerate(dataset.measures)]


def _standing(entries: Sequence[Entry], measure: Measure, place: int) -> Standing:
    course: list[tuple[str, Number | None]] = []
    for entry in entries:
        value = None if entry["values"] is None else entry["values"][place]
        if value != (course[-1][1] if course else None):
            course.append((entry["at"], value))
    first_known, first = course[0] if course else ("", None)
    return Standing(
        measure=measure,
        value=course[-1][1] if course else None,
        first=first,
        first_known=first_known,
        revisions=max(0, len(course) - 1),
        course=course,
    )


def _steps(before: Sequence[Number | None] | None, values: Sequence[Number | None], dataset: Dataset) -> list[Step]:
    old = before or [None] * len(values)
    pairs = zip(dataset.measures, old, values, strict=True)
    return [Step(measure=measure, old=was, new=now, changed=was != now) for measure, was, now in pairs]


def _files(steps: Sequence[Step], dataset: Dataset, run: Run | None) -> list[File]:
    """The feeds of the measures that changed; of a removed date all of them, as any may have lost it."""
    changed = {step.measure.name for step in steps if step.changed}
    feeds = [feed for feed in dataset.feeds if not steps or changed & set(feed.measures)]
    return [File(feed=feed, delivery=run.deliveries.get(feed.name) if run else None) for feed in feeds]
