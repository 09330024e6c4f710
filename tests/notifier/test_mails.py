"""The mails, as their readers get them."""

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.digests import digest
from chalicelib.failures import failure, notice_mail
from chalicelib.letterhead import MOST_BYTES, Letterhead, Mail
from chalicelib.topic import message_attribute
from shared.ledger.items import Head, Notice
from shared.runs import Delivery, Run, State
from shared.summary import LISTED, Summary
from tests.shared.declared import US_COVID
from tests.shared.regions import REGIONS

SUNDAY, SATURDAY = "2020-10-25T17:00:00Z", "2020-10-24T17:00:00Z"
PROD = Letterhead(stage="prod", dataset=US_COVID, dashboard_url="https://stats.example/api")
DEV = Letterhead(stage="dev", dataset=US_COVID)
HEAD = Head(head=SATURDAY, newest="2020-10-23", rows=276)


def summary(**other: Any) -> dict[str, Any]:
    latest = {"date": "2020-10-24", "cases": 8642909, "deaths": 224819, "recoveries": 3406656}
    increments = {"cases": 78702, "deaths": 910, "recoveries": 31229}
    return {
        "latest": latest,
        "latest_increments": increments,
        "rows": 277,
        "first_load": False,
        "added": [latest | {"increments": increments}],
        "changed": [],
        "removed": [],
        "warnings": [],
        "recovered": [],
    } | other


def test_no_control_character_of_a_reason_reaches_a_mail() -> None:
    run = Run(run_id=SUNDAY, state=State.INCOMPLETE, reason="feed nyt: \x1b[2J\x9b31m\u202eowned")
    mail = failure(run, head=HEAD, letterhead=PROD)
    assert mail.body.replace("\n", "").isprintable()
    assert "feed nyt: ?[2J?31m?owned" in mail.body.replace("Feed", "feed")


def committed(parts: Mapping[str, Any], *, added: int = 1, changed: int = 0, removed: int = 0) -> Run:
    """`parts` is what its summary has other than the usual."""
    return Run(
        run_id=SUNDAY,
        state=State.COMMITTED,
        added=added,
        changed=changed,
        removed=removed,
        summary=summary(**parts),
    )


def ended(state: State, **other: Any) -> Run:
    return dataclasses.replace(Run(run_id=SUNDAY, state=state, attempts=1, arrived=frozenset({"nyt", "jhu"})), **other)


def test_a_digest_tells_new_days_revisions_and_removals_and_where_to_read_on() -> None:
    changed = [
        {"date": "2020-10-05", "fields": {"cases": {"old": 7487091, "new": 7507699}}},
        {
            "date": "2020-10-23",
            "fields": {
                "cases": {"old": 8540367, "new": 8564207},
                "deaths": {"old": 223910, "new": 223909},
                "recoveries": {"old": None, "new": 3375427},
            },
        },
    ]
    removed = [{"date": "2020-01-22", "cases": 1, "deaths": 0, "recoveries": None}]
    run = committed({"changed": changed, "removed": removed}, changed=2, removed=1)
    assert digest(run, letterhead=PROD) == Mail(
        kind="digest",
        subject="covid-stats: Cases +78,702, deaths +910 on 24 Oct; 2 past days revised, 1 removed",
        attributes=attributes("digest", PROD),
        body="""\
1 added, 2 changed, 1 removed; latest 2020-10-24

COVID-19 in the United States, run 2020-10-25T17:00:00Z.

As of 2020-10-24
  Cases 8,642,909 (+78,702)
  Deaths 224,819 (+910)
  Recoveries 3,406,656 (+31,229)

New days (1)
  2020-10-24: cases 8,642,909 (+78,702), deaths 224,819 (+910), recoveries 3,406,656 (+31,229)

Revised (2)
  2020-10-05: cases 7,487,091 -> 7,507,699 (+20,608)
    https://stats.example/api/data/2020-10-05
  2020-10-23: cases 8,540,367 -> 8,564,207 (+23,840), deaths 223,910 -> 223,909 (-1), recoveries not reported -> \
3,375,427
    https://stats.example/api/data/2020-10-23

Removed, with their last values (1)
  2020-01-22: cases 1, deaths 0, recoveries not reported
    https://stats.example/api/data/2020-01-22

Full change set: https://stats.example/api/runs/2020-10-25T17:00:00Z/changes
This run: https://stats.example/api/runs/2020-10-25T17:00:00Z
Dashboard: https://stats.example/api/

Data from The New York Times, based on reports from state and local health agencies.
Recoveries from the COVID-19 Data Repository by the Center for Systems Science and Engineering (CSSE) at Johns \
Hopkins University.
""",
    )


def test_a_value_that_is_not_reported_is_said_so_and_has_no_increment() -> None:
    silent = {"date": "2020-12-14", "cases": 16000000, "deaths": 300000, "recoveries": None}
    increments = {"cases": 200000, "deaths": 1500, "recoveries": None}
    run = committed({"latest": silent, "latest_increments": increments, "added": [silent | {"increments": increments}]})
    assert blocks(digest(run, letterhead=DEV))[2:4] == [
        "As of 2020-12-14\n  Cases 16,000,000 (+200,000)\n  Deaths 300,000 (+1,500)\n  Recoveries not reported",
        "New days (1)\n  2020-12-14: cases 16,000,000 (+200,000), deaths 300,000 (+1,500), recoveries not reported",
    ]


def test_warnings_and_recoveries_stand_apart() -> None:
    warnings = [
        "recoveries fell from 4,529,700 on 2020-11-21 to 4,526,232 on 2020-11-22 though they are a running total"
    ]
    recovered = ["Johns Hopkins University CSSE has published again; its file had been the same since 2020-10-12"]
    mail = digest(committed({"warnings": warnings, "recovered": recovered}), letterhead=DEV)
    assert mail.subject == "[dev] covid-stats: Cases +78,702, deaths +910, recoveries +31,229 on 24 Oct; 1 warning"
    assert [blocks(mail)[place] for place in (1, 5)] == [
        "Warnings\n"
        "  - Recoveries fell from 4,529,700 on 2020-11-21 to 4,526,232 on 2020-11-22"
        " though they are a running total.",
        "Back in order\n"
        "  - Johns Hopkins University CSSE has published again; its file had been the"
        " same since 2020-10-12.",
    ]


def test_notes_stand_apart_from_warnings() -> None:
    mail = digest(committed({"notes": ["4 rows of nyt have no partner"], "warnings": ["odd"]}), letterhead=DEV)
    assert [blocks(mail)[place] for place in (1, 5)] == [
        "Warnings\n  - Odd.",
        "Notes\n  - 4 rows of nyt have no partner.",
    ]


def test_a_removal_that_was_let_pass_is_called_approved_and_nobody_is_named() -> None:
    run = committed({"added": []}, added=0, removed=20)
    approved = dataclasses.replace(run, approved_by="arn:aws:iam::1:user/eve", approved_at="2020-10-26T09:30:00Z")
    mail = digest(approved, letterhead=DEV)
    assert blocks(mail)[3] == (
        "Approved: this removal of 20 rows was beyond what passes by itself; an operator looked at it and let it pass"
        " at 2020-10-26 09:30 UTC."
    )
    assert "eve" not in mail.body


def test_a_digest_has_no_command_to_type() -> None:
    run = committed({"warnings": ["odd"], "notes": ["x"], "recovered": ["y"]}, changed=3, removed=1)
    assert "make " not in digest(run, letterhead=DEV).body


def test_what_every_reader_must_know_stands_first() -> None:
    letterhead = dataclasses.replace(DEV, notice="These numbers are generated.")
    mails = [
        digest(committed({}), letterhead=letterhead),
        failure(ended(State.FAILED, reason="killed"), head=HEAD, letterhead=letterhead),
    ]
    assert [blocks(mail)[0] for mail in mails] == ["These numbers are generated."] * 2


def test_a_long_list_ends_with_how_many_more_there_are_and_where() -> None:
    rows = [{"date": f"2020-09-{day:02}", "fields": {"deaths": {"old": 1, "new": 2}}} for day in range(1, LISTED + 1)]
    run = committed({"changed": rows, "added": []}, added=0, changed=1519)
    revised = blocks(digest(run, letterhead=PROD))[3].splitlines()
    assert [revised[0], *revised[-3:]] == [
        "Revised (1,519)",
        "  2020-09-25: deaths 1 -> 2 (+1)",
        "    https://stats.example/api/data/2020-09-25",
        "  ... and 1,494 more, older: https://stats.example/api/runs/2020-10-25T17:00:00Z/changes",
    ]
    assert len(revised) == 1 + 2 * LISTED + 1


def test_the_first_load_is_summarised() -> None:
    run = committed({"first_load": True, "added": []}, added=277)
    mail = digest(run, letterhead=DEV)
    assert mail.subject == "[dev] covid-stats: First load, 277 rows to 24 Oct 2020"
    assert blocks(mail)[3] == "This is the first load: all of the 277 rows are new, and none is listed."
    assert "New days" not in mail.body


def test_with_several_series_every_line_names_its_own() -> None:
    row = {"series": "North", "date": "2021-06-02", "beds": 12, "tests": 3400}
    run = Run(
        run_id=SUNDAY,
        state=State.COMMITTED,
        added=1,
        changed=1,
        removed=1,
        summary=summary(
            latest={"series": "2 series", "date": "2021-06-02", "beds": 20, "tests": 7000},
            latest_increments={"beds": -4, "tests": 900},
            added=[row | {"increments": {"beds": -1, "tests": 400}}],
            changed=[{"series": "South", "date": "2021-06-01", "fields": {"tests": {"old": 3000, "new": 3100}}}],
            removed=[{"series": "West", "date": "2021-05-01", "beds": 3, "tests": None}],
        ),
    )
    assert blocks(digest(run, letterhead=Letterhead(stage="dev", dataset=REGIONS)))[2:] == [
        "As of 2021-06-02, sum of 2 series\n  Beds in use 20, -4 on the day before\n  Tests 7,000 (+900)",
        "New days (1)\n  North 2021-06-02: Beds in use 12 (-1), tests 3,400 (+400)",
        "Revised (1)\n  South 2021-06-01: tests 3,000 -> 3,100 (+100)",
        "Removed, with their last values (1)\n  West 2021-05-01: Beds in use 3, tests not reported",
        "Beds from the Board.\nTests from the Lab.\n",
    ]


def test_an_incomplete_run_is_told_with_the_feed_that_is_missing_and_the_command_that_fetches_it() -> None:
    run = ended(
        State.INCOMPLETE,
        attempts=0,
        arrived=frozenset({"nyt"}),
        reason="feed jhu (Johns Hopkins University CSSE) had not arrived after 6 hours: HTTP 404 from https://jhu.example/x.csv",
        deliveries={
            "nyt": Delivery(status="same", bytes=4954, source_url="https://nyt.example/us.csv"),
            "jhu": Delivery(status="failed", reason="HTTP 404 from https://jhu.example/x.csv"),
        },
    )
    assert failure(run, head=HEAD, letterhead=PROD) == Mail(
        kind="failure",
        attributes=attributes("failure", PROD),
        subject="covid-stats: run 2020-10-25T17:00:00Z INCOMPLETE, feed jhu",
        body="""\
Run 2020-10-25T17:00:00Z ended INCOMPLETE: while it was collecting, a feed did not arrive in time.

Reason
  Feed jhu (Johns Hopkins University CSSE) had not arrived after 6 hours: HTTP 404 from https://jhu.example/x.csv.

Feeds
  - nyt (The New York Times, US national) arrived: 4,954 bytes, the same as before, from https://nyt.example/us.csv
  * jhu (Johns Hopkins University CSSE) did not arrive: HTTP 404 from https://jhu.example/x.csv

Meanwhile
  None of it is served; the files that arrived are kept. The last good run, 2020-10-24T17:00:00Z, stays served: 276 \
rows, newest date 2020-10-23.

What to do
  The next run makes up for it. To fetch what is missing now:
    make redrive RUN=2020-10-25T17:00:00Z STAGE=prod

This run: https://stats.example/api/runs/2020-10-25T17:00:00Z
Dashboard: https://stats.example/api/

covid-stats, stage prod, dataset us-covid
""",
    )


def test_a_feed_that_broke_its_contract_is_named_and_nothing_is_asked_to_be_approved() -> None:
    reason = "feed nyt, line 3, column cases: '-1' is not allowed; a whole number from 0 up, or nothing"
    mail = failure(ended(State.REJECTED, rejected_by="contract", reason=reason), head=HEAD, letterhead=DEV)
    assert mail.subject == "[dev] covid-stats: run 2020-10-25T17:00:00Z REJECTED (contract), feed nyt"
    assert "  * nyt (The New York Times, US national) arrived\n  - jhu" in mail.body
    assert "    make redrive RUN=2020-10-25T17:00:00Z STAGE=dev\n" in mail.body
    assert "approve" not in mail.body


def test_a_run_that_the_gate_stopped_can_be_approved() -> None:
    reason = "the newest date would move back from 2020-10-24 to 2020-10-22; it may not be before 2020-10-24"
    mail = failure(ended(State.REJECTED, rejected_by="gate", reason=reason), head=HEAD, letterhead=DEV)
    assert mail.subject == "[dev] covid-stats: run 2020-10-25T17:00:00Z REJECTED (gate)"
    assert blocks(mail)[4] == (
        "What to do\n  If the change is right, let it pass, once (this works until a newer run is committed):\n"
        "    make approve RUN=2020-10-25T17:00:00Z STAGE=dev"
    )


def test_a_run_that_used_up_its_attempts_can_be_tried_again() -> None:
    mail = failure(ended(State.FAILED, attempts=4, reason="the merge was begun 3 times"), head=HEAD, letterhead=DEV)
    assert mail.subject == "[dev] covid-stats: run 2020-10-25T17:00:00Z FAILED"
    assert unfolded(mail).startswith(
        "Run 2020-10-25T17:00:00Z ended FAILED: while it was merging, its attempts were used up. "
    )
    assert "    make redrive RUN=2020-10-25T17:00:00Z STAGE=dev\n" in mail.body


def test_a_failure_before_the_first_commit_says_that_nothing_is_served() -> None:
    mail = failure(ended(State.INCOMPLETE, arrived=frozenset()), head=Head(), letterhead=DEV)
    assert "No run was committed yet, so nothing is served." in unfolded(mail)
    assert "  * jhu (Johns Hopkins University CSSE) did not arrive\n" in mail.body
    assert mail.subject == "[dev] covid-stats: run 2020-10-25T17:00:00Z INCOMPLETE, feeds jhu and nyt"


def test_a_stale_feed_is_told_with_its_name_the_date_and_what_it_means() -> None:
    notice = Notice(
        kind="stale",
        about="jhu#2020-10-12T17:00:00Z#3",
        text="feed jhu has published the same file since 2020-10-12: 3 days",
        time="2020-10-15T23:59:00Z",
        details={"feed": "jhu", "since": "2020-10-12T17:00:00Z", "days": 3},
    )
    assert notice_mail(notice, head=HEAD, letterhead=DEV) == Mail(
        kind="stale",
        attributes=attributes("stale", DEV),
        subject="[dev] covid-stats: feed jhu stands still since 2020-10-12, 3 days",
        body="""\
The used rows of feed jhu (Johns Hopkins University CSSE) stand still since 2020-10-12, for 3 days.

What it means
  Nothing is wrong with the runs: they go on, with this feed as it was, whatever else of its file changes. A date is \
shown once every feed has it, so no newer dates come until these rows change. The digest that follows the change says \
so.

Where it comes from
  https://raw.githubusercontent.com/datasets/covid-19/main/data/time-series-19-covid-combined.csv

covid-stats, stage dev, dataset us-covid
""",
    )


def test_a_run_that_never_began_is_a_failure_too() -> None:
    text = "no run began at 2020-10-25T17:00:00Z: the schedule did not fire, or the fetcher could not start"
    notice = Notice(kind="failure", about="missed#2020-10-25T17:00:00Z", text=text, time="2020-10-25T23:59:00Z")
    assert notice_mail(notice, head=HEAD, letterhead=PROD) == Mail(
        kind="failure",
        attributes=attributes("failure", PROD),
        subject="covid-stats: no run began at 2020-10-25T17:00:00Z",
        body="""\
No run began at 2020-10-25T17:00:00Z: the schedule did not fire, or the fetcher could not start.

Meanwhile
  The last good run, 2020-10-24T17:00:00Z, stays served: 276 rows, newest date 2020-10-23.

What to do
  The next run makes up for it. To see how things are:
    make status STAGE=prod

Dashboard: https://stats.example/api/

covid-stats, stage prod, dataset us-covid
""",
    )


@pytest.mark.parametrize("subject", ["", "two\nlines", "caf\u00e9", "x" * 100])
def test_a_subject_that_sns_would_not_take_cannot_be_made(subject: str) -> None:
    with pytest.raises(ValueError, match="subject"):
        Mail(kind="digest", subject=subject, body="", attributes={})


@given(text=st.text(max_size=300), stage=st.from_regex(r"[a-z][a-z0-9-]{0,19}", fullmatch=True))
def test_whatever_is_told_the_subject_is_one_line_of_ascii_under_100_characters(text: str, stage: str) -> None:
    notice = Notice(kind="failure", about="x", text=text, time=SUNDAY)
    subject = notice_mail(notice, head=HEAD, letterhead=Letterhead(stage=stage, dataset=US_COVID)).subject
    assert subject.isascii() and subject.isprintable() and len(subject) < 100


@given(reason=st.text(max_size=500), state=st.sampled_from([State.REJECTED, State.INCOMPLETE, State.FAILED]))
def test_whatever_the_reason_a_failure_names_run_stage_last_good_run_and_command(reason: str, state: State) -> None:
    mail = failure(ended(state, reason=reason), head=HEAD, letterhead=DEV)
    text = unfolded(mail)
    for part in (SUNDAY, SATURDAY, "stage dev", f"make redrive RUN={SUNDAY} STAGE=dev"):
        assert part in text


_count = st.integers(0, 10**9)


@given(counts=st.tuples(_count, _count, _count))
def test_a_digest_has_its_counts_in_the_first_line(counts: tuple[int, int, int]) -> None:
    added, changed, removed = counts
    mail = digest(committed({"added": []}, added=added, changed=changed, removed=removed), letterhead=DEV)
    rows = f"{added:,} added, {changed:,} changed, {removed:,} removed"
    assert mail.body.splitlines()[0] == f"{rows}; latest 2020-10-24"


def test_a_mail_too_long_for_sns_is_cut_at_the_end_of_a_line() -> None:
    mail = failure(ended(State.FAILED, reason="\u20ac " * 200_000), head=HEAD, letterhead=DEV)
    assert len(mail.body.encode()) <= MOST_BYTES
    assert mail.body.endswith("\u20ac\n... cut here: the mail was too long\n")


def test_many_removals_are_drawn_together() -> None:
    gone = {"dates": 200, "first": "2021-12-22", "last": "2022-07-09"}
    run = committed({"added": [], "removals": [gone]}, added=0, removed=200)
    assert blocks(digest(run, letterhead=DEV))[3] == "Removed (200)\n  200 days, 22 Dec 2021 to 9 Jul 2022"
    groups = [
        gone | {"series": ["North", "South", "West"], "several": 5},
        {"dates": 1, "first": "2022-07-09", "last": "2022-07-09", "series": ["East"], "several": 1},
    ]
    latest = {"series": "2 series", "date": "2022-07-09", "beds": 20, "tests": 7000}
    some = committed({"added": [], "latest": latest, "removals": groups}, added=0, removed=1001)
    assert blocks(digest(some, letterhead=Letterhead(stage="dev", dataset=REGIONS)))[3] == (
        "Removed (1,001), the most first\n"
        "  North, South, West and 2 more: 200 days, 22 Dec 2021 to 9 Jul 2022\n"
        "  East: 9 Jul 2022"
    )


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (committed({"first_load": True, "added": [], "rows": 1}), "its only row is new, and not listed"),
        (committed({"added": []}, added=0, removed=1), "Approved: this removal of 1 row was"),
    ],
)
def test_one_is_one(run: Run, words: str) -> None:
    run = dataclasses.replace(run, approved_by="ann", approved_at="2020-10-25T18:00:00Z")
    assert words in digest(run, letterhead=DEV).body


# --- limits ----------------------------------------------------------------------------------------------------------


def largest_summary() -> dict[str, Any]:
    """As the ledger takes it at most, of a dataset with series whose names are long and beyond ASCII."""
    name = "\u6771" * 60
    rows = [{"series": f"{name}{n}", "date": "2020-10-24", "beds": 10**17, "tests": 10**17} for n in range(LISTED)]
    groups = [{"measure": "tests", "series": [name] * 3, "several": 9, "dates": 9} for _ in range(LISTED)]
    spans = {"first": "2020-01-01", "last": "2020-10-24", "least": -(10**17), "most": 10**17}
    made = Summary.from_map(
        summary(
            latest={"series": name, "date": "2020-10-24", "beds": 10**17, "tests": 10**17},
            latest_increments={"beds": 10**17, "tests": 10**17},
            added=[row | {"increments": {"beds": 1, "tests": 1}} for row in rows],
            changed=[row | {"fields": {"tests": {"old": 10**17, "new": 0}}} for row in rows],
            removed=rows,
            revisions=[group | spans | {"date": "2020-10-24", "old": 10**17, "new": 0} for group in groups],
            removals=[{"dates": 9, "first": "2020-01-01", "last": "2020-10-24", "series": [name], "several": 9}]
            * LISTED,
            touched=[f"{name}{n}" for n in range(32)],
            warnings=["\U0001f600" * 400] * 60,
            notes=['"' * 1000] * 40,
            recovered=["\\" * 1000] * 40,
        )
    )
    return made.as_map()


LARGEST = [
    digest(
        Run(
            run_id=SUNDAY, state=State.COMMITTED, added=10**9, changed=10**9, removed=10**9, summary=largest_summary(),
            approved_by="a" * 2000,
        ),
        letterhead=Letterhead(stage="s" * 20, dataset=REGIONS, dashboard_url=f"https://{'s' * 200}", notice="n" * 1000),
    ),
    *(
        failure(ended(state, reason="\U0001f600" * 500, rejected_by="gate" if state is State.REJECTED else ""),
                head=HEAD, letterhead=PROD)
        for state in (State.FAILED, State.REJECTED, State.INCOMPLETE)
    ),
    notice_mail(
        Notice(kind="failure", about="x", text="\U0001f600" * 500, time=SUNDAY, details={}), head=HEAD, letterhead=PROD
    ),
    notice_mail(
        Notice(
            kind="stale", about="nyt", text="x", time=SUNDAY,
            details={"feed": "nyt", "since": "2020-10-12", "days": 1, "source_url": "\U0001f600" * 125},
        ),
        head=HEAD,
        letterhead=PROD,
    ),
]  # fmt: skip


@pytest.mark.parametrize("mail", LARGEST, ids=lambda mail: mail.kind)
def test_the_largest_message_of_each_kind_is_one_that_sns_takes(mail: Mail) -> None:
    """256 KB with all attributes, their names and types included; ten attributes; a subject of under 100 of ASCII."""
    sent = {name: message_attribute(value) for name, value in mail.attributes.items()}
    size = len(mail.body.encode()) + len(mail.subject)
    size += sum(len(name) + len(it["DataType"]) + len(it["StringValue"].encode()) for name, it in sent.items())
    assert size <= 256 * 1024
    assert len(sent) <= 10
    assert len(mail.subject) < 100
    assert mail.subject.isascii()


def test_a_feed_that_stands_still_for_a_day_does_so_for_one_day() -> None:
    assert "for 1 day." in LARGEST[-1].body
    assert LARGEST[-1].subject.endswith("since 2020-10-12, 1 day")


def attributes(kind: str, letterhead: Letterhead, **figures: int | Decimal) -> dict[str, Any]:
    none = {"new_dates": 0, "largest_revision_percent": 0, "warnings": 0}
    return {"kind": kind, "stage": letterhead.stage, "dataset": letterhead.dataset.name} | none | figures


def blocks(mail: Mail) -> list[str]:
    return mail.body.split("\n\n")


def unfolded(mail: Mail) -> str:
    return " ".join(mail.body.split())
