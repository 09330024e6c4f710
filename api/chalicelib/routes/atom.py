"""/changes.atom: an entry for each committed run, worded like the digest, for people who follow feeds rather than mail.

Addresses in it are relative to its own (RFC 4287, 2; RFC 3986): it reads the same under every host and prefix.
"""

import uuid
from collections.abc import Iterable
from html import escape

from chalicelib.web.documents import ATOM, Document
from shared.dataset import Dataset
from shared.printing import without_controls
from shared.runs import Run
from shared.summary import Summary
from shared.wording import changes, headline, latest_rows, sentence

ENTRIES = 50

_NAMESPACE = uuid.UUID("6f0d2d8e-0f3c-5b0e-9a55-3c1f5b6a7d10")
"""Ids are made from this and the run, so that an entry keeps its id for ever and wherever it is served."""


def render_feed(runs: Iterable[Run], *, dataset: Dataset, stage: str, notice: str = "") -> Document:
    """`runs` are committed ones, newest first; `notice` is what the operator has to say, as the feed's subtitle."""
    entries = [_entry(run, dataset=dataset, stage=stage) for run in runs]
    subtitle = f"<subtitle>{escape(notice)}</subtitle>\n" if notice else ""
    updated = max((_when(run) for run in runs), default="1970-01-01T00:00:00Z")
    feed = f"""<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">
<id>{_id(stage, dataset.name)}</id>
<title>{escape(dataset.title)}: what changed</title>
{subtitle}<updated>{updated}</updated>
<link rel="self" type="application/atom+xml" href="changes.atom"/>
<link rel="alternate" type="text/html" href="."/>
<author><name>covid-stats</name></author>
<rights>{escape(" ".join(dataset.credits))}</rights>
{"".join(entries)}</feed>
"""
    return Document(ATOM, plain=without_controls(feed).encode())  # XML has no way to say a control character


def _entry(run: Run, *, dataset: Dataset, stage: str) -> str:
    return f"""<entry>
<id>{_id(stage, dataset.name, run.run_id)}</id>
<title>{escape(headline(run))}</title>
<updated>{_when(run)}</updated>
<published>{run.run_id}</published>
<link rel="alternate" type="text/html" href="./?as_of={_when(run)[:10]}"/>
<link rel="related" type="application/json" href="runs/{run.run_id}/changes"/>
<content type="html">{escape(_content(run, dataset))}</content>
</entry>
"""


def _content(run: Run, dataset: Dataset) -> str:
    """The digest's lines, as HTML."""
    if not run.summary:
        return f"<p>{escape(headline(run))}</p>"
    summary = Summary.from_map(run.summary)
    parts = [f"<pre>{_lines(latest_rows(summary, dataset=dataset))}</pre>"]
    if summary.first_load:
        parts.append(f"<p>The first load: {summary.rows:,} rows.</p>")
    for title, lines in changes(run, summary, dataset=dataset, more_at=f"runs/{run.run_id}/changes"):
        parts.append(f"<h2>{escape(title)}</h2><pre>{_lines(lines)}</pre>")
    sentences = [*summary.warnings, *summary.recovered]
    parts += [f"<p>{escape(sentence(one))}</p>" for one in sentences]
    return "".join(parts)


def _lines(lines: Iterable[str]) -> str:
    return escape("\n".join(lines))


def _when(run: Run) -> str:
    return run.known_from or run.run_id


def _id(*names: str) -> str:
    return uuid.uuid5(_NAMESPACE, "/".join(names)).urn
