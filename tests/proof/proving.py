"""The parts of the proof, each as rows of the table: what was tried, what was found, how long it took."""

import contextlib
import functools
import itertools
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from infra.local.local_cloud import ministack_python
from shared.dataset import Dataset
from tests.proof import backtesting, concurrency, fuzzing, life, oversized, restoring, troubles
from tests.proof.admissions import ADMISSIONS, release_days, releases
from tests.proof.corpus import FEEDS, WHY_NOT
from tests.proof.crash_points import Then, try_story
from tests.proof.days import days_in
from tests.proof.failing_days import live_through_failures
from tests.proof.findings import Finding, Kind, finding_of
from tests.proof.histories import hold_history
from tests.proof.hostile_answers import endure
from tests.proof.lives_side_by_side import SideBySide
from tests.proof.local_failing_days import days_for
from tests.proof.mutating import seeds
from tests.proof.replaying import Replay, live_days, merge_days
from tests.proof.small_feeds import pair
from tests.proof.stories import SETTINGS, STORIES, a_day, carry
from tests.shared.declared import US_COVID
from tests.shared.in_memory import cloud_in_memory
from tests.shared.regions import REGIONS
from tests.world import World, world


@dataclass(kw_only=True)
class Row:
    """One line of the table."""

    part: str
    what: str
    tried: int = 0
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0
    second_mails: int = 0
    """Mails that came twice where they may."""
    also: str = ""
    """What else is to be known of it, in a few words."""
    skipped: str = ""
    """Why nothing was tried."""


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How much is tried of what has no end."""

    seed: int
    """The same one gives the same lives and inputs, another one others."""
    lives: int
    """Of each dataset."""
    seconds: float
    """Of days of failures: no life of them begins later."""
    inputs: int
    """All kinds together."""
    feeds: Path | None
    """Where days are; None where there are none."""


type Part = Callable[[Extent], Iterator[Row]]

DATASETS = (US_COVID, REGIONS)
VIEWS_OF_EVERY = 10
"""Releases of admissions: of each tenth the views are rendered, as in `release_days`."""
STEPS = 40
"""Of one life, at most."""


# --- crash points --------------------------------------------------------------------------------------------------


def crash_points(extent: Extent) -> Iterator[Row]:
    """A row for each handler, over all stories and all that may follow a crash."""
    rows: dict[str, Row] = {}
    with world(SETTINGS) as made:
        for number, story in enumerate(STORIES, start=1):
            began, points = time.monotonic(), 0
            for tried in (it for then in Then for it in try_story(made, story, then=then, to_the_end=False)):
                row = rows.setdefault(tried.handler, Row(part="crash points", what=tried.handler or "no crash at all"))
                row.tried += 1
                row.findings += tried.findings
                row.seconds += tried.seconds
                row.second_mails += tried.second_mails
                points += bool(tried.handler)
            seconds = time.monotonic() - began
            _say(f"story {number} of {len(STORIES)}, {story.name}: {points:,} crash points in {seconds:.0f} s")
    yield from (rows[handler] for handler in sorted(rows))


# --- interleavings -------------------------------------------------------------------------------------------------


def interleavings(extent: Extent) -> Iterator[Row]:
    """Lives of both datasets, of two in one stage, and handlers at work at the same time."""
    for place, dataset in enumerate(DATASETS):
        yield _lives(dataset, extent, seed=extent.seed * len(DATASETS) + place)
    yield _lives(DATASETS[0], extent, seed=extent.seed, beside=replace(DATASETS[0], name="twin"))
    row = Row(part="interleavings", what="two handlers at once")
    with _timed(row), world(SETTINGS) as made:
        arrived = concurrency.two_runs_have_arrived(made)
        for name, scenario in concurrency.scenarios():
            made.restore(arrived)
            _try(row, name, functools.partial(scenario, made))
    yield row


def _lives(dataset: Dataset, extent: Extent, *, seed: int, beside: Dataset | None = None) -> Row:
    """With another dataset `beside` it half as many, as each is a life of both."""
    named, number = dataset.name, extent.lives
    if beside:
        named, number = f"{dataset.name} and {beside.name} in one stage", extent.lives // 2
    lives = Row(part="interleavings", what=f"lives of {named}")
    seen = Counter[str]()
    with _timed(lives), world(life.SETTINGS, dataset=dataset, beside=[beside] if beside else []) as made:
        kind = SideBySide if beside else life.Life
        lead = functools.partial(life.live, made, lives=number, steps=STEPS, seen=seen, seed=seed, kind=kind)
        _try(lives, f"{number} lives of {named}, seed {seed}", lead)
    lives.tried, lives.second_mails = seen["lives"], seen["second mails"]
    lives.also = f"{seen['steps']:,} steps, {seen['crashes']:,} crashes"
    _say(f"{named}: {dict(seen)} in {lives.seconds:.0f} s")
    return lives


# --- troubles ------------------------------------------------------------------------------------------------------


def aimed_troubles(extent: Extent) -> Iterator[Row]:
    """What chance seldom hits on: times of the future, SNS down to the end, texts beyond all limits, restores."""
    with world(troubles.SETTINGS) as made:
        saved = troubles.loaded(made)
        yield _aimed("times of the future", troubles.times_of_the_future(), made, saved)
        yield _aimed("publishing that fails to the end", troubles.publishing_that_fails_to_the_end(), made, saved)
        yield _aimed("bad items of the ledger", troubles.bad_items(), made, saved)
        yield _aimed("approvals while another writes", troubles.approvals(), made, saved)
    row = Row(part="troubles", what="oversized texts")
    with _timed(row):
        for name, scenario in oversized.scenarios():
            with cloud_in_memory() as cloud:
                _try(row, name, functools.partial(scenario, cloud))
    yield row
    yield _restores()


def _aimed(what: str, scenarios: Iterable[tuple[str, troubles.Scenario]], made: World, saved: Any) -> Row:
    row = Row(part="troubles", what=what)
    with _timed(row):
        for name, scenario in scenarios:
            made.restore(saved)
            _try(row, name, functools.partial(scenario, made))
    _say(f"{row.tried:,} of {what} in {row.seconds:.0f} s")
    return row


def _restores() -> Row:
    row = Row(part="troubles", what="a restore at every call")
    with _timed(row), restoring.committed_twice() as found:
        for begins in restoring.Begins:
            try_every_call(row, functools.partial(_restore_at, found, begins), how=begins.value)
    _say(f"{row.tried:,} calls of restores in {row.seconds:.0f} s")
    return row


def _restore_at(found: restoring.CommittedTwice, begins: restoring.Begins, at_call: int) -> bool:
    return restoring.a_run_begins(found, begins, at_call=at_call)


def try_every_call(row: Row, begins: Callable[[int], bool], *, how: str = "") -> None:
    """With a run that begins before the first call of a restore, the second, and so on until there is no such call."""
    for at_call in itertools.count():
        is_one = [True]
        attempt = functools.partial(_note, is_one, begins, at_call)
        _try(row, f"a run begins before call {at_call} of a restore{how and f', {how}'}", attempt)
        if not is_one[0]:
            row.tried -= 1
            return


def _note(is_one: list[bool], begins: Callable[[int], bool], at_call: int) -> None:
    is_one[0] = begins(at_call)


# --- days of failures ----------------------------------------------------------------------------------------------


def failures(extent: Extent) -> Iterator[Row]:
    """Lives in which the platform fails all the time, one after the other until the seconds are over."""
    for dataset in DATASETS:
        row = Row(part="failures", what=f"days of failures of {dataset.name}")
        seen, began = Counter[str](), time.monotonic()
        with _timed(row), world(life.SETTINGS, dataset=dataset) as made:
            while not row.tried or time.monotonic() - began < extent.seconds / len(DATASETS):
                seed = f"{extent.seed}/failures/{dataset.name}/{row.tried}"
                lead = functools.partial(live_through_failures, Random(seed), made, seen=seen)
                _try(row, f"days of failures of {dataset.name} with Random({seed!r})", lead)
        row.second_mails = seen["second mails"]
        row.also = f"{seen['steps']:,} steps, {seen['crashes']:,} failures, {seen['hours without SNS']:,} h without SNS"
        _say(f"days of failures of {dataset.name}: {dict(seen)} in {row.seconds:.0f} s")
        yield row


def local_failures(extent: Extent) -> Iterator[Row]:
    """The same in the local cloud: functions as they are deployed, streams, queues and events as AWS has them."""
    row = Row(part="failures in the local cloud", what="random days")
    if not ministack_python().exists():
        row.skipped = f"the local cloud's environment is not there: {ministack_python()}"
        yield row
        return
    seen = Counter[str]()
    with _timed(row):
        lead = functools.partial(days_for, extent.seconds, seed=f"{extent.seed}/local failures", seen=seen)
        _try(row, f"days of failures in the local cloud, seed {extent.seed}", lead)
    row.tried = seen["days"]
    row.also = ", ".join(f"{seen[what]:,} {what}" for what in ("invocations failed", "calls failed", "records again"))
    _say(f"days of failures in the local cloud: {dict(seen)} in {row.seconds:.0f} s")
    yield row


# --- inputs --------------------------------------------------------------------------------------------------------


SHARES = {"files": 0.66, "pairs of files": 0.1, "histories": 0.01, "events": 0.16, "requests": 0.06, "answers": 0.01}
"""Of all inputs."""


def inputs(extent: Extent) -> Iterator[Row]:
    """Arbitrary files, histories, events, requests and answers of servers, each made from a seed of its own."""
    yield _past_findings()
    many = {what: round(extent.inputs * share) for what, share in SHARES.items()}
    read = [functools.partial(fuzzing.read_arbitrary_bytes, name=name, count=1) for name in fuzzing.FEEDS]
    yield _inputs("files", read, extent, many)
    merge = [functools.partial(fuzzing.merge_arbitrary_bytes, dataset=dataset, count=1) for dataset in DATASETS]
    yield _inputs("pairs of files", merge, extent, many)
    keep = [functools.partial(hold_history, dataset=dataset) for dataset in DATASETS]
    yield _inputs("histories", keep, extent, many)
    with _loaded() as made:
        saved = made.save()
        handle = [functools.partial(_handle, made=made, saved=saved, handler=name) for name in fuzzing.HANDLERS]
        yield _inputs("events", handle, extent, many)
        ask = functools.partial(fuzzing.ask_arbitrary_requests, world=made, count=1)
        yield _inputs("requests", [ask], extent, many)
        made.restore(saved)
        yield _inputs("answers", [functools.partial(endure, world=made, count=1)], extent, many)


def _inputs(what: str, ways: Sequence[Callable[[Random], None]], extent: Extent, many: Mapping[str, int]) -> Row:
    row = Row(part="inputs", what=what)
    with _timed(row):
        for number in range(many[what]):
            way, seed = ways[number % len(ways)], f"{extent.seed}/{what}/{number}"
            _try(row, f"{_called(way)} with Random({seed!r})", functools.partial(way, Random(seed)))
    _say(f"{row.tried:,} {what} in {row.seconds:.0f} s")
    return row


def _past_findings() -> Row:
    row = Row(part="inputs", what="past findings")
    with _timed(row), _loaded() as made:
        for path in seeds("files"):
            for name in fuzzing.FEEDS:
                _try(row, str(path), functools.partial(fuzzing.hold_reading, path.read_bytes(), name))
        for path in seeds("events"):
            seed = json.loads(path.read_text())
            _try(row, str(path), functools.partial(fuzzing.hold_event, made, seed["handler"], seed["event"]))
        for path in seeds("requests"):
            _try(row, str(path), functools.partial(fuzzing.hold_request, made, json.loads(path.read_text())))
    return row


@contextlib.contextmanager
def _loaded() -> Iterator[World]:
    """One day has been committed."""
    with world({"FETCH_TIMEOUT_SECONDS": "1"}) as made:
        carry(made, a_day(1, pair(9)))
        yield made


def _handle(random: Random, *, made: World, saved: Any, handler: str) -> None:
    made.restore(saved)
    fuzzing.handle_arbitrary_events(random, made, handler=handler, count=1)


def _called(way: Any) -> str:
    names = ("name", "handler", "dataset")
    shown = {name: getattr(it, "name", it) for name, it in way.keywords.items() if name in names}
    return f"{way.func.__name__.strip('_')} {shown or ''}".strip()


# --- days ----------------------------------------------------------------------------------------------------------


def days(extent: Extent) -> Iterator[Row]:
    """All days that there are, through the merge and through all handlers."""
    if extent.feeds is None:
        yield Row(part="days", what="all", skipped=WHY_NOT)
        return
    with tempfile.TemporaryDirectory() as folder:
        for source in days_in(extent.feeds, into=Path(folder)):
            known = f"{len(source.oracle)} by an oracle" if source.oracle else "by the model"
            yield _replayed(f"{source.name}, merge in full and by delta", known, functools.partial(merge_days, source))
            with world() as made:
                carried = functools.partial(live_days, made, source)
                yield _replayed(f"{source.name}, all handlers", known, carried)


def admissions(_extent: Extent) -> Iterator[Row]:
    """All releases of the weekly hospital admissions through all handlers."""
    row = Row(part="admissions", what="all releases, all handlers")
    archive = FEEDS / "nhsn" / "pack.tar.xz"
    if not archive.is_file():
        row.skipped = f"the releases are not at {archive}"
        yield row
        return
    with _timed(row), world(dataset=ADMISSIONS) as made:
        found = release_days(made, releases(archive), views_of_every=VIEWS_OF_EVERY)
    row.tried, row.findings, row.also = found.days, found.findings, "judged by csv and dictionaries"
    _say(f"{found.days} releases ended {dict(found.ends)} in {row.seconds:.0f} s")
    yield row


def _replayed(what: str, known: str, replay: Callable[[], Replay]) -> Row:
    row = Row(part="days", what=what)
    with _timed(row):
        try:
            done = replay()
        except Exception as error:
            row.findings.append(finding_of(error, where=what))
            return row
    row.tried, row.findings, row.also = done.days, done.findings, f"judged {known}"
    _say(f"{what}: {done.days} days ended {dict(done.ends)} in {row.seconds:.0f} s")
    return row


# --- coverage ------------------------------------------------------------------------------------------------------


def coverage(extent: Extent) -> Iterator[Row]:
    """Of what is said about how final new values are, what share came true: the bands are stated for 80 %."""
    for what, archive, states, dataset in (
        ("outlook bands, US days", backtesting.DEV, backtesting.us_days, US_COVID),
        ("outlook bands, NHSN releases", backtesting.RELEASES, backtesting.nhsn_releases, backtesting.NHSN),
    ):
        row = Row(part="coverage", what=what)
        if not archive.exists():
            row.skipped = WHY_NOT
        else:
            with _timed(row):
                row.tried, share = backtesting.coverage(states(), dataset)
            row.also = f"what came lay within {share:.1%} of them"
            if not backtesting.LEAST <= share <= backtesting.MOST:
                allowed = f"{backtesting.LEAST:.0%} to {backtesting.MOST:.0%}"
                row.findings.append(
                    Finding(kind=Kind.DIFFERENCE, where=what, what=f"{share:.1%} came true; {allowed} is allowed")
                )
        yield row


# --- trying --------------------------------------------------------------------------------------------------------


def _try(row: Row, where: str, attempt: Callable[[], object]) -> None:
    """One more was tried; what it raises was found."""
    row.tried += 1
    try:
        attempt()
    except Exception as error:
        row.findings.append(finding_of(error, where=where))


@contextlib.contextmanager
def _timed(row: Row) -> Iterator[None]:
    began = time.monotonic()
    try:
        yield
    finally:
        row.seconds += time.monotonic() - began


def _say(text: str) -> None:
    """Progress: the whole takes minutes."""
    print(text, file=sys.stderr, flush=True)


def prove(name: str, extent: Extent) -> list[Row]:
    """The rows of one part."""
    return list(PARTS[name](extent))


PARTS: Mapping[str, Part] = {
    "crash-points": crash_points,
    "interleavings": interleavings,
    "troubles": aimed_troubles,
    "failures": failures,
    "inputs": inputs,
    "days": days,
    "admissions": admissions,
    "coverage": coverage,
    "local-failures": local_failures,
}
