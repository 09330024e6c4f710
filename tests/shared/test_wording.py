"""Words for people."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import wording
from shared.runs import Run, State
from shared.summary import Summary
from tests.shared.declared import US_COVID
from tests.shared.regions import REGIONS


@pytest.mark.parametrize(
    ("value", "number", "signed"),
    [
        (None, "not reported", "not reported"),
        (0, "0", "+0"),
        (7487091, "7,487,091", "+7,487,091"),
        (-1234, "-1,234", "-1,234"),
    ],
)
def test_numbers_have_separators_and_differences_a_sign(value: int | None, number: str, signed: str) -> None:
    assert (wording.number(value), wording.signed(value)) == (number, signed)


def test_a_headline_has_counts_and_the_latest_date() -> None:
    run = Run(run_id="x", state=State.COMMITTED, added=1, changed=1900, summary={"latest": {"date": "2020-10-24"}})
    assert wording.headline(run) == "1 added, 1,900 changed, 0 removed; latest 2020-10-24"
    assert wording.headline(Run(run_id="x", state=State.UNCHANGED)) == "0 added, 0 changed, 0 removed"


def test_a_revision_tells_old_new_and_difference() -> None:
    entry = {"date": "2020-10-05", "fields": {"cases": {"old": 7487091, "new": 7507699}}}
    assert wording.revised_row(entry, dataset=US_COVID) == "2020-10-05: cases 7,487,091 -> 7,507,699 (+20,608)"


def test_a_revision_to_or_from_nothing_has_no_difference() -> None:
    fields = {"recoveries": {"old": 6298082, "new": None}, "deaths": {"old": None, "new": 0}}
    assert wording.revised_row({"date": "2020-12-14", "fields": fields}, dataset=US_COVID) == (
        "2020-12-14: deaths not reported -> 0, recoveries 6,298,082 -> not reported"
    )


def test_fields_are_in_the_order_of_the_declaration_and_series_come_first() -> None:
    fields = {"tests": {"old": 1, "new": 2}, "beds": {"old": 4, "new": 3}}
    entry = {"series": "North", "date": "2021-06-01", "fields": fields}
    assert wording.revised_row(entry, dataset=REGIONS) == "North 2021-06-01: beds 4 -> 3 (-1), tests 1 -> 2 (+1)"


_items = st.lists(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=30), min_size=1)


@given(items=_items)
def test_a_folded_line_keeps_every_item_whole_and_in_order(items: list[str]) -> None:
    lines = wording.fold("2020-10-05", items, width=40).split("\n")
    assert " ".join(line.strip() for line in lines) == f"2020-10-05: {', '.join(items)}"
    assert all(len(line) <= 40 or len(line.split()) <= 2 for line in lines)


@given(st.text())
def test_any_text_becomes_one_printable_line(text: str) -> None:
    line = wording.ascii_line(text)
    assert line.isascii() and (line == "" or line.isprintable()) and line == " ".join(line.split())


@given(text=st.text(), most=st.integers(4, 50))
def test_shortened_text_is_never_longer_than_asked_and_says_that_it_was_cut(text: str, most: int) -> None:
    short = wording.shorten(text, most)
    assert len(short) <= most
    assert short == text or short.endswith("...")


@pytest.mark.parametrize(
    ("text", "sentence"), [("", ""), ("feed nyt", "Feed nyt."), ("Done.", "Done."), ("why?", "Why?")]
)
def test_a_sentence_begins_with_a_capital_and_ends_with_a_stop(text: str, sentence: str) -> None:
    assert wording.sentence(text) == sentence


def test_only_kinds_of_change_that_there_are_are_listed() -> None:
    values: dict[str, Any] = {
        "latest": {}, "latest_increments": {}, "rows": 1, "first_load": False, "warnings": [], "recovered": [],
        "added": [], "changed": [], "removed": [{"date": "2020-01-22", "cases": 1, "deaths": 0, "recoveries": None}],
    }  # fmt: skip
    run = Run(run_id="x", state=State.COMMITTED, removed=3, summary=values)
    assert list(wording.changes(run, Summary.from_map(values), dataset=US_COVID, more_at="https://x/")) == [
        (
            "Removed, with their last values (3)",
            ["2020-01-22: cases 1, deaths 0, recoveries not reported", "... and 2 more, older: https://x/"],
        )
    ]
