"""Where things are in S3, and which run and feed an object belongs to.

raw/{run_id}/{feed}.csv      the bytes a feed answered with
changesets/{run_id}.json     what a committed run changed
snapshots/{run_id}.csv       all rows after the run, for people, Athena and the views
snapshots/_{run_id}.index    the same per feed, for the next comparison; Athena passes over names that begin with _
views/{run_id}/{name}        what the API serves
"""

import re

from shared.errors import EventMalformed
from shared.runs import parse_time

_RAW = re.compile(r"raw/(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)/([A-Za-z0-9_.-]+)\.csv")

CURRENT_VIEWS = "views/current.json"
"""The one pointer that says which run's views are served."""


def raw_key(run_id: str, feed: str) -> str:
    return f"raw/{run_id}/{feed}.csv"


def change_set_key(run_id: str) -> str:
    return f"changesets/{run_id}.json"


def snapshot_key(run_id: str) -> str:
    return f"snapshots/{run_id}.csv"


def index_key(run_id: str) -> str:
    return f"snapshots/_{run_id}.index"


def view_key(run_id: str, name: str) -> str:
    return f"views/{run_id}/{name}"


def parse_raw_key(key: str) -> tuple[str, str]:
    """(run id, feed name) of a raw object's key. Raises EventMalformed for any other key."""
    found = _RAW.fullmatch(key)
    if not found:
        raise EventMalformed(f"S3 key {key[:200]!r} is not raw/{{run_id}}/{{feed}}.csv")
    parse_time(found[1])
    return found[1], found[2]
