"""Which past dates the last runs changed, and by how much."""

from collections.abc import Sequence
from itertools import groupby
from urllib.parse import quote

from chalicelib.dashboard.formatting import count, date, moment, number, text
from chalicelib.dashboard.placeholders import AND_AS_OF, QUERY_AS_OF
from chalicelib.tabulation.histories import Revision
from shared.dataset import Dataset
from shared.runs import Run

LISTED = 40


def revisions_panel(run: Run, changes: Sequence[Revision], dataset: Dataset) -> str:
    if not changes:
        return f"<p>{_last_run(run, dataset)} No run has revised a past date yet.</p>"
    labels = {measure.name: measure.label for measure in dataset.measures}
    columns = 6 if dataset.has_series else 5
    rows = "".join(
        f'<tbody><tr class="group"><th colspan="{columns}" scope="rowgroup">Run of {date(run_id[:10])}</th></tr>'
        + "".join(_revision_row(change, labels, dataset) for change in group)
        + "</tbody>"
        for run_id, group in groupby(changes[:LISTED], key=lambda change: change.run_id)
    )
    more = (
        f'<p class="quiet">The newest {LISTED} of {len(changes):,} revisions; all of them are in'
        ' <a href="changes">the change sets</a>.</p>'
        if len(changes) > LISTED
        else ""
    )
    keys = " ".join(f'<span class="key m{n % 6}">{text(one.label)}</span>' for n, one in enumerate(dataset.measures))
    series = '<th scope="col" class="words">Series</th>' if dataset.has_series else ""
    return f"""<p>{_last_run(run, dataset)}</p>
  <figure class="chart revisions" aria-labelledby="revisions-summary">
    <div class="plot" data-plot="revisions" role="img" aria-labelledby="revised revisions-summary"></div>
    <figcaption id="revisions-summary">{_revisions_summary(changes)} A row is a run, a mark a value that was
    published before and that the run changed: it points up or down, and its size says how much. {keys}</figcaption>
  </figure>
  <details open><summary>The revisions as a table</summary>
  <div class="scroll tall" tabindex="0" role="region" aria-label="Revisions">
  <table><caption class="unseen">Values that were published before and changed later, newest run first</caption>
  <thead><tr><th scope="col">Date</th>{series}
  <th scope="col" class="words">Measure</th>
  <th scope="col">Before</th><th scope="col">After</th><th scope="col">Difference</th></tr></thead>
  {rows}</table></div>{more}</details>"""


def _last_run(run: Run, dataset: Dataset) -> str:
    noun = "row" if dataset.has_series else "date"
    link = f'<a href="runs/{run.run_id}/changes">change set</a>'
    return (
        f"The last change came with the run of {moment(run.run_id)}: {count(run.added, noun)} added,"
        f" {run.changed:,} changed, {run.removed:,} removed ({link})."
    )


def _revisions_summary(changes: Sequence[Revision]) -> str:
    runs = len({change.run_id for change in changes})
    return f"{count(len(changes), 'value')} of past dates changed in {count(runs, 'run')}."


def _revision_row(change: Revision, labels: dict[str, str], dataset: Dataset) -> str:
    series = f'<td class="words">{text(change.series)}</td>' if dataset.has_series else ""
    after = "removed" if change.removed else number(change.new)
    query = f"?series={quote(change.series, safe='')}{AND_AS_OF}" if dataset.has_series else QUERY_AS_OF
    return (
        f'<tr><th scope="row"><a href="data/{change.date}{query}">{date(change.date)}</a></th>{series}'
        f'<td class="words">{text(labels[change.measure])}</td>'
        f"<td>{number(change.old)}</td><td>{after}</td>"
        f"<td>{number(change.difference, sign=True)}</td></tr>"
    )
