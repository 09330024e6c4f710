"""`/data/{date}` for people: what it was, when it changed, by how much, by which run and file."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote, urlencode

from markupsafe import Markup

from chalicelib.pages.formatting import date as date_text
from chalicelib.routes.page_frame import answer_with, frame
from chalicelib.routes.site import Site
from chalicelib.tabulation.histories import Entry
from chalicelib.vintage_pages.course_line import course_line
from chalicelib.vintage_pages.date_story import chapters, standings
from chalicelib.web.documents import Reply
from chalicelib.web.parameters import Arguments
from chalicelib.web.problems import ThingUnknown
from chalicelib.web.requests import Request
from shared.dataset import ONE_SERIES, Period
from shared.errors import ItemMalformed, UnknownRun
from shared.runs import Run

_READERS = 8
_MOST_LISTED = 60
"""Runs of one date that are looked up, the newest; of older ones the page says what they changed and no more."""

type Histories = Mapping[str, Mapping[str, Sequence[Entry]]]
"""Series -> date -> its versions, oldest first."""


def answer_page(site: Site, args: Arguments, request: Request, history: Histories, following: str) -> Reply:
    """`following`: the last series of this page, where there are more behind it."""
    of = {name: entries for name, dates in history.items() if (entries := dates.get(args["date"]))}
    if site.dataset.has_series and args.get("series") is None and of:
        return answer_with("date_of_series.html", _of_series(site, of, args, following) | _frame(site, args, request))
    if not of:
        raise ThingUnknown("date", args["date"], f"no run ever had the date {args['date']}")
    series, entries = next(iter(of.items()))
    return answer_with("date.html", _of_date(site, args, series, entries) | _frame(site, args, request))


def _of_date(site: Site, args: Arguments, series: str, entries: Sequence[Entry]) -> dict[str, Any]:
    runs = _runs(site, [entry["run_id"] for entry in entries[-_MOST_LISTED:]])
    notes = site.ledger().annotations()
    chosen = {"from": args["date"], "to": args["date"]} | ({"series": series} if series != ONE_SERIES else {})
    return {
        "chapters": chapters(entries, site.dataset, runs),
        "standings": standings(_while_present(entries), site.dataset),
        "present": entries[-1]["values"] is not None,
        "until": f"{args['as_of']}T23:59:59Z" if args["as_of"] else site.view_store.current() or entries[-1]["at"],
        "course_line": course_line,
        "notes": [note.text for note in notes if note.date == args["date"] and note.series in ("", series)],
        "notes_on": lambda run_id: [note.text for note in notes if note.about == run_id],
        "rows": "rows" if site.dataset.has_series else f"{site.dataset.period}s",
        "vintages_query": urlencode(chosen, quote_via=quote),
    }


def _while_present(entries: Sequence[Entry]) -> Sequence[Entry]:
    """Without removals at the end: the last values there were."""
    return _while_present(entries[:-1]) if len(entries) > 1 and entries[-1]["values"] is None else entries


def _of_series(site: Site, of: Mapping[str, Sequence[Entry]], args: Arguments, following: str) -> dict[str, Any]:
    kept = {"as_of": args["as_of"]} if args["as_of"] else {}
    return {
        "series": [
            {
                "name": name,
                "query": urlencode({"series": name} | kept, quote_via=quote),
                "numbers": entries[-1]["values"] or [None] * len(site.dataset.measures),
                "versions": len(entries),
                "known_from": entries[-1]["at"],
            }
            for name, entries in of.items()
        ],
        "following": urlencode(kept | {"after": following}, quote_via=quote) if following else "",
    }


def _frame(site: Site, args: Arguments, request: Request) -> dict[str, Any]:
    series, day = args.get("series"), args["as_of"]
    whose = f"{series}, " if series else ""
    notices = []
    if day:
        notices.append(Markup("This is what was known at the end of {}.").format(date_text(day)))
    title, about = f"{whose}{args['date']}", f"the numbers of {args['date']}, and every change of them."
    return frame(site, request, title=title, about=about, up="../", kept=args, notices=notices) | {
        "period": site.dataset.period,
        "heading": Markup("{}{}").format(whose, _heading(args["date"], site.dataset.period)),
    }


def _heading(iso: str, period: Period) -> Markup:
    style = "month-long" if period is Period.MONTH else "long"
    text = date_text(iso, style=style)
    return Markup("Week to {}").format(text) if period is Period.WEEK else text


def _runs(site: Site, run_ids: Iterable[str]) -> dict[str, Run]:
    """Those that the ledger has, by id."""
    ledger = site.ledger()

    def get(run_id: str) -> Run | None:
        try:
            return ledger.get(run_id)
        except (UnknownRun, ItemMalformed):
            return None

    with ThreadPoolExecutor(_READERS) as readers:
        return {run.run_id: run for run in readers.map(get, dict.fromkeys(run_ids)) if run}
