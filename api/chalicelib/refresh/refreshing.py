"""When a run commits: render its views, then move the one pointer that says what is served.

Views of a run never change once written (the same inputs give the same bytes), so repeating a refresh, or doing it
late, does no harm; the pointer never moves backwards. A base whose own refresh failed is rendered on the way, because
its history is needed and because `as_of` answers from it.
"""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from chalicelib.dashboard.views import render_views
from chalicelib.refresh.invalidation import Distribution
from chalicelib.refresh.series_views import SeriesViews
from chalicelib.tabulation.histories import History, extend_history
from chalicelib.view_store.bundles import media_type_of
from chalicelib.view_store.view_pointer import PointerWriter
from chalicelib.vintages.newest_outlook import OUTLOOK, first_date, outlooks, spoken_series
from chalicelib.vintages.vintage_reading import VintageReader
from chalicelib.vintages.vintage_store import VintageWriter
from chalicelib.web.assets import Assets
from chalicelib.web.documents import JSON, Document, pack
from shared.changes import ChangeSet
from shared.dataset import Dataset
from shared.errors import PermanentError
from shared.exact import dumps, loads
from shared.keys import change_set_key, snapshot_key, static_key, view_key
from shared.ledger import Ledger
from shared.runs import Run, State, just_before
from shared.tracing import carried, follow, subsegment

HISTORY = "history.json"

_WRITERS = 8


class SourceMissing(PermanentError):
    """A snapshot or a change set that the ledger says is there is not."""


class Refresher:
    """Renders runs into the bucket and moves the pointer."""

    def __init__(
        self,
        s3: Any,
        *,
        bucket: str,
        ledger: Ledger,
        dataset: Dataset,
        assets: Assets,
        distribution: Distribution | None = None,
    ) -> None:
        self._s3, self._bucket, self._ledger, self._dataset = s3, bucket, ledger, dataset
        self._assets, self._distribution = assets, distribution
        self._vintages = VintageWriter(s3, bucket=bucket, dataset=dataset)
        self._pointer = PointerWriter(s3, bucket=bucket, dataset=dataset.name)
        self._assets_kept = False
        self._several = (
            SeriesViews(
                dataset,
                assets=assets,
                ledger=ledger,
                find=self._find,
                store=self._store,
                change_set=self._change_set,
                before=self._before,
            )
            if dataset.has_series
            else None
        )

    def refresh(self, run: Run) -> None:
        """Serve this run's views, unless a newer run's are served.

        Raises what the store raises, SourceMissing, and HeadMoved where others move the pointer before every attempt.
        """
        with subsegment("refresh", run_id=run.run_id, state=run.state) as span:
            follow("merger", run.traces.get("merger", ""))
            base = self._before(run)
            digests = self._rendered(run, base)
            self._vintages.write(run, base=base, all_runs=lambda: self._ledger.oldest_first(after=""))
            self._write_outlook(run)
            changed = self._pointer.move({"run_id": run.run_id, "views": digests})
            span.annotate(views_changed=len(changed))
            if self._distribution:
                self._distribution.invalidate(run.run_id, {name: digests[name] for name in changed})
            self._ledger.record_views(run.run_id, "RENDERED")

    def _write_outlook(self, run: Run) -> None:
        """What usually becomes of values like the newest ones: for the page, and for the digest that follows."""
        series = spoken_series(self._dataset)
        if series is None:
            return
        reader = VintageReader(self._s3, bucket=self._bucket, dataset=self._dataset)
        versions = reader.select(run.run_id, series=series, start=first_date(run.run_id, self._dataset.period))
        found = outlooks(versions, self._dataset, run_id=run.run_id, series=series)
        packed = Document(JSON, packed=pack(dumps(found).encode()))
        self._put(view_key(self._dataset.name, run.run_id, f"{OUTLOOK}.gz"), packed)

    def refresh_or_record(self, run: Run) -> None:
        """The same; where it fails the run says so."""
        try:
            self.refresh(run)
        except Exception:
            self._ledger.record_views(run.run_id, "FAILED")
            raise

    def _rendered(self, run: Run, base: str | None) -> dict[str, str]:
        if self._several is not None:
            digests = self._several.render(run, base)
            self._keep_assets()
            return digests
        return self._render(run, self._base_history(base))

    def _base_history(self, base_run_id: str | None) -> History:
        """The history up to a run; runs before it whose views are not there are rendered on the way."""
        missing = []
        history: History = {}
        while base_run_id is not None:
            packed = self._find(view_key(self._dataset.name, base_run_id, f"{HISTORY}.gz"))
            if packed is not None:
                history = loads(Document(JSON, packed=packed).plain)
                break
            missing.append(self._ledger.get(base_run_id))
            base_run_id = self._before(missing[-1])
        for run in reversed(missing):
            history = self._heal(run, history)
        return history

    def _before(self, run: Run) -> str | None:
        """The committed run before it: its base, or, of a first load, the last of those that were filled in later."""
        if run.base_run_id is not None:
            return run.base_run_id
        older = self._ledger.newest_first(upto=just_before(run.run_id), state=State.COMMITTED, page=10)
        return next((it.run_id for it in older), None)

    def _heal(self, run: Run, history: History) -> History:
        """Render a run that was passed over; where its snapshot is gone, its history is carried on alone."""
        snapshot = self._find(snapshot_key(self._dataset.name, run.run_id))
        extended = extend_history(history, self._change_set(run), run=run, dataset=self._dataset)
        if snapshot is not None:
            self._write(run, snapshot, extended)
            self._ledger.record_views(run.run_id, "RENDERED")
        return extended

    def _render(self, run: Run, base: History) -> dict[str, str]:
        snapshot = self._find(snapshot_key(self._dataset.name, run.run_id))
        if snapshot is None:
            raise SourceMissing(
                f"run {run.run_id} is committed and {snapshot_key(self._dataset.name, run.run_id)} is not there"
            )
        return self._write(run, snapshot, extend_history(base, self._change_set(run), run=run, dataset=self._dataset))

    def _write(self, run: Run, snapshot: bytes, history: History) -> dict[str, str]:
        """Write all views of a run; view -> digest. The history goes last: where it is there, all are."""
        with subsegment("render", run_id=run.run_id) as span:
            views = render_views(run, snapshot=snapshot, history=history, dataset=self._dataset, assets=self._assets)
            span.annotate(views=len(views), bytes=sum(map(len, views.values())))
        documents = {name: Document(media_type_of(name), packed=pack(plain)) for name, plain in views.items()}
        last = Document(JSON, packed=pack(dumps(history).encode()))
        with ThreadPoolExecutor(_WRITERS) as writers:
            keys = [view_key(self._dataset.name, run.run_id, f"{name}.gz") for name in documents]
            writing = writers.map(carried(self._put), keys, documents.values())
            self._keep_assets()
            deque(writing, maxlen=0)
        self._put(view_key(self._dataset.name, run.run_id, f"{HISTORY}.gz"), last)
        return {name: document.digest for name, document in (documents | {HISTORY: last}).items()}

    def _keep_assets(self) -> None:
        """Keep the page's scripts and styles beside it: a page is served with those that it was made for."""
        if self._assets_kept:
            return
        prefix = static_key("")
        listed = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=prefix, MaxKeys=1000).get("Contents", [])
        there = {entry["Key"] for entry in listed}
        for name, document in self._assets.all().items():
            if static_key(f"{name}.gz") not in there:
                self._put(static_key(f"{name}.gz"), document)
        self._assets_kept = True

    def _put(self, key: str, document: Document) -> None:
        self._store(key, document.packed, document.media_type)

    def _store(self, key: str, body: bytes, media_type: str) -> None:
        packed = {"ContentEncoding": "gzip"} if key.endswith(".gz") else {}
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=media_type, **packed)

    def _change_set(self, run: Run) -> ChangeSet:
        body = self._find(change_set_key(self._dataset.name, run.run_id))
        if body is None:
            raise SourceMissing(
                f"run {run.run_id} is committed and {change_set_key(self._dataset.name, run.run_id)} is not there"
            )
        return ChangeSet.from_json(body)

    def _find(self, key: str) -> bytes | None:
        try:
            body: bytes = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except self._s3.exceptions.NoSuchKey:
            return None
        return body
