"""The parts of the dashboard that are known only when somebody asks: what ran since, and what is due."""

from collections.abc import Mapping, Sequence
from itertools import islice
from urllib.parse import quote

from chalicelib.dashboard.formatting import count, date, moment, text
from chalicelib.dashboard.placeholders import AND_AS_OF, AS_OF_FIELD, AS_OF_VALUE, FRESHNESS, NOTICE, QUERY_AS_OF, RUNS
from chalicelib.routes.site import Site
from chalicelib.routes.table_answers import dashboard_view
from chalicelib.web.documents import HTML, Document, Reply
from chalicelib.web.parameters import Arguments
from chalicelib.web.requests import Request
from shared.ledger.items import Annotation
from shared.runs import Run, State, parse_time
from shared.schedule import next_due

RUNS_LISTED = 14

_EMPTY_STYLE = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="  # checkov:skip=CKV_SECRET_6: the hash of nothing
"""The hash of nothing: Plotly adds an empty style element and fills it rule by rule, which needs no 'unsafe-inline'."""

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        f"style-src 'self' '{_EMPTY_STYLE}'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "public, max-age=0, s-maxage=60, stale-while-revalidate=60",
}

_WORDS = {
    State.COLLECTING: "collecting",
    State.MERGING: "merging",
    State.COMMITTED: "committed",
    State.UNCHANGED: "nothing new",
    State.REJECTED: "rejected",
    State.SUPERSEDED: "superseded",
    State.FAILED: "failed",
    State.INCOMPLETE: "incomplete",
}


def answer_dashboard(site: Site, args: Arguments, request: Request) -> Reply:
    """`/`: the page of the served run, or of the one that was the head at the end of a day."""
    if not request.stage_path.endswith("/"):
        return Reply(status=308, headers={"Location": f"./{request.stage_path.rpartition('/')[2]}/"})
    day = args["as_of"]
    run_id = site.run_at(day)
    page = dashboard_view(site, run_id, "dashboard.html", args).text if run_id else _empty_page(site)
    upto = f"{day}T23:59:59Z" if day else "9"
    runs = list(islice(site.ledger().newest_first(upto=upto, page=RUNS_LISTED), RUNS_LISTED))
    filled = fill(page, site, runs, day, run_id, series=args.get("series") or "")
    return Reply(headers=HEADERS, document=Document(HTML, plain=filled.encode()))


def _empty_page(site: Site) -> str:
    from chalicelib.dashboard.page import render_empty_page  # deferred: needed until the first commit only

    return render_empty_page(site.dataset, site.assets)


def fill(page: str, site: Site, runs: Sequence[Run], day: str | None, run_id: str | None, *, series: str = "") -> str:
    fillings = {
        QUERY_AS_OF: f"?as_of={day}" if day else "",
        AND_AS_OF: f"&amp;as_of={day}" if day else "",
        AS_OF_VALUE: day or "",
        AS_OF_FIELD: f'<input type="hidden" name="as_of" value="{day}">' if day else "",
        NOTICE: _operators_notice(site.settings.notice) + (_notice(day, run_id) if day else ""),
        FRESHNESS: _freshness(site, runs) + _standing_still(site, runs, run_id) + _how_final(site, run_id, series),
        RUNS: operators_notes(site, runs, day, series) + _runs(runs),
    }
    for placeholder, filling in fillings.items():
        page = page.replace(placeholder, filling)
    return page


def _operators_notice(notice: str) -> str:
    return f'<aside class="notice" role="note"><p>{text(notice)}</p></aside>' if notice else ""


def _notice(day: str, run_id: str | None) -> str:
    known = f"by the run of {moment(run_id)}" if run_id else "nothing yet"
    return (
        f'<aside class="notice" role="note"><p>This is what was known at the end of {date(day)}: {known}.'
        ' <a href=".">Back to the latest</a></p></aside>'
    )


def _freshness(site: Site, runs: Sequence[Run]) -> str:
    if not runs:
        return ""
    newest = runs[0]
    due = next_due(site.dataset.schedule or site.settings.schedule, after=parse_time(newest.run_id))
    facts = [
        ("Last run", f'{moment(newest.run_id)} <span class="ago" data-since="{newest.run_id}"></span>'),
        ("It found", _words(newest, several=site.dataset.has_series)),
        ("Next run due", moment(due.strftime("%Y-%m-%dT%H:%M:%SZ")) if due else ""),
    ]
    return "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts if value)


def _standing_still(site: Site, runs: Sequence[Run], run_id: str | None) -> str:
    """Feeds whose used rows were the same for long when the last run looked, and since when."""
    since: Mapping[str, str] = next((run.summary["rows_since"] for run in runs if run.summary.get("rows_since")), {})
    if not since and run_id:
        since = site.ledger().get(run_id).summary.get("rows_since", {})
    facts = []
    for feed in site.dataset.feeds:
        if feed.name in since and runs:
            days = (parse_time(runs[0].run_id).date() - parse_time(since[feed.name]).date()).days
            if days >= site.dataset.stale_after_days[0]:
                facts.append(f"{text(feed.title)} since {date(since[feed.name][:10])} ({count(days, 'day')})")
    return f'<div class="stopped"><dt>Numbers stand still</dt><dd>{"; ".join(facts)}</dd></div>' if facts else ""


def _how_final(site: Site, run_id: str | None, series: str) -> str:
    """What usually becomes of values like those shown; nothing where too few have been followed."""
    from chalicelib.routes.outlook_answers import newest_in_words  # deferred: brings the reading of vintages

    words = newest_in_words(site, run_id, series or None) if run_id else {}
    return "".join(
        f'<div class="final"><dt>{text(measure.label)}</dt><dd>{text(words[measure.name])}</dd></div>'
        for measure in site.dataset.measures
        if measure.name in words
    )


def _words(run: Run, *, several: bool) -> str:
    word = _WORDS[run.state]
    if run.state is State.COMMITTED:
        new = "new row" if several else "new date"
        return f"{count(run.added, new)}, {run.changed:,} changed, {run.removed:,} removed"
    return f"{word}: {text(run.reason)}" if run.reason else word


def operators_notes(site: Site, runs: Sequence[Run], day: str | None, series: str) -> str:
    """What operators wrote down, the newest date first; `data-note` is where the chart has its line."""
    if not runs:
        return ""
    known = [note for note in site.ledger().annotations() if note.time[:10] <= (day or "9")]
    notes = [note for note in known if note.series in ("", series)]
    notes.sort(key=lambda note: note.about, reverse=True)
    items = "".join(
        f'<li data-note="{note.about[:10]}"><a href="{_address(note)}">{date(note.about[:10])}</a>'
        f"{f', {text(note.series)}' if note.series else ''}: {text(note.text)}</li>"
        for note in notes[:RUNS_LISTED]
    )
    return f'<h3>What the operators know of them</h3><ul class="notes">{items}</ul>' if items else ""


def _address(note: Annotation) -> str:
    if not note.date:
        return f"runs/{note.about}"
    return f"data/{note.date}" + (f"?series={quote(note.series, safe='')}" if note.series else "")


def _runs(runs: Sequence[Run]) -> str:
    if not runs:
        return "<p>No run yet.</p>"
    rows = "".join(_row(run) for run in runs)
    return f"""<div class="scroll" tabindex="0" role="region" aria-label="The list of runs">
  <table class="runs"><caption class="unseen">The last runs, newest first</caption>
  <thead><tr><th scope="col">Run</th><th scope="col" class="words">State</th><th scope="col">Added</th>
  <th scope="col">Changed</th><th scope="col">Removed</th></tr></thead>
  <tbody>{rows}</tbody></table></div>
  <p class="actions"><a href="runs">All runs as JSON</a> · <a href="changes.atom">Follow as Atom feed</a></p>"""


def _row(run: Run) -> str:
    """A reason goes below its run: beside it, a phone would hide it."""
    counts = (
        f"<td>{run.added:,}</td><td>{run.changed:,}</td><td>{run.removed:,}</td>"
        if run.state in (State.COMMITTED, State.UNCHANGED)
        else "<td></td><td></td><td></td>"
    )
    row_class, rows = (' class="told"', 2) if run.reason else ("", 1)
    below = f'<tr><td class="words reason" colspan="4">{text(run.reason)}</td></tr>' if run.reason else ""
    return (
        f'<tr{row_class}><th scope="row" rowspan="{rows}"><a href="runs/{run.run_id}">'
        f"{moment(run.run_id, style='moment-short')}</a></th>"
        f'<td class="words"><span class="state {run.state.lower()}">{_WORDS[run.state]}</span></td>{counts}</tr>{below}'
    )
