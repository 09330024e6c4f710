"""What CloudFront, where a stage has it in front, must fetch anew after a commit."""

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

_WHEREVER = ("/runs*", "/changes*", "/vintages*", "/revisions*")
"""Answers that any commit changes."""


class Edge:
    """The distribution in front of the API.

    An answer may come from a request handler that still holds the pointer it read up to `holding` seconds ago.
    Invalidating sooner would let the edge fetch such an answer and keep it: so the invalidation waits it out.
    """

    def __init__(
        self, client: Any, *, distribution: str, holding: float, wait: Callable[[float], None] = time.sleep
    ) -> None:
        self._client, self._distribution, self._holding, self._wait = client, distribution, holding, wait

    def invalidate(self, run_id: str, views: Mapping[str, str]) -> None:
        """Have the answers made of these views (name -> digest) fetched anew.

        A repeated call for the same bytes is the same invalidation; other bytes of the same run are another one.
        """
        paths = paths_of(views)
        if not paths:
            return
        self._wait(self._holding)
        self._client.create_invalidation(
            DistributionId=self._distribution,
            InvalidationBatch={
                "Paths": {"Quantity": len(paths), "Items": paths},
                "CallerReference": f"{run_id}-{_digest(views)}",
            },
        )


def _digest(views: Mapping[str, str]) -> str:
    told = " ".join(f"{name}={views[name]}" for name in sorted(views))
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def paths_of(views: Iterable[str]) -> list[str]:
    """The paths, as CloudFront matches them, of the answers that are made of views (`daily.json`)."""
    paths = {path for view in views for path in _paths(view)}
    return sorted(paths | set(_WHEREVER)) if paths else []


def _paths(view: str) -> tuple[str, ...]:
    match view.partition(".")[0]:
        case "dashboard":
            return ("/", "/?*")
        case "history":
            return ("/data/*",)
        case name:
            return (f"/{name}*",)
