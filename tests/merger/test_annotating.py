"""An operator's note: written down by a command, in the digest that follows and in no other."""

import datetime as dt
from typing import Any

import pytest

from infra.deploying.deployed import Stage
from infra.operating import annotate as annotating
from shared.errors import EventMalformed, UnknownRun
from shared.ledger import Ledger
from shared.ledger.items import Annotation
from shared.runs import parse_time
from tests.proof.small_feeds import pair
from tests.proof.stories import a_day, at, carry
from tests.shared.declared import US_COVID
from tests.world import ANN, RUNS_TABLE, World, world

NOTE = {"command": "annotate", "by": ANN, "time": at(2, "20:00:00")}
ABOUT_RUN = NOTE | {"run_id": at(2), "text": "a county was\n counted twice"}
ABOUT_DATE = NOTE | {"date": "2020-03-01", "text": "the source was mended"}
HEADING = "From the operators"


def write(system: World, note: dict[str, Any]) -> Any:
    return system.invoke("operate", note, request_id=system.new_request_id())


def digests(system: World) -> list[str]:
    return [mail.body for mail in system.platform.mails if mail.kind == "digest"]


def test_the_digest_that_follows_has_it_and_no_other_does() -> None:
    with world() as system:
        carry(system, [*a_day(1, pair(1)), *a_day(2, pair(2))])
        for note in (ABOUT_RUN, ABOUT_DATE, ABOUT_DATE):
            write(system, note)
        carry(system, [*a_day(3, pair(3)), *a_day(4, pair(4))])
        found = [HEADING in body for body in digests(system)]
        assert found == [False, False, True, False]
        assert (
            "From the operators\n"
            "  - 2020-03-01: the source was mended.\n"
            "  - Run 2020-03-02T17:00:00Z: a county was counted twice.\n"
        ) in digests(system)[2]
        ledger = Ledger(system.dynamodb, table=RUNS_TABLE, dataset=system.dataset.name)
        assert [(note.about, note.by, note.reported_by) for note in ledger.annotations()] == [
            ("2020-03-01", f"{ANN} (unverified)", at(3)),
            (at(2), f"{ANN} (unverified)", at(3)),
        ]


def test_what_cannot_be_written_down_is_refused_with_words() -> None:
    with world() as system:
        carry(system, a_day(1, pair(1)))
        for wrong, words in (
            ({"date": "2020-02-30"}, "date is '2020-02-30'"),
            ({"text": " "}, "text has 0 bytes; 1 to 500 are allowed"),
            ({"text": "x" * 501}, "text has 501 bytes"),
            ({"run_id": at(1)}, "a run or a date, one of the two"),
        ):
            with pytest.raises(EventMalformed, match=words):
                write(system, ABOUT_DATE | wrong)
        with pytest.raises(UnknownRun):
            write(system, ABOUT_RUN)


def test_a_note_knows_what_it_is_about() -> None:
    note = Annotation(about="2020-03-01 North # 1", text="mended", time=at(2))
    assert (note.date, note.series, note.sentence) == ("2020-03-01", "North # 1", "2020-03-01 North # 1: mended")
    run = Annotation(about=at(2), text="mended", time=at(2))
    assert (run.date, run.series, run.sentence) == ("", "", f"run {at(2)}: mended")


def test_the_command_of_an_operator_reaches_readers(capsys: pytest.CaptureFixture[str]) -> None:
    """`make annotate`, with the merger itself in place of the deployed one."""
    with world() as system:
        carry(system, [*a_day(1, pair(1)), *a_day(2, pair(2))])

        class Here(Stage):
            def invoke(self, service: str, function: str, event: Any) -> Any:
                assert service == "merger"
                return system.invoke(function, event, request_id=system.new_request_id())

            def of(self, dataset: str) -> "Here":
                assert dataset == ""
                return self

            def now(self) -> dt.datetime:
                return parse_time(at(2, "20:00:00"))

        stage = Here("local", endpoint="http://127.0.0.1:1")
        stage.caller, stage.dataset = ANN, US_COVID
        given = ["--run", at(2), "--text", "a county was counted twice"]
        assert annotating.main(given, find=lambda _name: stage) == 0
        assert f"written down about {at(2)}; the ledger names {ANN} (unverified)" in capsys.readouterr().out
        carry(system, a_day(3, pair(3)))
        assert "  - Run 2020-03-02T17:00:00Z: a county was counted twice.\n" in digests(system)[2]
