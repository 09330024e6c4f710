"""The digest: what a committed run changed, for a reader who has not seen the system today."""

from chalicelib.letterhead import Letterhead, Mail
from chalicelib.plain_text import bullet, section, wrapped
from shared.dataset import Dataset
from shared.runs import Run
from shared.summary import Summary
from shared.wording import changes, counts, headline, latest_rows


def digest(run: Run, *, letterhead: Letterhead) -> Mail:
    """What a committed run changed."""
    dataset = letterhead.dataset
    summary = Summary.from_map(run.summary)
    full = letterhead.link(f"/runs/{run.run_id}/changes")
    first = ", first load" if summary.first_load else ""
    blocks = [
        headline(run),
        section("Warnings", map(bullet, summary.warnings)),
        wrapped(f"{dataset.title}, run {run.run_id}."),
        section(_latest_title(summary), latest_rows(summary, dataset=dataset)),
        *_changes(run, summary, dataset=dataset, full=full),
        section("Back in order", map(bullet, summary.recovered)),
        letterhead.links({"Full change set": full, "This run": letterhead.link(f"/runs/{run.run_id}")}),
        "\n".join(map(wrapped, dataset.credits)),
    ]
    latest = summary.latest.get("date", "")
    warned = f", {len(summary.warnings)} {'warning' if len(summary.warnings) == 1 else 'warnings'}"
    return letterhead.mail("digest", f"{counts(run)}{warned if summary.warnings else ''} ({latest}{first})", blocks)


def _changes(run: Run, summary: Summary, *, dataset: Dataset, full: str) -> list[str]:
    if summary.first_load:
        return [wrapped(f"This is the first load: all of the {summary.rows:,} rows are new, and none is listed.")]
    return [section(title, lines) for title, lines in changes(run, summary, dataset=dataset, more_at=full)]


def _latest_title(summary: Summary) -> str:
    series = f", {summary.latest['series']}" if summary.latest.get("series") else ""
    return f"As of {summary.latest['date']}{series}"
