"""Reads the API of covid-stats into pandas."""

from covid_stats_client.client import Client
from covid_stats_client.following import Follower
from covid_stats_client.transport import ApiError

__all__ = ["ApiError", "Client", "Follower"]
