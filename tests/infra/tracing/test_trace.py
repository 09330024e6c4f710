"""`make trace`: when it looks, where, and what it says of what it cannot find."""

import datetime as dt
from collections.abc import Iterable

from infra.tracing.store import Trace, Window
from infra.tracing.trace import trace, untraced, windows
from shared.runs import Run, State
from tests.infra.tracing.test_journey import ARRIVED, FETCH, SUNDAY

HEADER = "Root=1-5f95b290-000000000000000000000001;Parent=0000000000000001;Sampled=1"


class Recorded:
    """A store that finds nothing by itself; `got` is what it was asked for."""

    def __init__(self, *traces: Trace, found: Iterable[str] = ()) -> None:
        self._traces, self._found = traces, list(found)
        self.got: list[str] = []

    def find(self, run_id: str, windows: Iterable[Window]) -> list[str]:
        return self._found

    def get(self, trace_ids: Iterable[str]) -> list[Trace]:
        self.got = sorted(trace_ids)
        return [each for each in self._traces if each.trace_id in self.got]


def run(**values: object) -> Run:
    return Run(run_id=SUNDAY, state=State.COMMITTED, **values)  # type: ignore[arg-type]


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"2020-{text}+00:00")


def test_a_run_is_looked_for_until_after_its_deadline() -> None:
    assert windows(run()) == [Window(since=at("10-25T16:55:00"), until=at("10-26T01:00:00"))]


def test_and_when_an_operator_took_it_up_and_when_the_ledger_has_a_trace_of() -> None:
    taken_up = run(redriven_at="2020-10-28T09:00:00Z", traces={"fetcher": HEADER, "odd": "nonsense"})
    assert windows(taken_up) == [
        Window(since=at("10-25T16:55:00"), until=at("10-26T01:00:00")),
        Window(since=at("10-28T08:55:00"), until=at("10-28T09:30:00")),
    ]


def test_what_the_ledger_names_is_got_even_where_the_search_does_not_have_it_yet() -> None:
    store = Recorded(FETCH, ARRIVED, found=["T1"])
    found = trace(run(traces={"merger": "Root=T2;Parent=Fb;Sampled=1"}), store=store)
    assert store.got == ["T1", "T2"]
    assert [hop.name for hop in found.hops] == ["fetcher.fetch", "merger.on_feed_arrived"]


def test_what_is_missing_is_named_with_the_reason() -> None:
    traced = run(
        traces={"fetcher": "Root=T1;Parent=Fa;Sampled=1", "merger": "Root=T2;Parent=Fb;Sampled=0", "api": HEADER}
    )
    assert untraced(traced, trace(traced, store=Recorded(FETCH))) == [
        "api worked on it, but trace 1-5f95b290-000000000000000000000001 is not found:"
        " X-Ray has it after some seconds, and for 30 days",
        "merger worked on it, but trace T2 was not sampled",
    ]


def test_a_run_of_which_nothing_is_known_says_so() -> None:
    assert untraced(run(), trace(run(), store=Recorded())) == ["nothing is traced of this run"]
