"""What CloudFront, where a stage has it in front, must fetch anew after a commit."""

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

_WHEREVER = ("/runs*", "/changes*", "/vintages*", "/revisions*", "/latest*", "/docs*")
"""Answers that any commit changes."""
_CHARTS = ("/figures*", "/chart*", "/embed*")
"""Answers that are made of the figures."""
_OF_ALL = {"/", "/?*", "/changes*"}
"""Answers that a commit of any of several datasets changes."""


class Distribution:
    """The distribution in front of the API.

    An answer may come from a request handler that still holds the pointer it read up to `holding` seconds ago.
    Invalidating sooner would let the edge fetch such an answer and keep it: so the invalidation waits it out.
    """

    def __init__(
        self,
        client: Any,
        *,
        distribution: str,
        holding: float,
        paths: Callable[[Iterable[str]], list[str]] = lambda views: paths_of(views),
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client, self._distribution, self._holding, self._wait = client, distribution, holding, wait
        self._paths = paths

    def invalidate(self, run_id: str, views: Mapping[str, str]) -> None:
        """Have the answers made of these views (name -> digest) fetched anew.

        A repeated call for the same bytes is the same invalidation; other bytes of the same run are another one.
        """
        paths = self._paths(views)
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
    listed = " ".join(f"{name}={views[name]}" for name in sorted(views))
    return hashlib.sha256(listed.encode()).hexdigest()[:12]


def paths_of_dataset(dataset: str, *, first: str, several: bool) -> Callable[[Iterable[str]], list[str]]:
    """From views that changed to the paths of the answers that are made of them, wherever a stage serves them.

    Below the dataset's name one path stands for all, as CloudFront counts paths. Without a name the first dataset
    answers, and where there are several, what is about all of them.
    """

    def paths(views: Iterable[str]) -> list[str]:
        unnamed = paths_of(views)
        if not unnamed:
            return []
        everywhere = {f"/{dataset}*", "/datasets*"} | (_OF_ALL if several else set())
        return sorted(everywhere | (set(unnamed) if dataset == first else set()))

    return paths


def paths_of(views: Iterable[str]) -> list[str]:
    """The paths, as CloudFront matches them, of the answers that are made of views (`daily.json`)."""
    paths = {path for view in views for path in _paths(view)}
    return sorted(paths | set(_WHEREVER)) if paths else []


def _paths(view: str) -> tuple[str, ...]:
    match view.partition(".")[0]:
        case "dashboard":
            return ("/", "/?*")
        case "trend":
            return ()  # is in the overview alone, which every commit changes
        case "history":
            return ("/data/*",)
        case "index":
            return ("/data*", "/data/*", "/daily*", "/weekly*", "/monthly*", "/series*", *_CHARTS)
        case "figures":
            return _CHARTS
        case "days":
            return ("/daily*", "/weekly*", "/monthly*")
        case name:
            return (f"/{name}*",)
