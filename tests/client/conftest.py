"""A served API, over HTTP, for the client to read."""

from tests.api.conftest import api, cloud, committer, served

__all__ = ["api", "cloud", "committer", "served"]
