"""What runs in the local cloud: the whole chain from fetch to mail, and what readers ask of the API.

Ours and its rivals are deployed beside one another in one cloud, and take turns. Its emulation of AWS is in every
figure, on all sides; nothing here says how fast AWS is.
"""

import contextlib
import datetime as dt
import gzip
import itertools
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from infra.local.chain import Chain
from infra.local.day_folders import Day
from infra.local.local_cloud import LocalCloud
from infra.local.local_system import deployed_chain
from infra.waiting import wait_for
from tests.bench import page, rivals, vintages
from tests.bench.measuring import FLOOR, OURS, PLAIN, Figure, Target, take_turns
from tests.bench.reading import Reader, several
from tests.proof.small_feeds import jhu, nyt
from tests.shared.declared import US_COVID

_OF_ONE = ("get_daily", "get_daily_1k", "get_daily_p99", "chain", *page.NAMES, *vintages.NAMES)
_OF_SERIES = ("get_series", "get_series_of_1")
NAMES = (*_OF_ONE, *_OF_SERIES)

_STAGE = "bench"
_ROWS = 1000
"""Dates of the feeds for the chain: about as many as upstream ever published."""
_ROWS_SERVED = 5000
"""Rows of the larger table that is asked for: fifty series of a hundred days, or one of fourteen years."""
_SERIES, _DATES = 3000, 400
"""Series of the dataset that one is read of, and dates of that one; the others have two."""
_FIRST_DAY = dt.date(2023, 3, 1)
_CLIENTS, _SECONDS = 8, 60.0


def measure(wanted: Iterable[str]) -> Iterator[Figure]:
    """The figures asked for."""
    chosen = set(wanted)
    with LocalCloud() as cloud:
        if chosen & set(_OF_ONE):
            yield from _measure(cloud, chosen)
        if chosen & set(_OF_SERIES):
            yield from (figure for figure in _get_series(cloud) if figure.name in chosen)


def _measure(cloud: LocalCloud, chosen: set[str]) -> Iterator[Figure]:
    with deployed_chain(_STAGE, cloud=cloud, settings={}, report=_quiet) as chain:
        days = itertools.count()
        _carry(chain, _day(next(days)))
        chain.await_views()
        if "chain" in chosen:
            with _switched_off(cloud, "refresh_views"):
                yield _chain(cloud, chain, days)
        chain.await_views()
        if chosen & set(page.NAMES):
            yield from (figure for figure in _page(chain, days) if figure.name in chosen)
        if "get_daily_1k" in chosen:
            yield _get_daily(cloud, chain, "get_daily_1k", target=Target(times_floor=1.3))
        if chosen & {"get_daily", "get_daily_p99"}:
            _carry(chain, _day(next(days), rows=_ROWS_SERVED))
            chain.await_views()
        if "get_daily" in chosen:
            yield _get_daily(cloud, chain, "get_daily", target=Target(faster_than_plain=25, times_floor=1.3))
        if "get_daily_p99" in chosen:
            yield _p99(chain)
        if chosen & set(vintages.NAMES):
            yield from (figure for figure in vintages.measure(cloud, chain.stage) if figure.name in chosen)


def _page(chain: Chain, days: Iterator[int]) -> Iterator[Figure]:
    def next_day() -> None:
        _carry(chain, _day(next(days)))
        chain.await_views()

    missing = page.without_a_browser()
    if missing:
        return iter([Figure(name=name, unit="", rounds={}, note=missing) for name in page.NAMES])
    return page.measure(f"{chain.stage.api_url}/", next_day=next_day)


def _get_daily(cloud: LocalCloud, chain: Chain, name: str, *, target: Target) -> Figure:
    bucket, table = chain.stage.parameter("artefacts"), chain.stage.parameter("observations-table")
    with contextlib.ExitStack() as stack:

        def reader(url: str) -> Reader:
            return stack.enter_context(Reader(f"{url}/daily"))

        ours = reader(chain.stage.api_url)
        answer = ours.read()
        rows, size = gzip.decompress(answer).count(b'"date"'), len(answer)
        contenders = {
            OURS: several(ours, 20),
            PLAIN: several(reader(rivals.plain_api(cloud, bucket=bucket, table=table)), 2),
            FLOOR: several(reader(rivals.constant_api(cloud, bucket=bucket, size=size)), 20),
        }
        taken = take_turns(contenders, rounds=9)
    return Figure(
        name=name,
        unit="ms",
        rounds=taken,
        target=target,
        note=f"{rows:,} rows, {size / 1000:.1f} kB gzipped; the local cloud itself takes what the floor shows",
    )


def _get_series(cloud: LocalCloud) -> Iterator[Figure]:
    """One series of one, and then the same one of many, beside a constant answer of its size."""
    settings = {"DATASETS": "us-states"}
    with deployed_chain("bench-series", cloud=cloud, settings=settings, report=_quiet) as chain:
        for day, (name, count) in enumerate([("get_series_of_1", 1), ("get_series", _SERIES)]):
            file = {"us-states.csv": _states(count)}
            _carry(chain, Day(date=_FIRST_DAY + dt.timedelta(days=day), dataset="us-states", files=file))
            chain.await_views()
            with contextlib.ExitStack() as stack:
                ours = stack.enter_context(Reader(f"{chain.stage.api_url}/data?series=State%200000"))
                size = len(ours.read())
                constant = rivals.constant_api(cloud, bucket=chain.stage.parameter("artefacts"), size=size)
                floor = stack.enter_context(Reader(f"{constant}/daily"))
                taken = take_turns({OURS: several(ours, 20), FLOOR: several(floor, 20)}, rounds=9)
            yield Figure(
                name=name,
                unit="ms",
                rounds=taken,
                target=Target(times_floor=1.3),
                note=f"{_DATES} rows of one series of {count:,}, {size / 1000:.1f} kB gzipped",
            )


def _states(count: int) -> bytes:
    """Series with running totals: one of many dates, the others of the two newest."""
    dates = [(_FIRST_DAY - dt.timedelta(days=_DATES - n)).isoformat() for n in range(_DATES)]
    lines = ["date,state,fips,cases,deaths"]
    for day, date in enumerate(dates):
        states = range(count if day >= _DATES - 2 else 1)
        lines += [f"{date},State {n:04},{n:05},{day * 37 + n},{day + n % 7}" for n in states]
    return ("\n".join(lines) + "\n").encode()


def _p99(chain: Chain) -> Figure:
    """Many readers at once; an answer other than 200 ends the benchmark."""
    until = time.monotonic() + _SECONDS

    def read_on(_: int) -> list[float]:
        taken = []
        with Reader(f"{chain.stage.api_url}/daily") as reader:
            while time.monotonic() < until:
                began = time.perf_counter()
                reader.read()
                taken.append((time.perf_counter() - began) * 1000)
        return taken

    with ThreadPoolExecutor(_CLIENTS) as pool:
        taken = sorted(itertools.chain.from_iterable(pool.map(read_on, range(_CLIENTS))))
    middle, last = statistics.median(taken), taken[int(len(taken) * 0.99)]
    return Figure(
        name="get_daily_p99",
        unit="of p50",
        rounds={OURS: [last / middle]},
        target=Target(at_most=3),
        note=(
            f"{_CLIENTS} clients for {_SECONDS:.0f} s, {len(taken):,} requests, no error;"
            f" p50 {middle:.1f} ms, p99 {last:.1f} ms"
        ),
    )


def _chain(cloud: LocalCloud, chain: Chain, days: Iterator[int]) -> Figure:
    """With the refresh of the views switched off: the local cloud has a stream's readers wait for one another."""
    silent = rivals.empty_hops(cloud, "bench-hops-silent")
    saying = rivals.empty_hops(cloud, "bench-hops-saying", say=True)
    times = (f"{day}T17:00:00Z" for day in itertools.count(10_000))

    def ours() -> float:
        time_of_run = _publish(chain, next(days))
        seconds = _until(lambda: chain.fetch(time_of_run), lambda: bool(chain.mailbox.read()))
        chain.await_end(time_of_run)
        return seconds

    contenders = {
        OURS: ours,
        FLOOR: lambda: _until(lambda: silent.begin(next(times)), silent.arrived),
        "saying": lambda: _until(lambda: saying.begin(next(times)), saying.arrived),
    }
    taken = take_turns(contenders, rounds=15, warm_up=3)
    least = statistics.median(taken.pop("saying"))
    return Figure(
        name="chain",
        unit="s",
        rounds=taken,
        target=Target(times_floor=2),
        note=(
            "from the fetch event to the mail, two feeds, one date added, views not refreshed meanwhile; the floor is"
            f" the same hops with empty functions ({least:.3f} s if each of these prints a line)"
        ),
    )


@contextlib.contextmanager
def _switched_off(cloud: LocalCloud, function: str) -> Iterator[None]:
    """The function gets no stream records meanwhile, and those of the time afterwards."""
    client = cloud.client("lambda")
    mappings = client.list_event_source_mappings()["EventSourceMappings"]
    [mapping] = [mapping["UUID"] for mapping in mappings if mapping["FunctionArn"].endswith(function)]
    client.update_event_source_mapping(UUID=mapping, Enabled=False)
    yield
    client.update_event_source_mapping(UUID=mapping, Enabled=True)


def _until(begin: Callable[[], object], arrived: Callable[[], bool]) -> float:
    began = time.perf_counter()
    begin()
    wait_for(arrived, seconds=60, what="the mail arrives")
    return time.perf_counter() - began


def _carry(chain: Chain, day: Day) -> None:
    done = chain.carry(day)
    assert not done.problem, done.problem


def _publish(chain: Chain, number: int) -> str:
    day = _day(number)
    chain.feeds.publish(day.read(), at=dt.datetime.combine(day.date, dt.time(16), tzinfo=dt.UTC))
    return day.fetch_at


def _day(number: int, *, rows: int = _ROWS) -> Day:
    names = {feed.name: feed.file_name for feed in US_COVID.feeds}
    files = {names["nyt"]: nyt(rows + number), names["jhu"]: jhu(rows + number)}
    return Day(date=_FIRST_DAY + dt.timedelta(days=number), files=files)


def _quiet(_: str) -> None:
    """Progress is the caller's to show."""
