"""The three runs of infra/docs/operating.md, run through a local cloud: an ordinary one, a failed one, a redriven one.

    python -m tests.infra.tracing.documented

writes their trees and pictures anew.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.local.day_folders import Day
from infra.local.demo_feeds import demo_days
from infra.local.local_system import LocalSystem, local_system
from infra.operating.approve_redrive import operate
from infra.terminal import Terminal
from infra.tracing.journey import Journey
from infra.tracing.store import FileStore
from infra.tracing.svg import picture
from infra.tracing.text import lines
from infra.tracing.trace import trace, untraced
from infra.waiting import wait_for
from shared.runs import Run, State, parse_time

DOCS = Path(__file__).parents[3] / "infra" / "docs"
PAGE = DOCS / "operating.md"
ORDINARY, FAILED, REDRIVEN = "2020-10-20T17:00:00Z", "2020-10-22T17:00:00Z", "2020-10-23T17:00:00Z"
NAMES = {"ordinary": ORDINARY, "failed": FAILED, "redriven": REDRIVEN}


@dataclass(frozen=True, kw_only=True)
class Documented:
    """One of the three."""

    run: Run
    journey: Journey

    def text(self, stage: str) -> str:
        missing = untraced(self.run, self.journey)
        shown = [line.plain.rstrip() for line in lines(self.journey, run=self.run, stage=stage, untraced=missing)]
        return "\n".join(shown) + "\n"


def happen(system: LocalSystem) -> Mapping[str, Documented]:
    """By name, as in NAMES."""
    chain, days = system.chain, {str(day.date): day for day in demo_days()}
    for day in (days["2020-10-19"], days["2020-10-20"], _cut(days["2020-10-22"])):
        assert not chain.carry(day).problem
    assert not chain.carry(days["2020-10-23"]).problem
    chain.feeds.publish(days["2020-10-25"].read(), at=parse_time("2020-10-24T09:00:00Z"))
    after = operate(system.stage, "redrive", REDRIVEN, report=lambda _: None).after
    assert after.state is State.COMMITTED, after.reason
    chain.await_mails(REDRIVEN)
    chain.await_views()
    return {name: _look(run_id, system) for name, run_id in NAMES.items()}


def _cut(day: Day) -> Day:
    """The day with the New York Times' file cut off after a third: valid, but the newest date moves back."""
    files = day.read()
    rows = files["us.csv"].splitlines(keepends=True)
    return Day(date=day.date, files=files | {"us.csv": b"".join(rows[: len(rows) // 3])})


def _look(run_id: str, system: LocalSystem) -> Documented:
    """Once the last mark is in the ledger, and what made it has been traced."""
    store = FileStore(system.traces)
    wanted = {
        State.COMMITTED: {"fetcher", "merger", "notifier", "api"},
        State.REJECTED: {"fetcher", "merger", "notifier"},
    }

    def look() -> Documented | None:
        run = system.stage.ledger.get(run_id)
        found = trace(run, store=store)
        done = wanted[run.state] <= run.traces.keys() and not untraced(run, found)
        return Documented(run=run, journey=found) if done else None

    found = wait_for(look, seconds=30, what=f"run {run_id} is traced")
    assert found is not None
    return found


def rewrite(page: str, texts: Mapping[str, str]) -> str:
    """The page with the block after each `<!-- trace: NAME -->` replaced."""
    for name, text in texts.items():
        before, opening, rest = page.partition(f"<!-- trace: {name} -->\n\n```text\n")
        _, end, after = rest.partition("```\n")
        assert opening and end, name
        page = f"{before}{opening}{text}{end}{after}"
    return page


def blocks(page: str) -> dict[str, str]:
    """Name -> what the page shows of it."""
    return dict(re.findall(r"<!-- trace: (\w+) -->\n\n```text\n(.*?)```\n", page, re.DOTALL))


def main() -> None:
    with local_system(terminal=Terminal(), stage="local") as system:
        documented = happen(system)
    PAGE.write_text(rewrite(PAGE.read_text(), {name: each.text("local") for name, each in documented.items()}))
    for name, each in documented.items():
        (DOCS / "traces" / f"{name}.svg").write_text(picture(each.journey, run=each.run, stage="local"))


if __name__ == "__main__":
    main()
