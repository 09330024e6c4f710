"""What a committed run says about itself (`shared.summary`): small, whatever the size of the change."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chalicelib.comparing.differences import Changes, changed_rows
from chalicelib.comparing.full_merge import Merged
from chalicelib.feed_masks import partnerless
from chalicelib.runs.removal_groups import draw_removals
from chalicelib.runs.revision_groups import draw_together, largest_percent
from chalicelib.tables import Ints, Mask, Table, is_null
from shared.dataset import Dataset, Measure
from shared.exact import Number, from_scaled
from shared.runs import Run
from shared.summary import LISTED, TOUCHED, Summary

_LATELY = 62
"""Days before its date in which a series must have been reported, to be ranked by how it moved."""


def summarise(
    merged: Merged,
    dataset: Dataset,
    *,
    warnings: Sequence[str],
    notes: Sequence[str] = (),
    recovered: Sequence[str] = (),
    rows_since: Mapping[str, str] | None = None,
    annotations: Sequence[str] = (),
    outlook: Callable[[Mapping[str, Any], Mapping[str, int | None]], Mapping[str, str]] = lambda *_: {},
) -> Summary:
    """The most important entries of each list, the newest numbers, and what people should know besides.

    `outlook` says of the newest numbers, and the days that their increments stand for, what usually becomes of such:
    measure -> words.
    """
    changes, rows = merged.changes, merged.snapshot.reported
    shown: dict[str, Any] = {"with_series": dataset.has_series, "decimals": dataset.decimals}
    newest = slice(-LISTED, None)
    first_load = merged.first_load
    latest = Latest(rows, dataset)
    values, days = latest.values(), latest.days()
    return Summary(
        latest=values,
        latest_increments=latest.increments(),
        latest_days=days,
        latest_days_fewest=latest.fewest_days(),
        rows=len(rows),
        series=len(set(rows.codes.tolist())) if dataset.has_series else 0,
        new_dates=len(np.unique(changes.added.days)),
        new_series=len(set(changes.added.codes.tolist())) if dataset.has_series else 0,
        revised_dates=len(np.unique(changes.after.days)),
        largest_revision_percent=largest_percent(changes, dataset),
        first_load=first_load,
        added=[] if first_load else _most_important(changes.added, rows, dataset),
        changed=list(changed_rows(changes.before.take(newest), changes.after.take(newest), **shown)),
        revisions=draw_together(changes, dataset, most=LISTED),
        removed=list(changes.removed.take(newest).rows(**shown)),
        removals=draw_removals(changes.removed, dataset, most=LISTED) if len(changes.removed) > LISTED else [],
        touched=_touched(changes) if dataset.has_series else [],
        partnerless=partnerless(merged.snapshot.rows, merged.snapshot.feeds) if len(dataset.feeds) > 1 else {},
        rows_since=dict(rows_since or {}),
        warnings=_capped(warnings),
        notes=_capped(notes),
        recovered=_capped(recovered),
        annotations=list(annotations),
        outlook=outlook(values, days),
    )


def _touched(changes: Changes) -> list[str]:
    """Names in order, as many as there is room for, and `*` where there are more."""
    tables = (changes.added, changes.after, changes.removed)
    names = sorted({table.names[code] for table in tables for code in set(table.codes.tolist())})
    room, shown = TOUCHED, list[str]()
    for name in names:
        room -= len(name.encode()) + 3
        if room < 0:
            return [*shown, "*"]
        shown.append(name)
    return shown


def _capped(sentences: Sequence[str]) -> list[str]:
    more = len(sentences) - LISTED
    return [*sentences[:LISTED], f"and {more} more"] if more > 0 else list(sentences)


class Latest:
    """The newest numbers of a dataset: of its default series, or summed over those that are no totals.

    A sum of totals is over each series' latest value, its increment over the same series at both ends, so that neither
    falls because a series has yet to report. A sum of counts is over those that have the newest date; where that is not
    all of them, the name says of how many it is: `2 of 3 series`.
    """

    def __init__(self, rows: Table, dataset: Dataset) -> None:
        self._dataset = dataset
        name, chosen = _chosen_series(rows, dataset)
        self._rows = rows.take(chosen[rows.codes]) if len(rows) and not chosen.all() else rows
        self._ends = {measure.name: _ends(self._rows, measure) for measure in dataset.measures}
        summed = dataset.has_series and dataset.adds_up and not name
        self._name = _name_of_sum(self._rows, dataset) if summed else name

    def values(self) -> dict[str, Any]:
        """`date`, `series` where there are several, and each measure's newest value."""
        head: dict[str, Any] = {"series": self._name} if self._dataset.has_series else {}
        return head | {"date": self._rows.newest} | {name: end[0] for name, end in self._ends.items()}

    def increments(self) -> dict[str, Number | None]:
        """Measure -> difference of its newest value to the last one reported before."""
        return {name: end[1] for name, end in self._ends.items()}

    def days(self) -> dict[str, int | None]:
        """Measure -> the days between those two, of a sum the most; None where there is no difference."""
        return {name: max(end[2], default=None) for name, end in self._ends.items()}

    def fewest_days(self) -> dict[str, int]:
        """Measure -> the fewest of them, where series of a sum differ."""
        return {name: min(end[2]) for name, end in self._ends.items() if len(end[2]) > 1}


def _chosen_series(rows: Table, dataset: Dataset) -> tuple[str, Mask]:
    """What the newest numbers are of: the name of one series, empty for a sum, and which codes that are."""
    everyone = np.ones(len(rows.names), dtype=np.bool_)
    if dataset.series is None:
        return "", everyone
    if dataset.series.default in rows.names:
        return dataset.series.default, np.array([name == dataset.series.default for name in rows.names], dtype=np.bool_)
    if dataset.adds_up:
        parts = np.array([not dataset.is_total(name) for name in rows.names], dtype=np.bool_)
        return "", parts if parts.any() else everyone
    first = rows.names[int(rows.codes[0])] if len(rows) else ""
    return first, np.array([name == first for name in rows.names], dtype=np.bool_)


def _name_of_sum(rows: Table, dataset: Dataset) -> str:
    """`3 series`, `2 of 3 series`, and `1 to 2 of 3 series` where not every measure is summed over as many."""
    of = _series_in(rows)
    counts = {count for measure in dataset.measures if (count := _summed(rows, measure))} or {of}
    if counts == {of}:
        return f"{of} series"
    least, most = min(counts), max(counts)
    return f"{least if least == most else f'{least} to {most}'} of {of} series"


def _summed(rows: Table, measure: Measure) -> int:
    """How many series a measure's newest number is summed over; 0 where it has none."""
    there = rows.take(~is_null(rows.values[measure.name]))
    if not len(there) or there.newest != rows.newest:
        return 0
    return _series_in(there if measure.cumulative else there.take(there.days == there.days[-1]))


def _series_in(rows: Table) -> int:
    return int(np.count_nonzero(np.bincount(rows.codes)))


def _ends(rows: Table, measure: Measure) -> tuple[Number | None, Number | None, frozenset[int]]:
    """(newest value, increment, days that its parts stand for) of a measure over all series of the rows."""
    there = rows.take(~is_null(rows.values[measure.name]))
    last, before = _last_two(there)
    if not len(there) or there.newest != rows.newest:
        return None, None, frozenset()
    fresh = last[there.days[last] == there.days[-1]]
    value = _sum(there, measure, last if measure.cumulative else fresh)
    ends = {int(code): at for code, at in zip(there.codes[before], before.tolist(), strict=True)}
    both = [
        (at, ends[code]) for at, code in zip(fresh.tolist(), there.codes[fresh].tolist(), strict=True) if code in ends
    ]
    opened = len(fresh) - len(both) if measure.opening == "count" else 0
    if not both and not opened:
        return from_scaled(value, measure.decimals), None, frozenset()
    increment = _sum(there, measure, [at for at, _ in both]) - _sum(there, measure, [at for _, at in both])
    if opened:
        paired = {at for at, _ in both}
        increment += _sum(there, measure, [at for at in fresh.tolist() if at not in paired])
    stands_for = {int(there.days[at] - there.days[was]) for at, was in both} or {1}
    return from_scaled(value, measure.decimals), from_scaled(increment, measure.decimals), frozenset(stands_for)


def _last_two(rows: Table) -> tuple[Ints, Ints]:
    """Of each series the place of its last row, and, where there is one, of the row before."""
    places, codes = np.arange(len(rows)), rows.codes
    last = np.full(len(rows.names), -1, dtype=np.int64)
    last[codes] = places  # rows ascend by day, and the last of several assignments stays
    rest = np.ones(len(rows), dtype=np.bool_)
    rest[last[last >= 0]] = False
    before = np.full(len(rows.names), -1, dtype=np.int64)
    before[codes[rest]] = places[rest]
    return last[last >= 0], before[before >= 0]


def _sum(rows: Table, measure: Measure, places: Ints | Sequence[int]) -> int:
    """Exactly, however large."""
    return sum(rows.values[measure.name][np.asarray(places, dtype=np.int64)].tolist())


def _most_important(added: Table, rows: Table, dataset: Dataset) -> list[dict[str, Any]]:
    """The newest added rows with their increments; of several series those that lead and those that moved most."""
    if not dataset.has_series or not len(added):
        return _with_increments(added.take(slice(-LISTED, None)), rows, dataset)
    newest = added.take(added.days == added.days[-1])
    moved = _moved(newest, rows, dataset)
    leads = np.array([dataset.leads(name) for name in newest.names], dtype=np.bool_)[newest.codes]
    default = np.array([name == _default(dataset) for name in newest.names], dtype=np.bool_)[newest.codes]
    ranked = np.lexsort((-newest.codes, moved, leads, default)).tolist()[-LISTED:]
    older = added.take(slice(max(0, len(added) - len(newest) - (LISTED - len(ranked))), len(added) - len(newest)))
    return [
        *_with_increments(older, rows, dataset),
        *(row for place in ranked for row in _with_increments(newest.take(slice(place, place + 1)), rows, dataset)),
    ]


def _default(dataset: Dataset) -> str:
    return dataset.series.default if dataset.series is not None else ""


def _moved(newest: Table, rows: Table, dataset: Dataset) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """How much each row of one date moved from the last of its series in the months before: its largest share of what
    all rows moved in a measure."""
    lately = rows.take(slice(int(np.searchsorted(rows.days, int(newest.days[-1]) - _LATELY)), None))
    earlier = lately.take(lately.days < int(newest.days[-1])).over(rows.names)
    moved = np.zeros(len(newest), dtype=np.float64)
    for measure in dataset.measures:
        there = earlier.take(~is_null(earlier.values[measure.name]))
        last = np.full(len(rows.names), np.nan)
        last[there.codes] = there.values[measure.name]  # rows ascend by day, and the last of several stays
        names = {name: code for code, name in enumerate(rows.names)}
        codes = np.array([names[newest.names[code]] for code in newest.codes.tolist()], dtype=np.int64)
        numbers = newest.values[measure.name]
        change = np.where(is_null(numbers), 0.0, np.abs(numbers - np.nan_to_num(last[codes], nan=0.0)))
        change[np.isnan(last[codes])] = 0.0
        moved = np.maximum(moved, change / max(1.0, float(change.sum())))
    return moved


def _with_increments(added: Table, rows: Table, dataset: Dataset) -> list[dict[str, Any]]:
    shown = added.rows(with_series=dataset.has_series, decimals=dataset.decimals)
    return [
        row | _increments(rows, row.get("series", rows.names[0]), day, dataset)
        for row, day in zip(shown, added.days.tolist(), strict=True)
    ]


def _increments(rows: Table, series: str, day: int, dataset: Dataset) -> dict[str, Any]:
    """`increments` and `days` of one row: to the last value reported before in its series."""
    mine = rows.take(np.flatnonzero((rows.codes == rows.names.index(series)) & (rows.days <= day)))
    increments: dict[str, Number | None] = {}
    days: dict[str, int | None] = {}
    for measure in dataset.measures:
        numbers = mine.values[measure.name]
        there = np.flatnonzero(~is_null(numbers))
        increments[measure.name] = days[measure.name] = None
        if len(there) and there[-1] == len(mine) - 1:
            if len(there) > 1:
                difference = int(numbers[there[-1]]) - int(numbers[there[-2]])
                increments[measure.name] = from_scaled(difference, measure.decimals)
                days[measure.name] = int(mine.days[there[-1]] - mine.days[there[-2]])
            elif measure.opening == "count":
                increments[measure.name], days[measure.name] = from_scaled(int(numbers[-1]), measure.decimals), 1
    return {"increments": increments, "days": days}


def recoveries(
    bad_runs: Iterable[tuple[str, str, str]], stale: Iterable[tuple[str, str]], missed: Iterable[str]
) -> list[str]:
    """Sentences for what is over since the last digest.

    That is: runs that ended badly (id, state, reason), stale feeds (title, since), missed runs (as they were worded).
    """
    return [
        *_bad_runs(list(bad_runs)),
        *dict.fromkeys(f"{title} has new numbers again; they had stood still since {since}" for title, since in stale),
        *(f"{text}; this run makes up for it" for text in missed),
    ]


def _bad_runs(runs: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    """One sentence for all runs that ended alike; why, by the last of them."""
    alike = dict[str, list[tuple[str, str]]]()
    for run_id, state, reason in sorted(runs):
        alike.setdefault(state, []).append((run_id, reason))
    for state, ended in alike.items():
        last, reason = ended[-1]
        if len(ended) == 1:
            yield f"run {last} had ended {state}: {reason}; this run makes up for it"
        else:
            yield (
                f"{len(ended)} runs, {ended[0][0]} to {last}, had ended {state}, the last because {reason};"
                " this run makes up for them"
            )


def went_back(run: Run) -> Iterator[str]:
    """A sentence for each feed that came as the file of an older run, after another: some caches serve what was."""
    for feed, delivery in sorted(run.deliveries.items()):
        if delivery.went_back_to:
            yield f"feed {feed} went back to the file of run {delivery.went_back_to}, which another had followed"
