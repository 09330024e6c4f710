"""What is remembered of a feed from copy to copy: its last file, the ones before, and how far its server is trusted."""

from collections.abc import Mapping

from chalicelib.rawfiles import Copy
from chalicelib.validators import trust
from shared.ledger.items import FeedState

_MOST_VERSIONS = 40
"""Older files that are remembered: five weeks of a daily feed."""


def known_since(last: FeedState | None, sha256: str) -> str:
    """The run that saw these bytes first, where they are those of the last copy; else empty."""
    return last.changed_run_id if last is not None and last.sha256 == sha256 else ""


def went_back_to(last: FeedState | None, sha256: str, *, run_id: str) -> str:
    """The older run that had this very file, where the feed has had another since; else empty.

    A network of caches does this: some serve an older file after a newer one.
    """
    if last is None or last.sha256 == sha256 or last.last_run_id >= run_id:
        return ""
    return last.versions.get(sha256, "")


def state_after(last: FeedState | None, copy: Copy) -> FeedState:
    """What to remember once this copy is saved; the same again where it is remembered already."""
    if last is not None and last.last_run_id == copy.run_id and last.sha256 == copy.sha256:
        return last
    etag_trust, last_modified_trust = "", ""
    if last is not None and last.source_url == copy.source_url and last.sha256 == copy.sha256:
        etag_trust, last_modified_trust = last.etag_trust, last.last_modified_trust
    elif last is not None and last.source_url == copy.source_url:
        etag_trust = trust(last.etag_trust, old=last.etag, new=copy.etag)
        last_modified_trust = trust(last.last_modified_trust, old=last.last_modified, new=copy.last_modified)
    return FeedState(
        feed=copy.feed,
        sha256=copy.sha256,
        source_url=copy.source_url,
        etag=copy.etag,
        last_modified=copy.last_modified,
        last_run_id=copy.run_id,
        changed_run_id=copy.changed_run_id,
        received_run_id=copy.received_run_id,
        etag_trust=etag_trust,
        last_modified_trust=last_modified_trust,
        versions=_versions(last, copy),
    )


def _versions(last: FeedState | None, copy: Copy) -> Mapping[str, str]:
    if last is None:
        return {}
    if last.sha256 == copy.sha256:
        return last.versions
    newest = sorted({**last.versions, last.sha256: last.last_run_id}.items(), key=lambda item: item[1])
    return dict(newest[-_MOST_VERSIONS:])
