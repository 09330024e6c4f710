"""Views of a committed run that nobody rendered when it was committed: of days that were filled in later.

They are rendered when they are first asked for, from the run's snapshot and the table of vintages, and kept in memory:
this function may not write. The same bytes would have been written at the time.
"""

import functools
from collections.abc import Mapping

from chalicelib.dashboard.views import render_views
from chalicelib.refresh.series_views import SeriesViews
from chalicelib.routes.site import Site
from chalicelib.tabulation.histories import History
from chalicelib.view_store.bundles import media_type_of
from chalicelib.web.documents import JSON, Document
from chalicelib.web.problems import ViewsMissing
from shared.changes import ChangeSet
from shared.exact import dumps
from shared.keys import view_key
from shared.runs import Run

_KEPT = 4
"""Runs: each has a dozen views."""


def late_view(site: Site, run_id: str, name: str) -> Document:
    """One view of a run. Raises ViewsMissing where its snapshot is gone as well, or there is no such view."""
    document = _views(site, run_id).get(name)
    if document is None:
        raise ViewsMissing(run_id)
    return document


@functools.lru_cache(maxsize=_KEPT)
def _views(site: Site, run_id: str) -> Mapping[str, Document]:
    run = site.ledger().get(run_id)
    history = history_at(site, run.known_from or run_id)
    if site.dataset.has_series:
        return _views_by_series(site, run, history)
    snapshot = site.view_store.snapshot(run_id)
    if snapshot is None:
        raise ViewsMissing(run_id)
    views = render_views(run, snapshot=snapshot, history=history, dataset=site.dataset, assets=site.assets)
    documents = {name: Document(media_type_of(name), plain=plain) for name, plain in views.items()}
    return documents | {"history.json": Document(JSON, plain=dumps(history).encode())}


def _views_by_series(site: Site, run: Run, history: History) -> Mapping[str, Document]:
    made: dict[str, Document] = {}
    folder = view_key(site.dataset.name, run.run_id, "")

    def store(key: str, body: bytes, media_type: str) -> None:
        packed = {"packed": body} if key.endswith(".gz") else {"plain": body}
        made[key.removeprefix(folder).removesuffix(".gz")] = Document(media_type, **packed)

    def find(key: str) -> bytes | None:
        name = key.removeprefix(folder)
        document = made.get(name.removesuffix(".gz"))
        return None if document is None else document.packed if name.endswith(".gz") else document.plain

    views = SeriesViews(
        site.dataset,
        assets=site.assets,
        ledger=site.ledger(),
        find=find,
        store=store,
        change_set=lambda run: ChangeSet.from_json(site.view_store.change_set(run.run_id)),
    )
    views.render_histories(run, history)
    return made


def history_at(site: Site, time: str) -> History:
    """Every value that was known up to a time, as `chalicelib.tabulation.histories` has it."""
    served = site.view_store.current()
    if served is None or site.vintages().directory(served) is None:
        raise ViewsMissing(served or time)
    history: History = {}
    for version in site.vintages().select(served):
        if version.known_from <= time:
            values = None if version.values is None else list(version.values)
            entry = {"run_id": version.run_id, "at": version.known_from, "values": values}
            history.setdefault(version.series, {}).setdefault(version.date, []).append(entry)
    return history
