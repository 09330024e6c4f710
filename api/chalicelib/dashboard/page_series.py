"""All series of a dataset as a table: the first by size here, all of them by script, to sort, filter and compare."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from chalicelib.dashboard.formatting import number, text
from chalicelib.dashboard.placeholders import AND_AS_OF, QUERY_AS_OF
from chalicelib.dashboard.sparkline import sparkline
from shared.dataset import Dataset
from shared.exact import Number

SHOWN = 40
"""Rows that the page itself carries."""


@dataclass(frozen=True, kw_only=True)
class SeriesRow:
    """The newest numbers of a series."""

    name: str
    values: Sequence[Number | None]
    """In the order of the measures."""
    changes: Sequence[Number | None]
    line: Sequence[float | None]


def series_section(dataset: Dataset, rows: Sequence[SeriesRow], *, total: int) -> str:
    """`rows` are the largest, at most SHOWN of `total`."""
    if dataset.series is None or total < 2:
        return ""
    label = dataset.series.label
    heads = "".join(
        f'<th scope="col"><button type="button" data-sort="{n}">{text(measure.label)}</button></th>'
        '<th scope="col">Change</th>'
        for n, measure in enumerate(dataset.measures)
    )
    names = " ".join(measure.name for measure in dataset.measures)
    body = "".join(_row(row) for row in rows)
    rest = f"The {len(rows)} largest of {total:,}. " if len(rows) < total else ""
    data = f'data-list="series{QUERY_AS_OF}" data-measures="{names}"'
    return f"""<section aria-labelledby="every" id="every-series" {data}>
  <h2 id="every">{text(label)}: all {total:,}</h2>
  <form class="finder" hidden>
    <label>Find <input type="search" name="find" autocomplete="off" spellcheck="false"></label>
    <span class="quiet" role="status"></span>
  </form>
  <div class="scroll tall" tabindex="0" role="region" aria-labelledby="every">
  <table class="series"><caption class="unseen">{text(label)}: the newest numbers and how they changed</caption>
  <thead><tr><th scope="col"><button type="button" data-sort="name">{text(label)}</button></th>{heads}
  <th scope="col"><span class="unseen">Course</span></th></tr></thead>
  <tbody>{body}</tbody></table></div>
  <noscript><p class="quiet">{rest}<a href="series{QUERY_AS_OF}">All of them as JSON</a></p></noscript>
  <figure class="chart" id="compared" hidden>
    <figcaption><span class="names"></span></figcaption>
    <div class="plot" role="img" aria-label="The chosen series compared"></div>
  </figure>
</section>"""


def _row(row: SeriesRow) -> str:
    cells = "".join(
        f"<td>{number(value)}</td><td>{number(change, sign=True) if change is not None else ''}</td>"
        for value, change in zip(row.values, row.changes, strict=True)
    )
    link = f"?series={quote(row.name, safe='')}{AND_AS_OF}"
    heading = f'<th scope="row"><a href="{link}">{text(row.name)}</a></th>'
    return f"<tr>{heading}{cells}<td>{sparkline(list(row.line))}</td></tr>"
