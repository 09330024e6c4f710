"""The upstream hosts."""

from typing import Any

from infra.local.feed_server import FeedServer
from shared.dataset import Dataset


class Feeds(FeedServer):
    """The two upstream hosts; what they serve can be kept and brought back."""

    def kept(self) -> Any:
        return dict(self._files)

    def keep(self, kept: Any) -> None:
        self._files = dict(kept)


def file_address(dataset: Dataset, file_name: str) -> str:
    """Where the upstream host has a file: names of files are unique in a dataset only."""
    return f"{dataset.name}/{file_name}"
