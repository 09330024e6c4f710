"""`/changes` and `/runs/{run_id}/changes`: change sets, as JSON or CSV, in parts where they are large."""

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.routes.answered_state import as_download, state_headers
from chalicelib.routes.change_lines import change_header, change_lines
from chalicelib.routes.change_parts import part_of
from chalicelib.routes.page_links import next_link
from chalicelib.routes.run_answers import find_run
from chalicelib.routes.series_answers import entry_at
from chalicelib.routes.site import Site
from chalicelib.tabulation.row_text import join_json
from chalicelib.web.documents import CSV, CURRENT, JSON, LIVE, Document, Reply, sent_size
from chalicelib.web.pages import PAGE_BYTES
from chalicelib.web.parameters import SINCE, Arguments
from chalicelib.web.problems import ThingUnknown
from chalicelib.web.requests import Request
from shared.changes import ChangeSet
from shared.dataset import Dataset
from shared.runs import State

_READ_BYTES = 20_000_000
"""A page of change sets of one series ends when so much has been read for it, if it is not full before."""


def answer_run_changes(site: Site, args: Arguments, _request: Request) -> Reply:
    """`/runs/{run_id}/changes`: of a run that changed nothing, an empty change set."""
    run = find_run(site, args["run_id"])
    if run.state not in (State.COMMITTED, State.UNCHANGED):
        raise ThingUnknown("run_id", run.run_id, f"run {run.run_id} is {run.state}: it has no change set")
    form, series = _FORMS[args["format"]], args.get("series")
    state = state_headers(run.run_id, args) | as_download(site.dataset.name, "changes", args, run.run_id)
    if run.state is State.UNCHANGED:
        _check_series(site, series)
        empty = ChangeSet(run_id=run.run_id, base_run_id=run.base_run_id, added=[], changed=[], removed=[])
        return Reply(
            headers=CURRENT | state, document=form.document_of_one(form.write(empty, site.dataset), site.dataset)
        )
    body = site.view_store.change_set(run.run_id)
    skip, limit = args["skip"], args["limit"]
    if form.as_stored and series is None and not skip and limit is None and _fits(body):
        return Reply(headers=CURRENT | state, document=Document(JSON, plain=body))
    change = ChangeSet.from_json(body)
    if series is not None and not _is_in(change, series):
        _check_series(site, series)
    part, following = _part(site, change, form, series=series, skip=skip, limit=limit)
    kept = {"series": series, "limit": limit, "format": form.chosen, "skip": following}
    link = next_link("changes", kept) if following else {}
    return Reply(headers=CURRENT | state | link, document=form.document_of_one(part, site.dataset))


def answer_changes(site: Site, args: Arguments, _request: Request) -> Reply:
    """`/changes`: change sets, oldest first; the next page is in the Link header.

    A change set that is larger than a page comes in parts, each under its run's id: `skip` says how many of its entries
    the reader has. Of one series those of all runs too, empty where a run did not touch it.
    """
    form, series = _FORMS[args["format"]], args.get("series")
    _check_series(site, series)
    page: list[str] = []
    last, skip, following = args["since"], args["skip"], 0
    held, read, more = 0, 0, False
    for run in site.ledger().oldest_first(after=last):
        if len(page) == args["limit"] or held > PAGE_BYTES or (series is not None and read > _READ_BYTES):
            more = True
            break
        body = site.view_store.change_set(run.run_id)
        if form.as_stored and series is None and not skip and _fits(body):
            text = body.decode()
        else:
            text, following = _part(site, ChangeSet.from_json(body), form, series=series, skip=skip)
            skip = 0
        page.append(text)
        read += len(body)
        held += sent_size(text)
        if following:
            more = True
            break
        last = run.run_id
    kept = {
        "since": last if last != SINCE.default else None,
        "limit": args["limit"],
        "series": series,
        "format": form.chosen,
        "skip": following or None,
    }
    link = next_link("changes", kept, safe=":") if more else {}
    named = as_download(site.dataset.name, "changes", args, None)
    return Reply(headers=LIVE | named | link, document=form.document_of_many(page, site.dataset))


def _check_series(site: Site, series: str | None) -> None:
    """Raises ThingUnknown for a series that never was; one that was removed is known."""
    if series is None:
        return
    current = site.view_store.current()
    if current is None:
        raise ThingUnknown("series", series, "no run has brought any rows yet")
    entry_at(site, current, series)


def _is_in(change: ChangeSet, series: str) -> bool:
    """Whether a change set has an entry of a series, as it may before any view has."""
    return any(name == series for name, _ in change.touched)


@dataclass(frozen=True, kw_only=True)
class _Form:
    """How change sets are written."""

    chosen: str | None
    """What a request says for it; None where it need not."""
    write: Callable[[ChangeSet, Dataset], str]
    as_stored: bool
    """Whether that is how the merger wrote it."""

    def document_of_one(self, text: str, dataset: Dataset) -> Document:
        return Document(JSON, plain=text.encode()) if self.as_stored else _as_csv([text], dataset)

    def document_of_many(self, texts: list[str], dataset: Dataset) -> Document:
        if not self.as_stored:
            return _as_csv(texts, dataset)
        return Document(JSON, plain=join_json(texts).encode())


def _as_csv(texts: list[str], dataset: Dataset) -> Document:
    return Document(CSV, plain=(change_header(dataset) + "".join(texts)).encode())


_FORMS = {
    "json": _Form(chosen=None, write=lambda change, _: change.to_json().decode(), as_stored=True),
    "csv": _Form(chosen="csv", write=change_lines, as_stored=False),
}


def _fits(body: bytes) -> bool:
    """Whether a change set is a page by itself; one that is larger by its bytes alone need not be looked at."""
    return len(body) <= PAGE_BYTES and sent_size(body.decode()) <= PAGE_BYTES


def _part(
    site: Site, change: ChangeSet, form: _Form, *, series: str | None = None, skip: int = 0, limit: int | None = None
) -> tuple[str, int]:
    """A part as it is written, and how many entries come before the next."""
    dataset = site.dataset
    part, following = part_of(
        change, write=lambda one: form.write(one, dataset), series=series, skip=skip, limit=limit, size=PAGE_BYTES
    )
    return form.write(part, dataset), following
