"""Where things are in S3, and which dataset, run and feed an object belongs to.

raw/{dataset}/{run_id}/{feed}.csv      the bytes a feed answered with
past/{dataset}/{sha256}.gz             the bytes of a backfilled file, packed: no event comes of them
changesets/{dataset}/{run_id}.json     what a committed run changed
snapshots/{dataset}/{run_id}.csv       all rows after the run, for people, Athena and the views
snapshots/{dataset}/_{run_id}.index    the same per feed, for the next comparison; Athena passes over names with _
snapshots/{dataset}/_{run_id}/{n}.parquet   the same in parts, where the distributed engine found it
jobs/{dataset}/{run_id}/{attempt}/...  an order to that engine and what came of it; kept for some days
views/{dataset}/{run_id}/{name}        what the API serves
views/{dataset}/current.json           the one pointer that says which run's views are served
views/static/{name}                    scripts and styles that pages of any run need
"""

import re

from shared.errors import EventMalformed
from shared.runs import parse_time

_RAW = re.compile(r"raw/([a-z][a-z0-9-]*)/(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)/([A-Za-z0-9_.-]+)\.csv")

_RESULT = re.compile(r"jobs/([a-z][a-z0-9-]*)/(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)/(\d{1,9})/result\.json")


def raw_key(dataset: str, run_id: str, feed: str) -> str:
    return f"raw/{dataset}/{run_id}/{feed}.csv"


def past_file_key(dataset: str, sha256: str) -> str:
    return f"past/{dataset}/{sha256}.gz"


def change_set_key(dataset: str, run_id: str) -> str:
    return f"changesets/{dataset}/{run_id}.json"


def snapshot_key(dataset: str, run_id: str) -> str:
    return f"snapshots/{dataset}/{run_id}.csv"


def index_key(dataset: str, run_id: str) -> str:
    return f"snapshots/{dataset}/_{run_id}.index"


def snapshot_part_key(dataset: str, run_id: str, number: int) -> str:
    return f"snapshots/{dataset}/_{run_id}/{number:05d}.parquet"


def job_folder(dataset: str, run_id: str, attempt: int) -> str:
    """What the keys of one attempt of the engine begin with."""
    return f"jobs/{dataset}/{run_id}/{attempt}/"


def parse_result_key(key: str) -> tuple[str, str, int] | None:
    """(dataset, run id, attempt) of the key of an engine's result; None for any other key."""
    found = _RESULT.fullmatch(key)
    if not found:
        return None
    parse_time(found[2])
    return found[1], found[2], int(found[3])


def view_key(dataset: str, run_id: str, name: str) -> str:
    return f"views/{dataset}/{run_id}/{name}"


def current_views_key(dataset: str) -> str:
    return f"views/{dataset}/current.json"


def static_key(name: str) -> str:
    return f"views/static/{name}"


def parse_raw_key(key: str) -> tuple[str, str, str]:
    """(dataset, run id, feed name) of a raw object's key. Raises EventMalformed for any other key."""
    found = _RAW.fullmatch(key)
    if not found:
        raise EventMalformed(f"S3 key {key[:200]!r} is not raw/{{dataset}}/{{run_id}}/{{feed}}.csv")
    parse_time(found[2])
    return found[1], found[2], found[3]
