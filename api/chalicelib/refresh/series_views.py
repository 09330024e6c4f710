"""The views of a dataset with several series: written by series, so that the work grows with what a run changed."""

from collections.abc import Callable

from chalicelib.dashboard.views import render_dashboard
from chalicelib.series_store.series_documents import tabulate_series
from chalicelib.series_store.series_index import INDEX, SeriesIndex, default_series
from chalicelib.series_store.series_page_rows import largest_rows
from chalicelib.series_store.series_writer import SeriesWriter
from chalicelib.tabulation.histories import History, revisions
from chalicelib.tabulation.tabulating import Tables
from chalicelib.tabulation.trend import TREND, TREND_DATES, render_trend
from chalicelib.view_store.bundles import media_type_of
from chalicelib.web.assets import Assets
from chalicelib.web.documents import Document, pack
from shared.changes import ChangeSet
from shared.dataset import Dataset
from shared.keys import view_key
from shared.ledger import Ledger
from shared.runs import Run
from shared.tracing import subsegment

type Store = Callable[[str, bytes, str], None]
"""(key, bytes, media type): writes an object."""


class SeriesViews:
    """Renders runs of one dataset."""

    def __init__(
        self,
        dataset: Dataset,
        *,
        assets: Assets,
        ledger: Ledger,
        find: Callable[[str], bytes | None],
        store: Store,
        change_set: Callable[[Run], ChangeSet],
        before: Callable[[Run], str | None] = lambda run: run.base_run_id,
    ) -> None:
        """`before` says which committed run comes before one."""
        self._before = before
        self._dataset, self._assets, self._ledger = dataset, assets, ledger
        self._find, self._store, self._change_set = find, store, change_set
        self._writer = SeriesWriter(dataset, find=self._read, put=self._write)

    def render(self, run: Run, base_run_id: str | None) -> dict[str, str]:
        """Write what the run changed and the page; view -> digest of the views that answers are made of."""
        base = self._base(base_run_id)
        with subsegment("render", run_id=run.run_id) as span:
            written = self._writer.write(run, self._change_set(run), base)
            span.annotate(series=len(written.touched), objects=written.objects)
            digests = self._pages(run, written.index)
            index = self._writer.put_index(written.index)
        return {INDEX: Document(media_type_of(INDEX), plain=index).digest} | digests

    def render_histories(self, run: Run, history: History) -> None:
        """Write all of a run whose base is not there, from every value that was known with it."""
        index = self._writer.write_histories(run.run_id, history).index
        self._pages(run, index)
        self._writer.put_index(index)

    def _base(self, run_id: str | None) -> SeriesIndex | None:
        """The index of the run before, rendering those of its line that were passed over."""
        missing: list[Run] = []
        index = None
        while run_id is not None:
            index = self._writer.index_of(run_id)
            if index is not None:
                break
            missing.append(self._ledger.get(run_id))
            run_id = self._before(missing[-1])
        for run in reversed(missing):
            index = self._writer.write(run, self._change_set(run), index).index
            self._pages(run, index)
            self._writer.put_index(index)
            self._ledger.record_views(run.run_id, "RENDERED")
        return index

    def _pages(self, run: Run, index: SeriesIndex) -> dict[str, str]:
        """Write the page, which opens on one series; the others' are rendered when they are asked for.

        View -> digest.
        """
        declared = self._dataset.series.default if self._dataset.series else ""
        chosen = default_series(index, declared)
        dates = self._writer.dates_of(chosen, index)
        tables = tabulate_series(chosen, dates, self._dataset)
        changes = revisions({chosen: dates}, self._dataset)
        made = render_dashboard(
            run,
            tables.only(chosen),
            changes,
            dataset=self._dataset,
            assets=self._assets,
            series=chosen,
            all_series=index.present,
            largest=largest_rows(index),
        )
        trend = tables if chosen == declared else self._trend_tables(index, declared)
        made[TREND] = render_trend(trend, self._dataset)
        documents = {name: Document(media_type_of(name), packed=pack(plain)) for name, plain in made.items()}
        for name, document in documents.items():
            self._store(view_key(self._dataset.name, run.run_id, _stored(name)), document.packed, document.media_type)
        return {name: document.digest for name, document in documents.items()}

    def _trend_tables(self, index: SeriesIndex, declared: str) -> Tables:
        """The newest rows of the series that the newest numbers are of, or of all where they are summed up."""
        if declared in index.series:  # and has no rows, or the page would open on it
            return tabulate_series(declared, {}, self._dataset)
        data = self._writer.recent_rows(index, "data", dates=TREND_DATES)
        daily = self._writer.recent_rows(index, "daily", dates=TREND_DATES) if self._dataset.totals else data
        return Tables(data=data, daily=daily, weekly=daily, monthly=daily)

    def _read(self, run_id: str, name: str) -> bytes | None:
        packed = self._find(view_key(self._dataset.name, run_id, _stored(name)))
        if packed is None or name.endswith(".bundle"):
            return packed
        return Document(media_type_of(name), packed=packed).plain

    def _write(self, run_id: str, name: str, plain: bytes) -> None:
        bundled = name.endswith(".bundle")
        media_type = "application/octet-stream" if bundled else media_type_of(name)
        self._store(view_key(self._dataset.name, run_id, _stored(name)), plain if bundled else pack(plain), media_type)


def _stored(name: str) -> str:
    """Bundles are packed inside; all else is gzipped as a whole."""
    return name if name.endswith(".bundle") else f"{name}.gz"
