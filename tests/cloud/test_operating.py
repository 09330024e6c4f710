"""The operator's commands on a stage that runs: status, approve, redrive, refresh."""

import io
import json

import pytest
from rich.console import Console

from infra.errors import CommandFailed
from infra.local.chain import Chain
from infra.operating.approve_redrive import operate
from infra.operating.commands import approve, redrive, status
from infra.operating.refresh import main as refresh_command
from infra.operating.refresh import refresh
from infra.operating.status import look_at
from infra.operating.status_words import StatusPrinter
from infra.terminal import Terminal
from shared.keys import change_set_key, view_key
from shared.runs import State, parse_time
from tests.cloud.stage_days import JHU, Days, day_of, rows_upto

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("cloud")]


def words(chain: Chain) -> str:
    """What `make status` shows."""
    out = io.StringIO()
    StatusPrinter(Terminal(Console(file=out, width=160, highlight=False))).status(look_at(chain.stage))
    return out.getvalue()


def test_a_healthy_stage_has_no_problems_and_shows_its_runs(steady: Chain, days: Days) -> None:
    done = steady.carry(days.next())
    steady.await_views()
    found = look_at(steady.stage)
    assert (found.problems, found.head.head, found.served) == ([], done.run.run_id, done.run.run_id)
    assert found.runs[0].run_id == done.run.run_id
    assert {feed.name: feed.unchanged_days for feed in found.feeds} == {"nyt": 0, "jhu": 0}
    assert [queue.messages for queue in found.queues] == [0, 0, 0, 0]
    shown = words(steady)
    assert f"head   {done.run.run_id}" in shown and "healthy" in shown


def test_what_is_wrong_is_reported_in_words_and_by_the_exit_code(
    steady: Chain, days: Days, capsys: pytest.CaptureFixture[str]
) -> None:
    done = steady.carry(days.next(without=[JHU]))
    assert f"the newest run, {done.run.run_id}, is INCOMPLETE: feed jhu" in words(steady)
    assert status(["--json"], find=lambda _: steady.stage) == 1
    printed = json.loads(capsys.readouterr().out)
    assert (printed["healthy"], printed["runs"][0]["state"], printed["stage"]) == (False, "INCOMPLETE", "steady")
    steady.carry(days.next())
    steady.await_views()
    assert status([], find=lambda _: steady.stage) == 0


def test_redrive_fetches_what_was_missing_and_commits(steady: Chain, days: Days) -> None:
    broken = steady.carry(days.next(without=[JHU]))
    whole = day_of(broken.day.date)
    steady.feeds.publish(whole.read(), at=parse_time(whole.fetch_at))
    reports: list[str] = []
    outcome = operate(steady.stage, "redrive", broken.run.run_id, report=reports.append)
    assert (outcome.before.state, outcome.after.state, outcome.good) == (State.INCOMPLETE, State.COMMITTED, True)
    assert outcome.after.redriven_by == outcome.by == f"{steady.stage.caller} (unverified)"
    assert reports[0].startswith(
        f"redrive run {broken.run.run_id} of us-covid in stage steady: it is INCOMPLETE, feed jhu"
    )
    assert reports[-1] == "fetching the feeds that are missing"
    assert [mail.kind for mail in steady.await_mails(broken.run.run_id)] == ["digest"]
    steady.await_views()
    assert json.loads(steady.stage.get("/data")) == rows_upto(whole)


def test_a_feed_that_fails_again_is_reported_at_once(
    steady: Chain, days: Days, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = steady.carry(days.next(without=[JHU]))
    assert redrive(["--run", broken.run.run_id], find=lambda _: steady.stage) == 1
    printed = capsys.readouterr().out
    assert f"run {broken.run.run_id} is COLLECTING; a feed failed again" in printed
    assert "jhu: HTTP 404 from http://127.0.0.1" in printed
    steady.watch(broken.day.watch_at)
    assert steady.await_end(broken.run.run_id).state is State.INCOMPLETE
    assert [mail.kind for mail in steady.await_mails(broken.run.run_id)] == ["failure"]


def test_approve_lets_pass_what_the_gate_refused(steady: Chain, days: Days, capsys: pytest.CaptureFixture[str]) -> None:
    refused = steady.carry(days.next(drop=20))
    assert (refused.run.state, refused.run.rejected_by) == (State.REJECTED, "gate")
    assert f"make approve RUN={refused.run.run_id}" in refused.mails[0].body
    assert approve(["--run", refused.run.run_id, "--json"], find=lambda _: steady.stage) == 0
    outcome = json.loads(capsys.readouterr().out)
    assert (outcome["command"], outcome["by"]) == ("approve", f"{steady.stage.caller} (unverified)")
    assert (outcome["before"]["state"], outcome["after"]["state"], outcome["after"]["removed"]) == (
        "REJECTED",
        "COMMITTED",
        20,
    )
    [mail] = steady.await_mails(refused.run.run_id)
    assert mail.kind == "digest" and "20 removed" in mail.subject
    back = steady.carry(days.next())
    assert (back.run.state, back.run.added) == (State.COMMITTED, 21)


def test_what_is_not_allowed_is_reported_and_changes_nothing(steady: Chain, days: Days) -> None:
    done = steady.carry(days.next())
    for run, words in (
        (done.run.run_id, f"stage steady does not approve it: run {done.run.run_id} is COMMITTED; this needs REJECTED"),
        ("2001-01-01T17:00:00Z", "there is no run 2001-01-01T17:00:00Z in stage steady"),
    ):
        with pytest.raises(CommandFailed) as failed:
            operate(steady.stage, "approve", run, report=lambda _: None)
        assert str(failed.value) == words
    assert steady.stage.ledger.get(done.run.run_id).state is State.COMMITTED


def test_refresh_renders_what_got_lost_of_the_head_or_of_an_older_run(
    steady: Chain, days: Days, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = steady.stage
    older, head = (steady.carry(days.next()).run.run_id for _ in range(2))
    steady.await_views()
    s3, bucket = stage.client("s3"), stage.place.bucket
    for run_id in (older, head):
        s3.delete_object(Bucket=bucket, Key=view_key("us-covid", run_id, "daily.json.gz"))
    stage.ledger.record_views(head, "FAILED")
    assert refresh_command([], find=lambda _: stage) == 0
    assert f"the views of run {head} are rendered; served is run {head}" in capsys.readouterr().out.replace("\n", " ")
    assert stage.ledger.get(head).views == "RENDERED"
    assert refresh(stage, older) == older
    assert stage.served_run() == head
    for path in ("/daily", f"/daily?as_of={older[:10]}"):
        assert json.loads(stage.get(path))[-1]["cases"] == 37


def test_refresh_says_what_cannot_be_rendered(steady: Chain, days: Days) -> None:
    broken = steady.carry(days.next(without=[JHU])).run.run_id
    with pytest.raises(CommandFailed, match=f"run {broken} of stage steady is INCOMPLETE; only a COMMITTED one has"):
        refresh(steady.stage, broken)
    with pytest.raises(CommandFailed, match="run 2001-01-01T17:00:00Z of stage steady is not there"):
        refresh(steady.stage, "2001-01-01T17:00:00Z")
    done = steady.carry(days.next()).run.run_id
    steady.await_views()
    change_set = {"Bucket": steady.stage.place.bucket, "Key": change_set_key("us-covid", done)}
    s3 = steady.stage.client("s3")
    body = s3.get_object(**change_set)["Body"].read()
    s3.delete_object(**change_set)
    with pytest.raises(CommandFailed, match=f"run {done} could not be rendered; the last line of covid-stats-api-stea"):
        refresh(steady.stage)
    s3.put_object(**change_set, Body=body)
    assert refresh(steady.stage) == done
