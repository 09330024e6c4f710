"""The digest: what a committed run changed, for a reader who has not seen the system today.

It has no command to type: what operators may do stands in their mails.
"""

from collections.abc import Iterator

from chalicelib.letterhead import Letterhead, Mail
from chalicelib.plain_text import bullet, section
from chalicelib.subjects import digest_subject
from shared.number_words import counted
from shared.runs import Run, parse_time
from shared.summary import Summary
from shared.wording import changes, date_path, headline, latest_rows


def digest(run: Run, *, letterhead: Letterhead) -> Mail:
    """What a committed run changed."""
    dataset = letterhead.dataset
    summary = Summary.from_map(run.summary)
    full = letterhead.link(f"/runs/{run.run_id}/changes")
    blocks = [
        headline(run),
        section("Warnings", map(bullet, summary.warnings)),
        f"{dataset.title}, run {run.run_id}.",
        section(_latest_title(summary), latest_rows(summary, dataset=dataset)),
        _approved(run),
        *_changes(run, summary, letterhead=letterhead, full=full),
        section("From the operators", map(bullet, summary.annotations)),
        section("Notes", map(bullet, summary.notes)),
        section("Back in order", map(bullet, summary.recovered)),
        letterhead.links({"Full change set": full, "This run": letterhead.link(f"/runs/{run.run_id}")}),
        "\n".join(dataset.credits),
    ]
    figures = {
        "new_dates": summary.new_dates,
        "largest_revision_percent": summary.largest_revision_percent,
        "warnings": len(summary.warnings),
    }
    subject = digest_subject(run, summary, letterhead=letterhead)
    return letterhead.mail("digest", subject, blocks, figures=figures, series=summary.touched)


def _changes(run: Run, summary: Summary, *, letterhead: Letterhead, full: str) -> Iterator[str]:
    if summary.first_load:
        rows = f"all of the {summary.rows:,} rows are new, and none is listed"
        if summary.rows == 1:
            rows = "its only row is new, and not listed"
        yield f"This is the first load: {rows}."
        return
    for title, lines in changes(
        run,
        summary,
        dataset=letterhead.dataset,
        more_at=full,
        date_at=lambda date, series: letterhead.link(date_path(date, series)),
    ):
        yield section(title, lines)


def _approved(run: Run) -> str:
    """That a person let a change pass that the gate had stopped; by whom stands in the ledger."""
    if not run.approved_by:
        return ""
    at = f" at {parse_time(run.approved_at):%Y-%m-%d %H:%M} UTC" if run.approved_at else ""
    what = f"removal of {counted(run.removed, 'row')} was" if run.removed else "change was"
    return f"Approved: this {what} beyond what passes by itself; an operator looked at it and let it pass{at}."


def _latest_title(summary: Summary) -> str:
    return ", ".join(filter(None, (f"As of {summary.latest['date']}", summary.whose)))
