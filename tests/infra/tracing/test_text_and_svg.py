"""A journey as people see it: in a terminal and as a picture."""

import io
import itertools
import xml.etree.ElementTree as ET

import pytest
from rich.console import Console

from infra.tracing.hops import Hop, Step, find_hops
from infra.tracing.journey import journey
from infra.tracing.rows import Scale, duration, rows, size
from infra.tracing.svg import picture
from infra.tracing.text import lines, show
from shared.runs import Run, State
from tests.infra.tracing.test_journey import ARRIVED, FETCH, MAILED, SUNDAY, handler, look, subsegment, trace

RUN = Run(run_id=SUNDAY, state=State.COMMITTED, added=1, changed=19)
REJECTED = Run(run_id=SUNDAY, state=State.REJECTED, reason="3 of 280 rows would be removed")


def plain(*, run: Run = RUN, brief: bool = False, untraced: list[str] | None = None) -> list[str]:
    found = look(FETCH, ARRIVED, MAILED)
    return [line.plain.rstrip() for line in lines(found, run=run, stage="test", untraced=untraced or [], brief=brief)]


def test_the_tree_in_words() -> None:
    assert plain() == [
        f"run {SUNDAY} of stage test  COMMITTED  1 added, 19 changed, 0 removed",
        "13.00 s in all: 9.00 s at work, 4.00 s in queues",
        "",
        "        at       took",
        "                                                     by schedule",
        "    0.0 ms     4.00 s  ████████                      fetcher.fetch  cold start",
        f"    1.00 s     1.00 s    ━━                            S3 PutObject  raw/us-covid/{SUNDAY}/nyt.csv",
        f"    1.00 s     2.00 s    ━━━━                          S3 PutObject  raw/us-covid/{SUNDAY}/jhu.csv",
        f"{'':55}↓ 2.00 s after S3 PutObject raw/us-covid/{SUNDAY}/jhu.csv",
        "    5.00 s     4.00 s            █████████             merger.on_feed_arrived  jhu",
        "    6.00 s     1.00 s              ━━━                   merge  285 rows",
        "    7.00 s     1.00 s                 ━━                 DynamoDB TransactWriteItems  runs",
        "                                                         ↓ 4.00 s after DynamoDB TransactWriteItems runs",
        "   12.00 s     1.00 s                           ███      notifier.on_run_ended",
        "   12.00 s     1.00 s                           ━━━        mail  COMMITTED",
    ]


def test_on_a_terminal_of_80_columns_it_is_broken_between_words_and_no_id_is_cut() -> None:
    found = look(FETCH, ARRIVED, MAILED)
    narrow = [line.plain for line in lines(found, run=RUN, stage="test", untraced=[], width=80)]
    assert [line for line in narrow if len(line) > 80] == []
    wide = " ".join(word for line in plain() for word in line.split() if set(word) - set("█━"))
    assert " ".join(word for line in narrow for word in line.split() if set(word) - set("█━")) == wide
    assert f"raw/us-covid/{SUNDAY}/nyt.csv" in "\n".join(narrow)


def test_what_cannot_be_broken_stays_whole() -> None:
    long = look(FETCH, ARRIVED, MAILED)
    narrow = [line.plain for line in lines(long, run=RUN, stage="test", untraced=[], width=45)]
    assert any(f"raw/us-covid/{SUNDAY}/jhu.csv" in line for line in narrow)


def test_in_brief_only_hops_are_shown() -> None:
    shown = [line for line in plain(brief=True) if "█" in line or "━" in line]
    assert [line.split()[5] for line in shown] == [
        "fetcher.fetch",
        "merger.on_feed_arrived",
        "notifier.on_run_ended",
    ]


def test_a_fault_stands_out_with_its_cause_also_in_brief() -> None:
    cause = {"exceptions": [{"id": "x1", "type": "GateClosed", "message": "3 of 280 rows would be removed"}]}
    failed = trace(
        "T2",
        handler("b", "merger", "on_feed_arrived", 5, 9, says={"state": "REJECTED", "reason": "3 of 280 ..."}),
        subsegment("b1", "b", "gate", 6, 7, fault=True, cause=cause),
    )
    shown = [line.plain for line in lines(look(failed), run=REJECTED, stage="test", untraced=[], brief=True)]
    assert shown[0].endswith("REJECTED")
    assert shown[1] == "3 of 280 rows would be removed"
    assert [line.strip() for line in shown if "GateClosed" in line] == ["GateClosed: 3 of 280 rows would be removed"]
    assert any("✗ gate" in line for line in shown)


def test_what_could_not_be_found_is_listed() -> None:
    assert plain(untraced=["merger worked on it, but trace 1-2-3 was not sampled"])[-1] == (
        "! merger worked on it, but trace 1-2-3 was not sampled"
    )


def test_colours_are_for_terminals() -> None:
    def written(*, terminal: bool) -> str:
        console = Console(file=io.StringIO(), force_terminal=terminal, width=200)
        show(console, look(FETCH), run=RUN, stage="test", untraced=[], brief=False)
        return str(console.file.getvalue())  # type: ignore[attr-defined]

    assert "\x1b[" in written(terminal=True)
    assert "\x1b" not in written(terminal=False)


def step(name: str, began: int, *, sent: int = 0, failure: str = "") -> Step:
    return Step(
        name=name,
        began=began,
        ended=began + 1,
        metadata={"sent": sent},
        about=f"views/us-covid/{began}",
        failure=failure,
    )


def hop(*steps: Step, ended: int = 100) -> Hop:
    return Hop(
        service="api",
        handler="refresh_views",
        trace_id="T",
        segment_id="F",
        began=0,
        ended=ended,
        metadata={},
        cold_start=False,
        upstream="",
        upstream_trace="",
        failure="",
        cause="",
        steps=steps,
    )


def test_many_calls_of_a_kind_are_one_row_and_a_failed_one_is_its_own() -> None:
    calls = [step("S3 PutObject", n, sent=1000) for n in range(10)]
    failed = step("S3 PutObject", 10, failure="fault")
    shown = rows(journey(SUNDAY, [hop(*calls, failed, step("S3 GetObject", 20))]))
    assert [(row.title, row.details, row.failure) for row in shown[1:]] == [
        ("S3 PutObject \N{MULTIPLICATION SIGN}10", "10 kB sent", ""),
        ("S3 PutObject", "views/us-covid/10", "fault"),
        ("S3 GetObject", "views/us-covid/20", ""),
    ]


@pytest.mark.parametrize(
    ("microseconds", "words"),
    [
        (0, "0.0 ms"),
        (85_840, "85.8 ms"),
        (999_949, "999.9 ms"),
        (4_720_000, "4.72 s"),
        (192_000_000, "3 min 12 s"),
        (7_500_000_000, "2 h 5 min"),
        (3_600_000_000 * 76, "3 d 4 h"),
        (3_600_000_000 * 24, "1 d"),
    ],
)
def test_durations(microseconds: int, words: str) -> None:
    assert duration(microseconds) == words


@pytest.mark.parametrize(("count", "words"), [(0, "0 B"), (999, "999 B"), (555_486, "555 kB"), (1_230_000, "1.2 MB")])
def test_sizes(count: int, words: str) -> None:
    assert size(count) == words


def test_the_scale_goes_from_one_end_to_the_other_and_never_back() -> None:
    hours = 3600
    operated = trace("T5", handler("e", "merger", "operate", 5 * hours, 5 * hours + 2, says={"upstream": "operator"}))
    found = look(FETCH, ARRIVED, MAILED, operated)
    scale = Scale(found)
    times = [found.began + n * (found.took // 500) for n in range(501)] + [found.ended]
    places = [scale.place(time) for time in sorted(times)]
    assert (places[0], round(places[-1], 9)) == (0.0, 1.0)
    assert all(a <= b for a, b in itertools.pairwise(places))
    assert scale.place(13_000_000) > 0.7, "five hours until the operator leave room for thirteen seconds of work"
    assert scale.broken == [(13_000_000, 5 * hours * 1_000_000)]


def test_the_picture_is_a_document_of_its_own_with_a_bar_for_each_row() -> None:
    found = look(FETCH, ARRIVED, MAILED)
    root = ET.fromstring(picture(found, run=REJECTED, stage='a<b>&"c'))
    space = "{http://www.w3.org/2000/svg}"
    assert root.find(f"{space}title").text == f'Run {SUNDAY} of stage a<b>&"c: REJECTED'  # type: ignore[union-attr]
    bars = [each for each in root.iter(f"{space}rect") if each.find(f"{space}title") is not None]
    assert len(bars) == len(rows(found))
    assert "http" not in picture(found, run=RUN, stage="test").replace("http://www.w3.org/2000/svg", "")
    assert all(float(bar.get("x", "0")) + float(bar.get("width", "0")) <= 1240 for bar in bars)


def test_a_picture_of_nothing_is_a_document_too() -> None:
    ET.fromstring(picture(journey(SUNDAY, []), run=RUN, stage="test"))


def test_hops_come_in_order() -> None:
    assert [each.name for each in find_hops([MAILED, FETCH], SUNDAY)] == ["fetcher.fetch", "notifier.on_run_ended"]
