"""What any input must come to: a table, or the declared error; the same by every way of reading."""

import contextlib
import functools
import io
import json
from collections.abc import Callable, Mapping, Sequence
from random import Random
from types import SimpleNamespace
from typing import Any

from chalicelib.comparing.delta_merge import delta_merge
from chalicelib.comparing.gate import check_gate
from chalicelib.csv_reading.careful_reading import read_carefully
from chalicelib.csv_reading.feed_reader import read_feed
from chalicelib.storing.snapshots import Snapshot
from chalicelib.tables import Table
from shared.dataset import Dataset, Feed
from shared.errors import ContractBroken, CovidStatsError, GateClosed
from tests.merger.merges import LATEST, LIMITS, as_plain, merge, opened, output, state, through_storage
from tests.proof.mutating import mutated_bytes, mutated_event, seeds
from tests.proof.small_feeds import jhu, nyt
from tests.shared.declared import US_COVID
from tests.shared.in_memory import event as real_event
from tests.shared.regions import REGIONS
from tests.world import World

_BOARD = b"day,region,beds\n2020-03-01,North,1\n2020-03-01,South,2\n2020-03-02,North,3\n2020-03-02,South,0\n"
_LAB = b'date,area,n\n2020-03-01,"North",10\n2020-03-01,South,20.0\n2020-03-02,South,0\n2020-03-02,North,31\n'

FILES: Mapping[str, Sequence[bytes]] = {
    "nyt": [nyt(6), nyt(3).replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + nyt(3)],
    "jhu": [jhu(5), jhu(3).replace(b"Chad", b'"Korea, South"')],
    "board": [_BOARD, _BOARD.replace(b"North", "Côte d'Or".encode())],
    "lab": [_LAB, _LAB.replace(b"\n", b"\r\n")],
}
FEEDS = {feed.name: (dataset, feed) for dataset in (US_COVID, REGIONS) for feed in dataset.feeds}


def read_fast(data: bytes, feed: Feed, dataset: Dataset) -> Table:
    """As a merge reads it."""
    return read_feed(functools.partial(io.BytesIO, data), feed, dataset, latest_day=None).table


def read_by_row(data: bytes, feed: Feed, dataset: Dataset) -> Table:
    """As reading is defined."""
    return read_carefully(data, feed, dataset).table


def outcome(read: Callable[[bytes, Feed, Dataset], Table], data: bytes, name: str) -> dict[str, Any]:
    """The table, or where and why the contract is broken. Any other error passes."""
    dataset, feed = FEEDS[name]
    try:
        return as_plain(read(data, feed, dataset))
    except ContractBroken as error:
        return vars(error)


def read_arbitrary_bytes(random: Random, *, name: str, count: int) -> None:
    """Read `count` arbitrary files as a feed, both ways."""
    known = [*FILES[name], *(path.read_bytes() for path in seeds("files"))]
    for _ in range(count):
        hold_reading(mutated_bytes(random, known), name)


def hold_reading(data: bytes, name: str) -> None:
    try:
        fast, careful = outcome(read_fast, data, name), outcome(read_by_row, data, name)
    except Exception as error:
        raise AssertionError(f"feed {name} of {data!r} raises {type(error).__name__}: {error}") from error
    assert fast == careful, f"feed {name} of {data!r} is read in two ways"


def merge_arbitrary_bytes(random: Random, *, dataset: Dataset, count: int) -> None:
    """Merge `count` arbitrary pairs of files, in full and by delta, down to all that leaves the merger."""
    good = _good_files(dataset)
    for _ in range(count):
        files = {feed: mutated_bytes(random, [*FILES[feed], data]) for feed, data in good.items()}
        hold_merging(files, dataset)


def hold_merging(files: Mapping[str, bytes], dataset: Dataset) -> None:
    good, old = _good_files(dataset), _loaded(dataset.name)
    try:
        full = merge(dataset, files, old=old, run_id="r2")
    except ContractBroken:
        full = None
    delta = delta_merge(opened(files), old_files=opened(good), old=old, dataset=dataset, run_id="r2", latest_day=LATEST)
    if full is None:
        assert delta is None, f"{files} were merged although they break their contract"
        return
    try:
        check_gate(full, dataset, LIMITS)
    except GateClosed:
        return
    if delta is not None and len(full.snapshot.rows):
        assert output(delta, dataset) == output(full, dataset), files
        assert state(delta.snapshot) == state(full.snapshot), files


def _good_files(dataset: Dataset) -> dict[str, bytes]:
    return {feed.name: FILES[feed.name][0] for feed in dataset.feeds}


@functools.cache
def _loaded(name: str) -> Snapshot:
    dataset = {it.name: it for it in (US_COVID, REGIONS)}[name]
    return through_storage(merge(dataset, _good_files(dataset)).snapshot, dataset)


HANDLERS: Mapping[str, Sequence[Any]] = {
    "fetch": [real_event("scheduled"), {"time": "2020-03-02T17:00:00Z"}],
    "watch": [real_event("scheduled"), {"time": "2020-03-02T23:59:00Z"}],
    "on_feed_arrived": [real_event("s3_object_created")],
    "operate": [{"command": "redrive", "run_id": "2020-03-01T17:00:00Z", "by": "ann", "time": "2020-03-02T17:00:00Z"}],
    "on_run_ended": [real_event(f"stream_{kind}") for kind in ("committed", "rejected", "notice")],
    "refresh_views": [real_event(f"stream_{kind}") for kind in ("committed", "rejected", "notice")],
}


def handle_arbitrary_events(random: Random, world: World, *, handler: str, count: int) -> None:
    """Give a handler `count` arbitrary events: it answers, or raises what it declares."""
    for _ in range(count):
        hold_event(world, handler, mutated_event(random, HANDLERS[handler]))


def hold_event(world: World, handler: str, event: Any) -> None:
    try:
        world.invoke(handler, event, request_id="fuzz")
    except CovidStatsError:
        pass
    except Exception as error:
        raise AssertionError(f"{handler} of {event!r} raises {type(error).__name__}: {error}") from error
    finally:
        world.platform.inbox.clear()


def ask_arbitrary_requests(random: Random, world: World, *, count: int) -> None:
    """Ask the API arbitrary things, in the form that API Gateway gives them: it answers, and never with a 500."""
    seed = real_event("api_get_daily")
    for _ in range(count):
        request = seed | {
            name: mutated_event(random, [seed[name]])
            for name in ("headers", "multiValueQueryStringParameters", "queryStringParameters", "path")
        }
        hold_request(world, {name: value for name, value in request.items() if _is_as_sent(name, value)})


def hold_request(world: World, members: Mapping[str, Any]) -> None:
    """Ask with these members in place of an ordinary request's."""
    request = real_event("api_get_daily") | members
    with contextlib.redirect_stdout(io.StringIO()):
        reply = world.apps["api"].app(request, SimpleNamespace(aws_request_id="fuzz", memory_limit_in_mb=512))
    assert reply["statusCode"] != 500, f"{json.dumps(members)[:2000]} is answered {reply}"


def _is_as_sent(name: str, value: Any) -> bool:
    """Whether the gateway would send this: text, or texts by name, or lists of texts by name."""
    if name == "path":
        return isinstance(value, str) and value.startswith("/")
    if name not in ("headers", "multiValueQueryStringParameters", "queryStringParameters"):
        return True
    if not isinstance(value, dict):
        return value is None
    if name == "multiValueQueryStringParameters":
        return all(
            isinstance(texts, list) and texts and all(isinstance(text, str) for text in texts)
            for texts in value.values()
        )
    return all(isinstance(text, str) for text in value.values())
