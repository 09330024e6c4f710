"""/changes.atom: an entry for each committed run, worded like the digest, for people who follow feeds rather than mail.

Addresses in it are absolute: many readers do not resolve relative ones, and an entry is read far from its feed.
"""

import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from chalicelib.web.documents import ATOM, Document
from chalicelib.web.pages import fill_page
from shared.dataset import Dataset
from shared.ledger.items import Annotation
from shared.number_words import counted
from shared.printing import without_controls
from shared.runs import Run
from shared.summary import Summary
from shared.wording import changes, date_path, headline, latest_rows, sentence

ENTRIES = 50
_ADDRESS = re.compile(r"https?://[^\s<>]+")

_NAMESPACE = uuid.UUID("6f0d2d8e-0f3c-5b0e-9a55-3c1f5b6a7d10")
"""Ids are made from this and the run, so that an entry keeps its id for ever and wherever it is served."""


@dataclass(frozen=True, kw_only=True)
class Entries:
    """The committed runs of one dataset, newest first."""

    dataset: Dataset
    address: str
    """Of the dataset's page, with a slash at the end."""
    runs: Sequence[Run]
    annotations: Sequence[Annotation] = ()
    """What operators wrote down."""

    def notes_on(self, run: Run) -> list[Annotation]:
        return [note for note in self.annotations if note.about == run.run_id]

    def updated(self, run: Run) -> str:
        """When the run's entry became what it is."""
        return max([_when(run), *(note.time for note in self.notes_on(run))])


def render_feed(of: Entries, *, stage: str, notice: str = "") -> Document:
    """The feed of one dataset, as many entries as fit; `notice`, what the operator has to say, is its subtitle."""
    runs, entries, _ = fill_page((run, _entry(run, of, stage=stage)) for run in of.runs)
    title, names = f"{of.dataset.title}: what changed", (stage, of.dataset.name)
    updated = [of.updated(run) for run in runs]
    return _feed(names, title, entries, updated=updated, address=of.address, rights=of.dataset.credits, notice=notice)


def render_feed_of_all(found: Sequence[Entries], *, stage: str, address: str, notice: str = "") -> Document:
    """One feed of several datasets, each entry headed by its dataset's name."""
    runs = sorted(((run, of) for of in found for run in of.runs), key=lambda it: _when(it[0]), reverse=True)[:ENTRIES]
    shown, entries, _ = fill_page(((run, of), _entry(run, of, stage=stage, named=True)) for run, of in runs)
    rights = tuple(dict.fromkeys(credit for of in found for credit in of.dataset.credits))
    title = f"What changed in {', '.join(of.dataset.name for of in found)}"
    updated = [of.updated(run) for run, of in shown]
    return _feed((stage,), title, entries, updated=updated, address=address, rights=rights, notice=notice)


def _feed(
    names: Sequence[str],
    title: str,
    entries: Iterable[str],
    *,
    updated: Iterable[str],
    address: str,
    rights: Iterable[str],
    notice: str,
) -> Document:
    subtitle = f"<subtitle>{escape(notice)}</subtitle>\n" if notice else ""
    newest = max(updated, default="1970-01-01T00:00:00Z")
    feed = f"""<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">
<id>{_id(*names)}</id>
<title>{escape(title)}</title>
{subtitle}<updated>{newest}</updated>
<link rel="self" type="application/atom+xml" href="{escape(address)}changes.atom"/>
<link rel="alternate" type="text/html" href="{escape(address)}"/>
<author><name>covid-stats</name></author>
<rights>{escape(" ".join(rights))}</rights>
{"".join(entries)}</feed>
"""
    return Document(ATOM, plain=without_controls(feed).encode())  # XML has no way to say a control character


def _entry(run: Run, of: Entries, *, stage: str, named: bool = False) -> str:
    title = f"{of.dataset.name}: {headline(run)}" if named else headline(run)
    category = f'<category term="{of.dataset.name}" label="{escape(of.dataset.title)}"/>\n' if named else ""
    return f"""<entry>
<id>{_id(stage, of.dataset.name, run.run_id)}</id>
<title>{escape(title)}</title>
<updated>{of.updated(run)}</updated>
<published>{run.run_id}</published>
{category}<link rel="alternate" type="text/html" href="{escape(of.address)}?as_of={_when(run)[:10]}"/>
<link rel="related" type="application/json" href="{escape(of.address)}runs/{run.run_id}/changes"/>
<content type="html">{escape(_notes(run, of) + _content(run, of.dataset, address=of.address))}</content>
</entry>
"""


def _content(run: Run, dataset: Dataset, *, address: str) -> str:
    """The digest's lines, as HTML."""
    if not run.summary:
        return f"<p>{escape(headline(run))}</p>"
    summary = Summary.from_map(run.summary)
    parts = [f"<pre>{_lines(latest_rows(summary, dataset=dataset))}</pre>"]
    if summary.first_load:
        parts.append(f"<p>The first load: {counted(summary.rows, 'row')}.</p>")
    more_at, base = f"{address}runs/{run.run_id}/changes", address.removesuffix("/")
    for title, lines in changes(
        run, summary, dataset=dataset, more_at=more_at, date_at=lambda date, series: base + date_path(date, series)
    ):
        parts.append(f"<h2>{escape(title)}</h2><pre>{_lines(lines)}</pre>")
    sentences = [*summary.warnings, *summary.recovered, *summary.annotations]
    parts += [f"<p>{escape(sentence(one))}</p>" for one in sentences]
    return "".join(parts)


def _notes(run: Run, of: Entries) -> str:
    return "".join(f"<p><strong>{escape(sentence(note.text))}</strong></p>" for note in of.notes_on(run))


def _lines(lines: Iterable[str]) -> str:
    """As HTML, with addresses as links."""
    return _ADDRESS.sub(r'<a href="\g<0>">\g<0></a>', escape("\n".join(lines)))


def _when(run: Run) -> str:
    return run.known_from or run.run_id


def _id(*names: str) -> str:
    return uuid.uuid5(_NAMESPACE, "/".join(names)).urn
