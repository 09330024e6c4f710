"""Text from outside becomes one printable line, and not too long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.printing import MOST, printable, without_controls


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("C\u00f4te d'Or", "C\u00f4te d'Or"),
        ("\u6771\u4eac", "\u6771\u4eac"),
        ("two\nlines\tand\u2028more ", "two lines and more"),
        ("\x1b[2J\x1b]0;title\x07red", "?[2J?]0;title?red"),
        ("\u202egnp.exe", "?gnp.exe"),
        ("half \ud800 a pair", "half ? a pair"),
        ("\x00\x7f\x9b1m", "???1m"),
        ("\ufeffdate", "?date"),
    ],
)
def test_what_cannot_be_printed_is_a_question_mark_and_the_rest_stays(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(text=st.text(st.characters()), most=st.integers(4, 60))
def test_any_text_becomes_one_printable_line_within_its_bound(text: str, most: int) -> None:
    line = printable(text, most=most)
    assert line.isprintable() and len(line) <= most
    assert printable(line, most=most) == line
    assert line.encode().decode() == line  # no half of a surrogate pair is left


def test_a_megabyte_is_cut_and_says_so() -> None:
    assert printable("x" * 2**20) == "x" * (MOST - 3) + "..."
    assert len(printable(" " * 2**20 + "x")) <= MOST


@given(st.text(st.characters()))
def test_several_lines_stay_lines(text: str) -> None:
    shown = without_controls(text)
    assert len(shown) == len(text) and shown.replace("\n", "").isprintable()
