"""What `make replay` writes of a day."""

import datetime as dt
from typing import Any

from infra.local.chain import Carried
from infra.local.day_folders import Day
from infra.local.mailbox import ReceivedMail
from infra.local.replay import as_line
from shared.runs import Run, State


def test_a_line_has_what_the_run_came_to_with_its_warnings_and_mails() -> None:
    committed: dict[str, Any] = {
        "state": State.COMMITTED, "added": 1, "changed": 19, "summary": {"warnings": ["deaths fell by 3"]},
    }  # fmt: skip
    done = Carried(
        day=Day(date=dt.date(2020, 10, 25), note=""),
        run=Run(run_id="2020-10-25T17:00:00Z", **committed),
        mails=[ReceivedMail(subject="s", body="b", attributes={"kind": "digest"})],
        change_set=b"{}",
        seconds=0.31,
    )
    expected = {
        "day": "2020-10-25", "run_id": "2020-10-25T17:00:00Z", "state": "COMMITTED", "reason": "",
        "warnings": ["deaths fell by 3"], "added": 1, "changed": 19, "removed": 0,
        "mails": [{"kind": "digest", "subject": "s", "body": "b"}], "seconds": 0.31,
    }  # fmt: skip
    assert list(expected.items()) == list(as_line(done).items())


def test_a_run_that_committed_nothing_has_no_warnings() -> None:
    run = Run(run_id="2020-10-25T17:00:00Z", state=State.INCOMPLETE, reason="feed jhu had not arrived")
    done = Carried(day=Day(date=dt.date(2020, 10, 25), note=""), run=run, mails=[], change_set=b"{}", seconds=0.31)
    assert as_line(done)["warnings"] == []
