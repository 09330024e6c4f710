"""What is answered of a dataset with several series: tables of one or of all, the list of series, dates' histories."""

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chalicelib.routes.answered_state import file_name, state_headers
from chalicelib.routes.site import Site
from chalicelib.routes.table_answers import link_to_next, page_of
from chalicelib.series_store.freshness import periods_behind
from chalicelib.series_store.series_index import INDEX, SeriesEntry, SeriesIndex, TableBlock, series_object
from chalicelib.series_store.whole_tables import Part, csv_page, csv_pieces, json_page
from chalicelib.tabulation.row_text import csv_header, defused, join_json
from chalicelib.tabulation.slicing import add_days
from chalicelib.web.documents import CSV, CURRENT, JSON, NEVER, Document, Reply
from chalicelib.web.pages import fill_page
from chalicelib.web.parameters import Arguments
from chalicelib.web.problems import ThingUnknown
from shared.exact import dumps, loads

DIRECT_BYTES = 4_000_000
"""CSV up to so large is answered; what is larger S3 gives itself."""
_READERS = 16
_HISTORIES = 500
"""Series whose histories of a date are on a page where the request does not say."""


def index_at(site: Site, run_id: str) -> SeriesIndex:
    return _read_index(site.view_store.view(run_id, INDEX))


@functools.lru_cache(maxsize=4)
def _read_index(document: Document) -> SeriesIndex:
    return SeriesIndex.from_json(document.plain)


def entry_at(site: Site, run_id: str, series: str) -> SeriesEntry:
    """Raises ThingUnknown, a 404."""
    index = index_at(site, run_id)
    entry = index.series.get(series)
    if entry is None:
        raise ThingUnknown("series", series, f"{site.dataset.name} has no series {series!r}; /series lists all")
    return entry


def series_document(site: Site, run_id: str, series: str, name: str) -> Document:
    """A document of one series (`daily.json`)."""
    entry = entry_at(site, run_id, series)
    return site.view_store.bundle(entry.run_id, series_object(series))[name]


def answer_series_table(
    site: Site, run_id: str, table: str, args: Arguments, *, start: str | None, end: str | None
) -> Reply:
    """A table of one series, or of all: a page as JSON, or all of it as CSV."""
    if args.get("series") is not None:
        document = series_document(site, run_id, args["series"], f"{table}.{args['format']}")
        if args.get("days") == "yes":
            days = json.loads(series_document(site, run_id, args["series"], "days.json").plain)
            document = add_days(document, days[table])
        return page_of(document, table, args, start=start, end=end)
    index, measures = index_at(site, run_id), site.dataset.measure_names
    after = args["after"] or ""
    part = Part(
        blocks=index.blocks.get(table, ()),
        start=start or "",
        end=end or "~",
        after=(after[:10], after[11:]),
        days=measures if args.get("days") == "yes" else (),
    )
    if args["format"] == "csv" and not (args["limit"] or after):
        return _csv_of_all(site, run_id, table, part, index, args)
    form = csv_page if args["format"] == "csv" else json_page
    read = functools.partial(_read_block, site, keep=True)
    rows, following = form(part, measures, read, limit=args["limit"])
    plain = join_json(rows) if args["format"] == "json" else "".join([_header(site, table, part), *rows])
    document = Document(JSON if args["format"] == "json" else CSV, plain=plain.encode())
    return Reply(headers=CURRENT | link_to_next(table, args, following), document=document)


def _csv_of_all(site: Site, run_id: str, table: str, part: Part, index: SeriesIndex, args: Arguments) -> Reply:
    risky = frozenset(name for name in index.series if defused(name) != name)
    pieces = csv_pieces(part, _header(site, table, part), functools.partial(_read_block, site, keep=False), risky=risky)
    if part.size <= DIRECT_BYTES:
        return Reply(headers=CURRENT, document=Document(CSV, plain="".join(pieces).encode()))
    bounds = [str(it) for it in (args["from"], args["to"], "days" if part.days else None) if it]
    stem = "-".join([table, *bounds])
    address = site.view_store.file_address(
        run_id, f"{stem}.csv", pieces, file_name=file_name(site.dataset.name, table, args, run_id)
    )
    return Reply(status=302, headers=NEVER | {"Location": address})


def _header(site: Site, table: str, part: Part) -> str:
    names = csv_header(site.dataset.measure_names, series=True, complete=table != "data")
    return ",".join([*names, *(f"{name}_days" for name in part.days)]) + "\n"


def _read_block(site: Site, block: TableBlock, *, keep: bool) -> Mapping[str, Document]:
    return site.view_store.bundle(block.run_id, block.name, keep=keep)


def answer_series(site: Site, args: Arguments, _request: object) -> Reply:
    """`/series`: each series with its newest numbers, sorted as asked."""
    run_id = site.run_at(args["as_of"])
    index = index_at(site, run_id) if run_id and site.dataset.has_series else None
    names = _sorted(index, args["sort"]) if index else []
    if args["after"]:
        names = names[names.index(args["after"]) + 1 :] if args["after"] in names else []
    newest = index.newest if index else ""
    written = ((name, dumps(_as_row(site, index, name, newest=newest))) for name in names) if index else ()
    shown, rows, more = fill_page(written, limit=args["limit"])
    following = shown[-1] if more else ""
    return Reply(
        headers=CURRENT | state_headers(run_id, args) | link_to_next("series", args, following),
        document=Document(JSON, plain=join_json(rows).encode()),
    )


def _as_row(site: Site, index: SeriesIndex, name: str, *, newest: str) -> dict[str, Any]:
    entry, measures = index.series[name], site.dataset.measure_names
    return (
        {"series": name, "total": site.dataset.is_total(name), "date": entry.newest}
        | {"behind": periods_behind(entry.newest, newest, site.dataset.period), "rows": entry.rows}
        | dict(zip(measures, entry.values, strict=True))
        | {"changes": dict(zip(measures, entry.changes, strict=True))}
        | {"days": dict(zip(measures, entry.days, strict=True))}
        | {"line": list(entry.line), "changed_by": entry.run_id}
    )


def _sorted(index: SeriesIndex, order: str) -> list[str]:
    """Names of series with rows; where a number is missing, last."""
    key, names = order.removeprefix("-"), index.present
    if key == "series":
        return names[::-1] if order.startswith("-") else names
    if key == "date":
        return sorted(names, key=lambda name: index.series[name].newest, reverse=order.startswith("-"))
    numbers = {name: getattr(index.series[name], {"value": "values", "change": "changes"}[key])[0] for name in names}
    known = [name for name in names if numbers[name] is not None]
    known.sort(key=lambda name: numbers[name], reverse=order.startswith("-"))
    return [*known, *(name for name in names if numbers[name] is None)]


def histories_at(site: Site, run_id: str, args: Arguments) -> tuple[dict[str, Any], str]:
    """Series -> its dates with all their entries: of the series that is asked for, or of a page of all.

    And the name of the last, where there are more behind it.
    """
    if args.get("series") is not None:
        names = [args["series"]]
        entry_at(site, run_id, names[0])
    else:
        names = [name for name in index_at(site, run_id).series if name > (args["after"] or "")]
    shown = names[: args["limit"] or _HISTORIES]
    return dict(_histories(site, run_id, shown)), shown[-1] if len(names) > len(shown) else ""


def _histories(site: Site, run_id: str, names: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    from concurrent.futures import ThreadPoolExecutor  # deferred: a table needs none of it

    with ThreadPoolExecutor(_READERS) as readers:
        documents = readers.map(lambda name: series_document(site, run_id, name, "history.json"), names)
        yield from ((name, loads(document.plain)) for name, document in zip(names, documents, strict=True))
