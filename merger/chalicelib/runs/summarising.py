"""What a committed run says about itself (`shared.summary`): small, whatever the size of the change."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from chalicelib.comparing.differences import changed_rows
from chalicelib.comparing.full_merge import Merged
from chalicelib.tables import NULL, Table
from shared.summary import LISTED, Summary


def summarise(merged: Merged, *, warnings: Sequence[str], recovered: Sequence[str], with_series: bool) -> Summary:
    """The newest entries of each list, the newest date's numbers, and what people should know besides."""
    changes, rows = merged.changes, merged.snapshot.reported
    first_load = merged.rows_before == 0
    newest = slice(-LISTED, None)
    return Summary(
        latest=_totals(rows, with_series=with_series),
        latest_increments=_total_increments(rows),
        rows=len(rows),
        first_load=first_load,
        added=[] if first_load else _with_increments(changes.added.take(newest), rows, with_series=with_series),
        changed=list(changed_rows(changes.before.take(newest), changes.after.take(newest), with_series=with_series)),
        removed=list(changes.removed.take(newest).rows(with_series=with_series)),
        warnings=_capped(warnings),
        recovered=_capped(recovered),
    )


def _capped(sentences: Sequence[str]) -> list[str]:
    more = len(sentences) - LISTED
    return [*sentences[:LISTED], f"and {more} more"] if more > 0 else list(sentences)


def _last_dates(rows: Table, count: int) -> list[Table]:
    """The rows of the newest dates, newest first."""
    dates: list[Table] = []
    end = len(rows)
    while end and len(dates) < count:
        start = int(np.searchsorted(rows.days[:end], rows.days[end - 1]))
        dates.append(rows.take(slice(start, end)))
        end = start
    return dates


def _sums(rows: Table) -> dict[str, int | None]:
    return {
        measure: int(numbers[numbers != NULL].sum()) if (numbers != NULL).any() else None
        for measure, numbers in rows.values.items()
    }


def _totals(rows: Table, *, with_series: bool) -> dict[str, Any]:
    [newest, *_] = _last_dates(rows, 1)
    series = {"series": f"{len(newest)} series"} if with_series else {}
    return series | {"date": rows.newest} | _sums(newest)


def _total_increments(rows: Table) -> dict[str, int | None]:
    """Newest date minus the one before; the first date's increment is its own count."""
    now, *before = [_sums(table) for table in _last_dates(rows, 2)]
    return _minus(now, before[0] if before else None)


def _minus(now: Mapping[str, int | None], before: Mapping[str, int | None] | None) -> dict[str, int | None]:
    if before is None:
        return dict(now)
    return {name: _difference(number, before[name]) for name, number in now.items()}


def _difference(now: int | None, before: int | None) -> int | None:
    return None if now is None or before is None else now - before


def _with_increments(added: Table, rows: Table, *, with_series: bool) -> list[dict[str, Any]]:
    names = rows.names
    return [
        row | {"increments": _increments(row, _before(rows, names.index(row.get("series", names[0])), key))}
        for row, key in zip(added.rows(with_series=with_series), added.keys.tolist(), strict=True)
    ]


def _before(rows: Table, code: int, key: int) -> dict[str, Any] | None:
    """The row of the present date before, of the same series."""
    places = np.flatnonzero((rows.codes == code) & (rows.days < key >> 32))
    if not len(places):
        return None
    return next(rows.take(places[-1:]).rows(with_series=False))


def _increments(row: Mapping[str, Any], before: Mapping[str, Any] | None) -> dict[str, int | None]:
    measures = {name: number for name, number in row.items() if name not in ("date", "series")}
    return _minus(measures, before)


def recoveries(
    bad_runs: Iterable[tuple[str, str, str]], stale: Iterable[tuple[str, str]], missed: Iterable[str]
) -> list[str]:
    """Sentences for what is over since the last digest.

    That is: runs that ended badly (id, state, reason), stale feeds (title, since), missed runs (as announced).
    """
    return [
        *(f"run {run_id} had ended {state}: {reason}; this run makes up for it" for run_id, state, reason in bad_runs),
        *dict.fromkeys(
            f"{title} has published again; its file had been the same since {since}" for title, since in stale
        ),
        *(f"{text}; this run makes up for it" for text in missed),
    ]
