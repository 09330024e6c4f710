import datetime as dt
import io

import pytest
from rich.console import Console

from infra.local.chain import Carried
from infra.local.day_display import DayDisplay
from infra.local.day_folders import Day
from infra.local.mailbox import ReceivedMail
from infra.terminal import PrintableConsole
from shared.runs import Run, State


def terminal() -> tuple[DayDisplay, io.StringIO]:
    out = io.StringIO()
    return DayDisplay(Console(file=out, width=80, highlight=False)), out


def carried(state: State, *, note: str = "", reason: str = "", mails: int = 0, problem: str = "") -> Carried:
    return Carried(
        day=Day(date=dt.date(2020, 10, 25), note=note),
        run=Run(run_id="2020-10-25T17:00:00Z", state=state, reason=reason, added=1, changed=19),
        mails=[ReceivedMail(subject="s", body="b", attributes={"kind": "digest"})] * mails,
        change_set=b"{}",
        seconds=0.31,
        problem=problem,
    )


def test_nothing_that_is_shown_steers_the_terminal() -> None:
    out = io.StringIO()
    shown = DayDisplay(PrintableConsole(file=out, width=80, highlight=False))
    shown.day(carried(State.INCOMPLETE, reason="\x1b[2J\x1b]0;owned\x07", problem="\x9b31m"))
    shown.mail(ReceivedMail(subject="\x1b[5m", body="a\u202eb\nc\x00", attributes={"kind": "digest"}))
    shown.say("\x1b[2J")
    assert out.getvalue().replace("\n", "").isprintable()
    assert "?[2J?]0;owned\n" in out.getvalue()


def test_a_day_is_one_line_with_its_seconds() -> None:
    shown, out = terminal()
    shown.day(carried(State.COMMITTED, note="an ordinary day", mails=1))
    shown.day(carried(State.UNCHANGED))
    assert out.getvalue() == (
        "2020-10-25  COMMITTED   +1 ~19 -0     1 mail   0.31 s  an ordinary day\n"
        "2020-10-25  UNCHANGED                 no mail  0.31 s\n"
    )


def test_a_day_that_ended_badly_says_why() -> None:
    shown, out = terminal()
    shown.day(carried(State.REJECTED, reason="feed nyt [line 3]", mails=1))
    shown.day(carried(State.MERGING, problem="run ends: not after 60 s"))
    lines = out.getvalue().splitlines()
    assert lines[1] == "            feed nyt [line 3]"
    assert lines[3] == "            not carried to its end: run ends: not after 60 s"


def test_a_mail_is_shown_whole_and_its_links_are_not_broken() -> None:
    shown, out = terminal()
    link = "https://dashboard.example/" + "x" * 90
    shown.mail(ReceivedMail(subject="1 added", body=f"headline\n\n{link}\n", attributes={"kind": "digest"}))
    assert out.getvalue() == f"╭─ ✉ 1 added\n│ headline\n│ \n│ {link}\n╰─\n"


def test_a_step_is_one_line_whether_it_is_done_or_fails() -> None:
    shown, out = terminal()
    with shown.step("Start the local cloud") as step:
        step.note("http://127.0.0.1:1")
    with pytest.raises(OSError, match="no"), shown.step("Build"):
        raise OSError("no")
    started, built = out.getvalue().splitlines()
    assert started.split() == ["✓", "Start", "the", "local", "cloud", "0.0", "s", "http://127.0.0.1:1"]
    assert built.split() == ["✗", "Build", "0.0", "s"]


def test_the_table_of_runs_has_a_line_for_each_and_whole_run_ids() -> None:
    shown, out = terminal()
    shown.runs([carried(State.COMMITTED, note="first", mails=1), carried(State.UNCHANGED, note="nothing new")])
    rows = [line.split() for line in out.getvalue().splitlines() if "T17:00:00Z" in line]
    assert rows == [
        ["2020-10-25T17:00:00Z", "COMMITTED", "+1", "~19", "-0", "digest", "first"],
        ["2020-10-25T17:00:00Z", "UNCHANGED", "nothing", "new"],
    ]
