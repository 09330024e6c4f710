"""The parts of the dashboard that are known only when somebody asks: what ran since, and what is due.

They are a few lines, written with `Markup`, which escapes what is put into it: the engine that the rest of the page is
rendered with takes longer to import than this takes to answer.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import islice
from urllib.parse import quote

from markupsafe import Markup, escape

from chalicelib.dashboard.placeholders import (
    ADDRESS,
    ADDRESS_IN_JSON,
    AND_AS_OF,
    AS_OF_FIELD,
    AS_OF_VALUE,
    FRESHNESS,
    MAIL,
    NOTICE,
    QUERY_AS_OF,
    RUNS,
    VISITS,
)
from chalicelib.pages.formatting import count, date, moment, words
from chalicelib.pages.inline_parts import allowed_by
from chalicelib.pages.mail_form import mail_section
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


def policy(*, style: str = "", script: str = "", framed_by: str = "'none'") -> str:
    """What a page may load and do. `style` and `script`: hashes of those within the page, quoted."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(filter(None, ["'self'", script]))}",
            f"style-src {' '.join(filter(None, ["'self'", f"'{_EMPTY_STYLE}'", style]))}",
            "img-src 'self' data: blob:",
            "font-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            f"frame-ancestors {framed_by}",
        ]
    )


HEADERS = {
    "Content-Security-Policy": policy(),
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


VISITS_SHOWN = Markup('<p class="visits"><img src="visits.svg" height="24" alt="Number of visits"> visits</p>')


def answer_dashboard(site: Site, args: Arguments, request: Request) -> Reply:
    """`/`: the page of the served run, or of the one that was the head at the end of a day."""
    if not request.stage_path.endswith("/"):
        return Reply(status=308, headers={"Location": f"./{request.stage_path.rpartition('/')[2]}/"})
    if args.get("compare"):
        from chalicelib.routes.vintage_pages_answer import answer_comparison  # deferred: few compare

        return answer_comparison(site, args, request)
    day = args["as_of"]
    run_id = site.run_at(day)
    page = dashboard_view(site, run_id, "dashboard.html", args).text if run_id else _empty_page(site)
    upto = f"{day}T23:59:59Z" if day else "9"
    runs = list(islice(site.ledger().newest_first(upto=upto, page=RUNS_LISTED), RUNS_LISTED))
    filled = fill(
        page,
        site,
        runs,
        day,
        run_id,
        series=args.get("series") or "",
        address=site.address(request),
    )
    style, script = allowed_by(page)
    headers = HEADERS | {"Content-Security-Policy": policy(style=style, script=script)}
    return Reply(headers=headers, document=Document(HTML, plain=filled.encode()))


def _empty_page(site: Site) -> str:
    from chalicelib.dashboard.page import render_empty_page  # deferred: needed until the first commit only

    return render_empty_page(site.dataset, site.assets)


def fill(
    page: str,
    site: Site,
    runs: Sequence[Run],
    day: str | None,
    run_id: str | None,
    *,
    address: str,
    series: str = "",
) -> str:
    fillings = {
        ADDRESS: escape(address),
        ADDRESS_IN_JSON: json.dumps(escape(address))[1:-1],
        QUERY_AS_OF: f"?as_of={day}" if day else "",
        AND_AS_OF: f"&amp;as_of={day}" if day else "",
        AS_OF_VALUE: day or "",
        AS_OF_FIELD: f'<input type="hidden" name="as_of" value="{day}">' if day else "",
        NOTICE: _operators_notice(site.settings.notice) + (_notice(day, run_id) if day else Markup()),
        FRESHNESS: _freshness(site, runs) + _standing_still(site, runs, run_id, day) + _how_final(site, run_id, series),
        RUNS: operators_notes(site, runs, day, series) + _runs(runs),
        MAIL: mail_section(several=site.stage().several) if site.subscriptions else "",
        VISITS: VISITS_SHOWN if site.visits else "",
    }
    for placeholder, filling in fillings.items():
        page = page.replace(placeholder, filling)
    return page


def _operators_notice(notice: str) -> Markup:
    return _aside(words(notice)) if notice else Markup()


def _notice(day: str, run_id: str | None) -> Markup:
    known = Markup("by the run of {}").format(moment(run_id)) if run_id else "nothing yet"
    then = Markup("This is what was known at the end of {}: {}.").format(date(day), known)
    return _aside(then + Markup(' <a href=".">Back to the latest</a>'))


def _aside(content: str) -> Markup:
    return Markup('<aside class="notice" role="note"><p>{}</p></aside>').format(content)


def _freshness(site: Site, runs: Sequence[Run]) -> Markup:
    if not runs:
        return Markup()
    newest = runs[0]
    due = next_due(site.dataset.schedule or site.settings.schedule, after=parse_time(newest.run_id))
    ago = Markup('{} <span class="ago" data-since="{}"></span>').format(moment(newest.run_id), newest.run_id)
    facts = [
        ("Last run", ago),
        ("It found", _words(newest, several=site.dataset.has_series)),
        ("Next run due", moment(due.strftime("%Y-%m-%dT%H:%M:%SZ")) if due else ""),
    ]
    fact = Markup("<div><dt>{}</dt><dd>{}</dd></div>")
    return Markup().join(fact.format(name, value) for name, value in facts if value)


def _standing_still(site: Site, runs: Sequence[Run], run_id: str | None, day: str | None) -> Markup:
    """Feeds whose used rows were the same for long when the last run looked, and since when."""
    since = _rows_since(site, runs, run_id, day)
    facts = []
    for feed in site.dataset.feeds:
        if feed.name in since and runs:
            days = (parse_time(runs[0].run_id).date() - parse_time(since[feed.name]).date()).days
            if days >= site.dataset.stale_after_days[0]:
                day = date(since[feed.name][:10])
                facts.append(Markup("{} since {} ({})").format(words(feed.title), day, count(days, "day")))
    if not facts:
        return Markup()
    stopped = Markup('<div class="stopped"><dt>Numbers stand still</dt><dd>{}</dd></div>')
    return stopped.format(Markup("; ").join(facts))


def _rows_since(site: Site, runs: Sequence[Run], run_id: str | None, day: str | None) -> Mapping[str, str]:
    """Feed -> the run that last found its used rows changed.

    Of a past day only where its last run was a commit, which wrote it down. After a commit a feed may move without
    another; that is known of the head alone, and of a past day nothing is stated rather than something wrong.
    """
    if not day and (of_head := site.ledger().head().rows_since):
        return of_head
    if not run_id or (day and (not runs or runs[0].run_id != run_id)):
        return {}
    since: Mapping[str, str] = site.ledger().get(run_id).summary.get("rows_since", {})
    return since


def _how_final(site: Site, run_id: str | None, series: str) -> Markup:
    """What usually becomes of values like those shown; nothing where too few have been followed."""
    from chalicelib.routes.outlook_answers import newest_in_words  # deferred: brings the reading of vintages

    sentences = newest_in_words(site, run_id, series or None) if run_id else {}
    final = Markup('<div class="final"><dt>{}</dt><dd>{}</dd></div>')
    return Markup().join(
        final.format(words(measure.label), words(sentences[measure.name]))
        for measure in site.dataset.measures
        if measure.name in sentences
    )


def _words(run: Run, *, several: bool) -> str:
    word = _WORDS[run.state]
    if run.state is State.COMMITTED:
        new = "new row" if several else "new date"
        return f"{count(run.added, new)}, {run.changed:,} changed, {run.removed:,} removed"
    return f"{word}: {words(run.reason)}" if run.reason else word


def operators_notes(site: Site, runs: Sequence[Run], day: str | None, series: str) -> Markup:
    """What operators wrote down, the newest date first; `data-note` is where the chart has its line."""
    if not runs:
        return Markup()
    known = [note for note in site.ledger().annotations() if note.time[:10] <= (day or "9")]
    notes = [note for note in known if note.series in ("", series)]
    notes.sort(key=lambda note: note.about, reverse=True)
    item = Markup('<li data-note="{}"><a href="{}">{}</a>{}: {}</li>')
    items = Markup().join(
        item.format(
            note.about[:10],
            _address(note),
            date(note.about[:10]),
            f", {words(note.series)}" if note.series else "",
            words(note.text),
        )
        for note in notes[:RUNS_LISTED]
    )
    if not items:
        return Markup()
    return Markup('<h3>What the operators know of them</h3><ul class="notes">{}</ul>').format(items)


def _address(note: Annotation) -> str:
    if not note.date:
        return f"runs/{note.about}"
    return f"data/{note.date}" + (f"?series={quote(note.series, safe='')}" if note.series else "")


_RUNS = Markup("""<div class="scroll" tabindex="0" role="region" aria-label="The list of runs">
  <table class="runs"><caption class="unseen">The last runs, newest first</caption>
  <thead><tr><th scope="col">Run</th><th scope="col" class="words">State</th><th scope="col">Added</th>
  <th scope="col">Changed</th><th scope="col">Removed</th></tr></thead>
  <tbody>{rows}</tbody></table></div>
  <p class="actions"><a href="runs">All runs as JSON</a> · <a href="changes.atom">Follow as Atom feed</a></p>""")
_ROW = Markup(
    '<tr{row_class}><th scope="row" rowspan="{rows}"><a href="runs/{run_id}">{when}</a></th>'
    '<td class="words"><span class="state {state}">{word}</span></td>{counts}</tr>{below}'
)
_COUNTS = Markup("<td>{:,}</td><td>{:,}</td><td>{:,}</td>")
_NO_COUNTS = Markup("<td></td><td></td><td></td>")
_BELOW = Markup('<tr><td class="words reason" colspan="4">{}</td></tr>')


def _runs(runs: Sequence[Run]) -> Markup:
    if not runs:
        return Markup("<p>No run yet.</p>")
    return _RUNS.format(rows=Markup().join(_row(run) for run in runs))


def _row(run: Run) -> Markup:
    """A reason goes below its run: beside it, a phone would hide it."""
    counted = run.state in (State.COMMITTED, State.UNCHANGED)
    return _ROW.format(
        row_class=Markup(' class="told"') if run.reason else "",
        rows=2 if run.reason else 1,
        run_id=run.run_id,
        when=moment(run.run_id, style="moment-short"),
        state=run.state.lower(),
        word=_WORDS[run.state],
        counts=_COUNTS.format(run.added, run.changed, run.removed) if counted else _NO_COUNTS,
        below=_BELOW.format(words(run.reason)) if run.reason else "",
    )
