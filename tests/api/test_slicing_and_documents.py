"""Cutting rendered tables, and the two forms of a document."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.tabulation.slicing import cut
from chalicelib.tabulation.table_text import DatedTable, from_json, to_csv, to_json
from chalicelib.web.documents import CSV, JSON, Document, pack

_DATES = st.dates().map(str)
_NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), min_size=1, max_size=8)


@st.composite
def tables(draw: st.DrawFn) -> DatedTable:
    keys = sorted(draw(st.sets(st.tuples(_DATES, _NAMES), max_size=12)))
    values = [draw(st.one_of(st.none(), st.integers(-5, 5))) for _ in keys]
    return DatedTable(dates=[date for date, _ in keys], series=[name for _, name in keys], values={"beds": values})


@given(table=tables(), start=st.one_of(st.none(), _DATES), end=st.one_of(st.none(), _DATES), data=st.data())
def test_a_cut_is_what_a_reader_would_pick_by_hand(
    table: DatedTable, start: str | None, end: str | None, data: st.DataObject
) -> None:
    series = data.draw(st.sampled_from([None, *(table.series or ())]))
    rows = [
        row
        for row in json.loads(to_json(table))
        if (start or "0") <= row["date"] <= (end or "9999-99-99") and series in (None, row["series"])
    ]
    document = Document(JSON, plain=to_json(table))
    assert rows == json.loads(cut(document, start=start, end=end, series=series).plain)
    as_csv = cut(Document(CSV, plain=to_csv(table)), start=start, end=end, series=series)
    kept = DatedTable(
        dates=[row["date"] for row in rows],
        series=[row["series"] for row in rows],
        values={"beds": [row["beds"] for row in rows]},
    )
    assert to_csv(kept) == as_csv.plain


@given(table=tables())
def test_a_table_is_read_back_as_it_was_written(table: DatedTable) -> None:
    read = from_json(to_json(table), ["beds"])
    assert (list(table.dates), table.values) == (read.dates, read.values)
    assert not table.dates or list(table.series or ()) == read.series


def test_packing_gives_the_same_bytes_whenever_it_is_done() -> None:
    assert pack(b"x" * 5000) == pack(b"x" * 5000)
    assert pack(b"")[4:8] == b"\0\0\0\0"


def test_a_document_gives_either_form_from_either() -> None:
    text = "réponse " * 500
    stored, made = Document(CSV, packed=pack(text.encode())), Document(CSV, plain=text.encode())
    assert (text, text) == (stored.text, gzip.decompress(made.packed).decode())


def test_a_small_document_is_not_worth_packing() -> None:
    assert not Document(JSON, plain=b"[]").worth_packing
    assert Document(JSON, plain=b"[" + b" " * 1000 + b"]").worth_packing
    assert not Document("font/woff2", plain=b"0" * 5000).worth_packing


def test_a_document_without_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="plain or packed"):
        Document(JSON)
