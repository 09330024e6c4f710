"""A check in words: a block of lines for each feed, for what the feeds have in common, and for the first run."""

from collections.abc import Iterator, Sequence

from chalicelib.checking.feed_check import FeedCheck, lone_names
from chalicelib.checking.file_looks import look_at
from chalicelib.checking.first_run import FirstRun
from chalicelib.checking.hints import hints
from chalicelib.checking.likely_partners import likely_partners
from chalicelib.feed_masks import FEEDS, partnerless
from chalicelib.tables import Table, is_null, iso_date
from shared.dataset import Dataset
from shared.errors import ContractBroken
from shared.number_words import counted

_MOST_NAMES = 20


def report(checks: Sequence[FeedCheck], run: FirstRun, dataset: Dataset) -> Iterator[str]:
    """All there is to say, line by line."""
    for check in checks:
        yield from _feed_lines(check, dataset)
    if run.merged is not None and len(checks) > 1:
        yield from _common_lines(checks, run.merged.snapshot.rows)
    yield from _run_lines(run)


def _feed_lines(check: FeedCheck, dataset: Dataset) -> Iterator[str]:
    head = f"feed {check.feed.name} ({check.feed.file_name})"
    if check.rows is not None:
        table = check.rows.table
        yield f"{head}: {counted(len(table), 'row')}, {_dates(table)}{_series(table, dataset)}"
        for name, numbers in table.values.items():
            missing = int(is_null(numbers).sum())
            yield f"  {name}: {len(numbers) - missing:,} reported, {missing:,} not"
        return
    yield f"{head}: {counted(check.faults.count, 'fault')}"
    for fault in check.faults.first:
        yield f"  {_fault(fault)}"
    if check.faults.count > len(check.faults.first):
        yield f"  and {check.faults.count - len(check.faults.first):,} more"
    for hint in hints(look_at(check.data), check.feed, dataset):
        yield f"  hint: {hint}"


def _fault(fault: ContractBroken) -> str:
    return str(fault).removeprefix(f"feed {fault.feed}").lstrip(":, ")


def _dates(table: Table) -> str:
    days = len(set(table.days.tolist()))
    return f"{counted(days, 'date')} from {iso_date(int(table.days[0]))} to {table.newest}"


def _series(table: Table, dataset: Dataset) -> str:
    if not dataset.has_series:
        return ""
    shown = ", ".join(table.names[:_MOST_NAMES])
    more = f" and {len(table.names) - _MOST_NAMES:,} more" if len(table.names) > _MOST_NAMES else ""
    return f", {counted(len(table.names), 'series')}: {shown}{more}"


def _common_lines(checks: Sequence[FeedCheck], rows: Table) -> Iterator[str]:
    names = [it.feed.name for it in checks]
    common = int((rows.values[FEEDS] == (1 << len(names)) - 1).sum())
    alone = ", ".join(f"{count:,} of {feed} lack a partner" for feed, count in partnerless(rows, names).items())
    yield f"keys: {common:,} in all feeds; {alone}"
    lone = lone_names(checks)
    for feed, own in lone.items():
        others = [name for other, many in lone.items() if other != feed for name in many]
        partners = likely_partners(own, others)
        for name in own[:_MOST_NAMES]:
            perhaps = f" (perhaps {partners[name]!r}: rename)" if name in partners else ""
            yield f"  {name!r} is in {feed} alone{perhaps}"
        if len(own) > _MOST_NAMES:
            yield f"  and {len(own) - _MOST_NAMES:,} more in {feed} alone"


def _run_lines(run: FirstRun) -> Iterator[str]:
    if run.rejected:
        yield f"a first run would be REJECTED: {run.rejected}"
        return
    yield f"a first run would be COMMITTED with {counted(len(run.rows), 'row')}, {_dates(run.rows)}"
    for warning in run.warnings:
        yield f"  warning: {warning}"
    for note in run.notes:
        yield f"  note: {note}"
