"""Tables with `lag` or `first`: put together from the table of vintages when they are asked for, and kept."""

import csv
import functools
import io
from collections.abc import Mapping, Sequence

from chalicelib.routes.answered_state import as_download, state_headers
from chalicelib.routes.site import Site
from chalicelib.routes.table_answers import link_to_next
from chalicelib.routes.vintage_answers import checked, directory_of
from chalicelib.tabulation.bucket_labels import labels_between
from chalicelib.tabulation.row_text import csv_header, defused
from chalicelib.tabulation.table_text import to_json
from chalicelib.tabulation.tabulating import tabulate
from chalicelib.vintages.lagged import Dates, LaggedRow, When, as_json, bucket_rows, published_rows
from chalicelib.vintages.version_table import Version
from chalicelib.web.documents import CSV, CURRENT, JSON, Document, Reply
from chalicelib.web.pages import fill_page
from chalicelib.web.parameters import Arguments
from chalicelib.web.problems import ParametersExclusive
from shared import exact
from shared.dataset import Dataset
from shared.runs import run_id_at

_DAYS = "_days"
"""What the names of columns end in that say how many days a number stands for; no measure's name does."""


def answer_lagged(site: Site, name: str, args: Arguments) -> Reply:
    """A table with `lag` or `first`: combined with each other or with `as_of` they are refused."""
    chosen = [it for it in ("as_of", "lag", "first") if args.get(it) not in (None, "no")]
    if len(chosen) > 1:
        raise ParametersExclusive(chosen, "each says by itself at what time a date's value counts")
    run_id, lag = site.view_store.current(), args["lag"]
    series, _ = checked(site, run_id, args)
    today = run_id_at(site.now())[:10] if lag is not None else "9"
    with_days = args.get("days") == "yes"
    rows = _lagged_rows(site, run_id, name, series, lag, today) if run_id else ()
    if not with_days:
        rows = [{field: value for field, value in row.items() if not field.endswith(_DAYS)} for row in rows]
    start, end = labels_between(args["from"], args["to"], table=name, period=site.dataset.period)
    behind = (args["after"] or "")[:10], (args["after"] or "")[11:]
    among_several = site.dataset.has_series and series is None
    page, following = _page(rows, start or "", end or "~", behind, limit=args["limit"], among_several=among_several)
    state = state_headers(run_id, args) | as_download(site.dataset.name, name, args, run_id)
    headers = CURRENT | state | link_to_next(name, args, following)
    if args["format"] == "json":
        return Reply(headers=headers, document=Document(JSON, plain=as_json(page)))
    return Reply(headers=headers, document=_as_csv(page, site.dataset, complete=name != "data", days=with_days))


def _page(
    rows: Sequence[LaggedRow], start: str, end: str, behind: tuple[str, str], *, limit: int | None, among_several: bool
) -> tuple[Sequence[LaggedRow], str]:
    """The rows from `start` to `end` behind a date and series, as many as an answer may have, and behind which row the
    next page begins; empty behind the last.

    `among_several`: whether a date has a row for each of several series.
    """

    def place(row: LaggedRow) -> tuple[str, str]:
        return str(row["date"]), str(row["series"]) if among_several else ""

    wanted = (row for row in rows if start <= str(row["date"]) <= end and place(row) > behind)
    shown, _, more = fill_page(((row, exact.dumps(row)) for row in wanted), limit=limit)
    return shown, " ".join(filter(None, place(shown[-1]))) if more else ""


@functools.lru_cache(maxsize=16)
def _lagged_rows(
    site: Site, run_id: str, name: str, series: str | None, lag: int | None, day: str
) -> Sequence[LaggedRow]:
    """`day` is today: what was worked out is kept until midnight."""
    directory_of(site, run_id)
    dates: dict[str, list[Version]] = {}
    for version in site.vintages().select(run_id, series=series):
        dates.setdefault(version.series, []).append(version)
    found = {key: Dates(versions) for key, versions in dates.items()}
    when = When(lag=lag, now=f"{day}T00:00:00Z" if day != "9" else day)
    if name == "data":
        return published_rows(found, when, site.dataset)
    return bucket_rows(name, found, when, site.dataset, tabulate=_tables)


def _tables(snapshot: bytes, dataset: Dataset) -> Mapping[str, Sequence[LaggedRow]]:
    tables = tabulate(snapshot, dataset)
    rows: dict[str, Sequence[LaggedRow]] = {name: exact.loads(to_json(table)) for name, table in tables.items().items()}
    for name, table in tables.increments().items():
        days = table.days or {}
        spans = zip(*days.values(), strict=True)
        names = [f"{measure}{_DAYS}" for measure in days]
        rows[name] = [{**row, **dict(zip(names, its, strict=True))} for row, its in zip(rows[name], spans, strict=True)]
    return rows


def _as_csv(rows: Sequence[LaggedRow], dataset: Dataset, *, complete: bool, days: bool) -> Document:
    names = csv_header(dataset.measure_names, series=dataset.has_series, complete=complete)
    names += [f"{measure}{_DAYS}" for measure in dataset.measure_names] if days else []
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(
        [_cell(name, row.get(name, True if name == "complete" else None)) for name in names] for row in rows
    )
    return Document(CSV, plain=out.getvalue().encode())


def _cell(name: str, value: object) -> object:
    if name == "series":
        return defused(str(value))
    return str(value).lower() if isinstance(value, bool) else value
