"""What is answered from the views alone: tables, dates, figures and static files. A cold start pays for no more."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from chalicelib.routes.answered_state import as_download, state_headers
from chalicelib.routes.page_links import next_link
from chalicelib.routes.site import Site
from chalicelib.tabulation.bucket_labels import labels_between
from chalicelib.tabulation.row_text import csv_header
from chalicelib.tabulation.slicing import add_days, cut, first_rows
from chalicelib.web.documents import BY_ACCEPT, CSV, CURRENT, JSON, Document, Reply, json_document
from chalicelib.web.pages import fill_page
from chalicelib.web.parameters import Arguments
from chalicelib.web.problems import ThingUnknown
from chalicelib.web.requests import Request

type Responder = Callable[[Site, Arguments, Request], Reply]

_SERVED_NAME = re.compile(r"[a-z0-9-]+\.[0-9a-f]{12}\.(js|css|svg|woff2)")


def answer_table(name: str) -> Responder:
    """`/data`, `/daily`, `/weekly`, `/monthly`."""

    def answer(site: Site, args: Arguments, _request: Request) -> Reply:
        if args["lag"] is not None or args["first"] == "yes":
            from chalicelib.routes.lagged_answers import answer_lagged  # deferred: few ask for it, and it tabulates

            return answer_lagged(site, name, args)
        run_id = site.run_at(args["as_of"])
        start, end = labels_between(args["from"], args["to"], table=name, period=site.dataset.period)
        if run_id is None:
            reply = Reply(headers=CURRENT, document=_nothing(site, name, args))
        elif site.dataset.has_series:
            from chalicelib.routes.series_answers import answer_series_table  # deferred: most datasets have one series

            reply = answer_series_table(site, run_id, name, args, start=start, end=end)
        else:
            document = site.view_store.view(run_id, f"{name}.{args['format']}")
            if args.get("days") == "yes":
                document = add_days(document, json.loads(site.view_store.view(run_id, "days.json").plain)[name])
            reply = page_of(document, name, args, start=start, end=end)
        state = state_headers(run_id, args) | as_download(site.dataset.name, name, args, run_id)
        return replace(reply, headers=state | dict(reply.headers))

    return answer


def page_of(document: Document, name: str, args: Arguments, *, start: str | None, end: str | None) -> Reply:
    """The rows of a table of one series that are wanted, and the link to those behind them."""
    after = (args["after"] or "")[:10]
    begin = f"{after}~" if after and after >= (start or "") else start  # behind every row of that date
    page, following = first_rows(cut(document, start=begin, end=end), args["limit"])
    return Reply(headers=CURRENT | link_to_next(name, args, following), document=page)


def link_to_next(path: str, args: Arguments, following: str) -> dict[str, str]:
    """The link to the page behind this one, with everything else as it was asked for; none behind the last."""
    if not following:
        return {}
    names = ("from", "to", "format", "as_of", "lag", "first", "days", "series", "sort", "limit")
    kept = {name: args.get(name) for name in names}
    usual = {None, "no", "json", "series"}
    given = {name: value for name, value in kept.items() if value not in usual or (name == "series" and value)}
    return next_link(path, given | {"after": following})


def answer_date(site: Site, args: Arguments, request: Request) -> Reply:
    """`/data/{date}`: a page for people; else one object, or a list of them where the dataset has several series."""
    if request.wants_page:
        from chalicelib.routes.date_answer import answer_page  # deferred: programs need none of it

        return answer_page(site, args, request, *_histories(site, site.run_at(args["as_of"]), args))
    from shared import exact  # deferred: tables are served as they were written

    run_id = site.run_at(args["as_of"])
    history, following = _histories(site, run_id, args)
    rows = ((series, _history_row(site, series, args["date"], dates)) for series, dates in history.items())
    shown, found, more = fill_page((series, exact.dumps(row)) for series, row in rows if row)
    behind_all = site.dataset.has_series and args["after"] is not None
    if not found and not following and not behind_all:
        raise ThingUnknown("date", args["date"], f"no run ever had the date {args['date']}")
    plain = f"[{','.join(found)}]\n" if site.dataset.has_series else f"{found[0]}\n"
    link = link_to_next(args["date"], args, shown[-1] if more else following)
    headers = CURRENT | state_headers(run_id, args) | link | BY_ACCEPT
    return Reply(headers=headers, document=Document(JSON, plain=plain.encode()))


def _histories(site: Site, run_id: str | None, args: Arguments) -> tuple[Mapping[str, Any], str]:
    """Series -> its dates with all their versions; and the last series of these, where there are more behind it."""
    if run_id and site.dataset.has_series:
        from chalicelib.routes.series_answers import histories_at

        return histories_at(site, run_id, args)
    from shared import exact

    return (exact.loads(site.view_store.view(run_id, "history.json").plain) if run_id else {}), ""


def answer_figures(site: Site, args: Arguments, _request: Request) -> Reply:
    """`/figures`: the dashboard's Plotly figures."""
    run_id = site.run_at(args["as_of"])
    document = dashboard_view(site, run_id, "figures.json", args) if run_id else json_document({})
    return Reply(headers=CURRENT | state_headers(run_id, args), document=document)


def dashboard_view(site: Site, run_id: str, name: str, args: Arguments) -> Document:
    """A view of the dashboard: as it was rendered, or of the series that is asked for."""
    series = args.get("series")
    if series is None:
        return site.view_store.view(run_id, name)
    from chalicelib.routes.series_pages import series_view  # deferred: most datasets have one series

    return series_view(site, run_id, series, name)


def answer_asset(site: Site, args: Arguments, _request: Request) -> Reply:
    """`/static/{name}`: the name carries the hash, so it may be kept for ever."""
    asset = site.assets.find(args["name"])
    if asset is None and _SERVED_NAME.fullmatch(args["name"]):
        asset = site.view_store.asset(args["name"])
    if asset is None:
        raise ThingUnknown("name", args["name"], "there is no such file")
    return Reply(headers={"Cache-Control": "public, max-age=31536000, immutable"}, document=asset)


def _history_row(site: Site, series: str, date: str, dates: Mapping[str, Any]) -> dict[str, Any] | None:
    names = site.dataset.measure_names
    entries = dates.get(date)
    if not entries:
        return None

    def values(entry: Mapping[str, Any]) -> dict[str, Any]:
        return dict(zip(names, entry["values"] or [None] * len(names), strict=True))

    def change(n: int) -> str:
        if entries[n]["values"] is None:
            return "removed"
        return "added" if n == 0 or entries[n - 1]["values"] is None else "changed"

    changes_shown = [
        {"run_id": entry["run_id"], "known_from": entry["at"], "change": change(n)} | values(entry)
        for n, entry in enumerate(entries)
    ]
    head = {"date": date} | ({"series": series} if site.dataset.has_series else {})
    return head | values(entries[-1]) | {"present": entries[-1]["values"] is not None, "history": changes_shown}


def _nothing(site: Site, name: str, args: Arguments) -> Document:
    if args["format"] == "json":
        return Document(JSON, plain=b"[]\n")
    measures = site.dataset.measure_names
    header = csv_header(measures, series=site.dataset.has_series, complete=name != "data")
    header += [f"{measure}_days" for measure in measures] if args.get("days") == "yes" else []
    return Document(CSV, plain=(",".join(header) + "\n").encode())
