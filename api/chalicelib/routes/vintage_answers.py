"""`/vintages`: every value that ever was, a page of it or the whole, from the table that a commit wrote."""

import functools
from collections.abc import Iterator
from typing import Any

from chalicelib.routes.answered_state import as_download, file_name, state_headers
from chalicelib.routes.page_links import next_link
from chalicelib.routes.site import Site
from chalicelib.tabulation.row_text import join_json
from chalicelib.vintages.lagged import LaggedRow
from chalicelib.vintages.version_lines import Columns, VersionPlace, header, lines, place_of
from chalicelib.vintages.version_table import Version, of_measure
from chalicelib.web.documents import CSV, CURRENT, JSON, Document, Reply
from chalicelib.web.pages import fill_page
from chalicelib.web.parameters import Arguments
from chalicelib.web.problems import ThingUnknown, ViewsMissing
from chalicelib.web.requests import Request
from shared.exact import dumps

PAGE = 1000
"""Versions on a page of JSON, where the request does not say."""
DIRECT = 1_000_000
"""Bytes of packed CSV that are answered; what is larger S3 gives itself."""
_SECONDS = 300
"""How long the address of a large table can be used."""


def answer_vintages(site: Site, args: Arguments, _request: Request) -> Reply:
    """`/vintages`: every value that ever was, and from when to when it was known."""
    run_id = site.view_store.current()
    series, measure = checked(site, run_id, args)
    if run_id is None:
        empty = b"[]\n" if args["format"] == "json" else header(Columns.of(site.dataset)).encode()
        headers = CURRENT | state_headers(None, args) | as_download(site.dataset.name, "vintages", args, None)
        return Reply(headers=headers, document=Document(_MEDIA[args["format"]], plain=empty))
    bounds = {name: args[name] for name in ("from", "to", "known_since", "after", "limit")}
    if args["format"] == "csv" and not (series or measure or any(bounds.values())):
        return _whole(site, run_id, args)
    limit = args["limit"] or (PAGE if args["format"] == "json" else None)
    document, last = _page(
        site,
        run_id,
        series,
        args["from"],
        args["to"],
        measure,
        args["known_since"],
        args["after"],
        limit,
        args["format"],
    )
    chosen = {name: args.get(name) for name in ("series", "from", "to", "measure", "known_since")}
    chosen |= {"format": args["format"] if args["format"] != "json" else None, "limit": args["limit"], "after": last}
    link = next_link("vintages", chosen, safe=":") if last else {}
    state = state_headers(run_id, args) | as_download(site.dataset.name, "vintages", args, run_id)
    return Reply(headers=CURRENT | state | link, document=document)


_MEDIA = {"json": JSON, "csv": CSV}


def _whole(site: Site, run_id: str, args: Arguments) -> Reply:
    directory, state = directory_of(site, run_id), state_headers(run_id, args)
    name = file_name(site.dataset.name, "vintages", args, run_id)
    if directory.length > DIRECT:
        address = site.vintages().address(run_id, seconds=_SECONDS, file_name=name)
        return Reply(status=307, headers=state | {"Location": address, "Cache-Control": "private, max-age=60"})
    headers = CURRENT | state | {"Content-Disposition": f'attachment; filename="{name}"'}
    return Reply(headers=headers, document=_whole_document(site, run_id))


@functools.lru_cache(maxsize=4)
def _whole_document(site: Site, run_id: str) -> Document:
    packed = site.vintages().whole(run_id)
    if packed is None:
        raise ViewsMissing(run_id)
    return Document(CSV, packed=packed)


@functools.lru_cache(maxsize=64)
def _page(
    site: Site,
    run_id: str,
    series: str | None,
    start: str | None,
    end: str | None,
    measure: int | None,
    since: str | None,
    after: VersionPlace | None,
    limit: int | None,
    form: str,
) -> tuple[Document, str | None]:
    """A page, and where the next one begins after; None where there is none."""
    directory_of(site, run_id)
    begin = (after[0], after[1], "") if after else None  # from the key's first version on: neighbours may become one
    found: Iterator[Version] = site.vintages().select(run_id, series=series, start=start, end=end, after=begin)
    columns = Columns.of(site.dataset)
    if measure is not None:
        found = of_measure(found, measure)
        columns = columns._replace(measures=columns.measures[measure : measure + 1])
    found = (it for it in found if (not after or place_of(it) > after) and (not since or it.known_from >= since))

    def written(version: Version) -> str:
        return "".join(lines([version], columns)) if form == "csv" else dumps(_as_row(version, columns))

    shown, texts, more = fill_page(((it, written(it)) for it in found), limit=limit)
    last = _cursor(shown[-1]) if more else None
    if form == "csv":
        return Document(CSV, plain=(header(columns) + "".join(texts)).encode()), last
    return Document(JSON, plain=join_json(texts).encode()), last


def _as_row(version: Version, columns: Columns) -> LaggedRow:
    values = version.values or (None,) * len(columns.measures)
    return {
        "date": version.date,
        **({"series": version.series} if columns.has_series else {}),
        **dict(zip(columns.measures, values, strict=True)),
        "present": version.values is not None,
        "run_id": version.run_id,
        "known_from": version.known_from,
        "next_run_id": version.next_run_id or None,
        "known_to": version.known_to or None,
    }


def _cursor(version: Version) -> str:
    return f"{version.known_from}/{version.date}/{version.series}"


def directory_of(site: Site, run_id: str) -> Any:
    directory = site.vintages().directory(run_id)
    if directory is None:
        raise ViewsMissing(run_id)
    return directory


def checked(site: Site, run_id: str | None, args: Arguments) -> tuple[str | None, int | None]:
    """The series and the place of the measure. Raises a problem for what is not there."""
    series, measure = args.get("series"), args.get("measure")
    names = site.dataset.measure_names
    if measure is not None and measure not in names:
        raise ThingUnknown("measure", measure, f"there is no measure {measure!r}; there are {', '.join(names)}")
    if series is not None and (run_id is None or not _has_series(site, run_id, series)):
        raise ThingUnknown("series", series, f"there is no series {series!r}")
    return series, None if measure is None else names.index(measure)


@functools.lru_cache(maxsize=256)
def _has_series(site: Site, run_id: str, series: str) -> bool:
    return next(site.vintages().select(run_id, series=series), None) is not None
