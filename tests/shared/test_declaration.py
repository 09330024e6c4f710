"""A declaration is read into the types, and every mistake in one is refused in one line."""

import copy
import datetime as dt
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from infra.packaging.grammar_docs import DOCS, generated
from shared.dataset import Aggregate, Dataset, Kind, Period, Repeated
from shared.datasets import FOLDER
from shared.declaration import (
    FEED,
    MEASURE,
    TABLES,
    DeclarationInvalid,
    compiled,
    json_schema,
    parse_declaration,
    read_declaration,
)
from shared.sizes import FEEDS
from tests.shared.toml_text import as_toml

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = ROOT.parent / "shared" / "elsewhere"
SHIPPED = sorted(FOLDER.glob("*.toml"))
ALL = [*SHIPPED, *sorted(ELSEWHERE.glob("*/*.toml"))]

WHOLE: dict[str, Any] = {
    "title": "Everything",
    "description": "All keys there are.",
    "period": "week",
    "join": "outer",
    "keep": "all",
    "schedule": "cron(0 17 * * ? *)",
    "stale_after_days": [10, 20],
    "max_removed_percent": 1.5,
    "revision_warn_percent": 10,
    "revision_warn_at_least": 5,
    "series": {"label": "State", "default": "US", "totals": ["US", "Region *"]},
    "measure": [
        {"name": "cases", "label": "Cases", "kind": "total", "opening": "count", "unit": "people"},
        {"name": "price", "label": "Price", "kind": "level", "decimals": 2, "round": True, "minimum": -1.25},
        {"name": "share", "label": "Share", "kind": "rate", "aggregate": "last", "description": "Of all."},
    ],
    "feed": [
        {
            "name": "long",
            "url": "https://example.org/long.csv?a=b",
            "file": "long-file.csv",
            "title": "Long",
            "licence": "CC0-1.0",
            "credit": "Long.",
            "measures": {"cases": "Cases", "price": "Price"},
            "date": ["y", "m", "d"],
            "series": ["state", "age"],
            "series_join": " - ",
            "rename": {"NY": "New York"},
            "where": {"kind": ["a", "b"], "sex": ""},
            "where_not": {"kind": "c"},
            "repeated": "sum",
            "missing": ["NA", "-"],
            "delimiter": ";",
            "encoding": "latin-1",
            "decimal": ",",
            "thousands": ".",
            "comment": "#",
            "skip": 2,
            "skip_after": 1,
            "archive": "zip:a/b.csv",
        },
        {
            "name": "wide",
            "url": "https://example.org/wide.csv",
            "title": "Wide",
            "licence": "CC0-1.0",
            "credit": "Wide.",
            "dates_in_header": "%m/%d/%y",
            "measure": "share",
            "series": "state",
        },
    ],
}
"""A declaration that has every key but `date_format`, which goes with a date of one column."""


def parse(document: dict[str, Any]) -> Dataset:
    return parse_declaration(as_toml(document), name="whole")


def changed(path: str, value: Any) -> dict[str, Any]:
    """WHOLE with one value changed: `feed.0.skip`; DROP takes the key out."""
    document = copy.deepcopy(WHOLE)
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    table: Any = document
    for part in way:
        table = table[part]
    if value is DROP:
        del table[last]
    else:
        table[last] = value
    return document


DROP = object()


def test_every_key_is_read_into_the_types() -> None:
    dataset = parse(WHOLE)
    long, wide = dataset.feeds
    assert (dataset.period, dataset.stale_after_days, dataset.max_removed_percent) == (Period.WEEK, (10, 20), 1.5)
    assert [(m.name, m.kind, m.decimals, m.rounded, m.minimum, m.aggregate) for m in dataset.measures] == [
        ("cases", Kind.TOTAL, 0, False, 0, Aggregate.SUM),
        ("price", Kind.LEVEL, 2, True, -125, Aggregate.LAST),
        ("share", Kind.RATE, 0, False, None, Aggregate.LAST),
    ]
    assert (long.date, long.series, long.file_name, long.repeated) == (
        ("y", "m", "d"),
        ("state", "age"),
        "long-file.csv",
        Repeated.SUM,
    )
    assert (dict(long.where), dict(long.where_not)) == ({"kind": ("a", "b"), "sex": ("",)}, {"kind": ("c",)})
    assert (long.decimal, long.thousands, long.encoding, long.archive) == (",", ".", "iso8859-1", "zip:a/b.csv")
    assert (wide.wide, dict(wide.measures), wide.file_name) == (True, {"share": ""}, "wide.csv")


MISTAKES: dict[str, tuple[str, Any, str]] = {
    "an unknown key": (
        "feed.0.colour",
        "red",
        "feed[1].colour: 'red' is not allowed; allowed is one of the keys",
    ),
    "a missing key": ("feed.1.url", DROP, "feed[2].url: it is absent; allowed is an http or https address"),
    "no measure": ("measure", [], "[[measure]]: it is absent; allowed is one or more"),
    "another type": ("feed.0.skip", "2", "feed[1].skip: '2' is not allowed; allowed is a whole number from 0 to 1000"),
    "a truth for a number": ("feed.0.skip", True, "feed[1].skip: True is not allowed"),
    "a list of filters": ("feed.0.where", ["a"], "feed[1].where: ['a'] is not allowed"),
    "a filter of nothing": ("feed.0.where", {"kind": []}, "feed[1].where: {'kind': []} is not allowed"),
    "a filter that lets nothing pass": ("feed.0.where_not", {"kind": ["b", "a"]}, "feed[1].where_not: "),
    "a measure called date": ("measure.0.name", "date", "measure[1].name: 'date' is not allowed; allowed is a-z"),
    "a measure of days": ("measure.0.name", "cases_days", "measure[1].name: 'cases_days' is not allowed"),
    "a measure twice": (
        "measure.1.name",
        "cases",
        "measure[2].name: 'cases' is not allowed; allowed is a name",
    ),
    "a measure from nowhere": ("feed.0.measures", {"cases": "Cases"}, "measure[2].name: 'price' is not allowed"),
    "a measure from two feeds": ("feed.1.measure", "cases", "feed[1].measures: 'cases' is not allowed"),
    "an undeclared measure": ("feed.1.measure", "deaths", "feed[2].measure: 'deaths' is not allowed; allowed is"),
    "two feeds of a name": (
        "feed.1.name",
        "long",
        "feed[2].name: 'long' is not allowed; allowed is a name",
    ),
    "two feeds of a file": ("feed.1.file", "long-file.csv", "feed[2].file: 'long-file.csv' is not allowed"),
    "a file elsewhere": ("feed.0.file", "..", "feed[1].file: '..' is not allowed; allowed is a file name without /"),
    "an address of another kind": ("feed.0.url", "ftp://x/y.csv", "feed[1].url: 'ftp://x/y.csv' is not allowed"),
    "an address without a file": ("feed.1.url", "https://x.org/", "feed[2].file: it is absent; allowed is a file name"),
    "a port that there is not": ("feed.0.url", "https://x.org:99999/y.csv", "feed[1].url: "),
    "a kind that there is not": ("measure.0.kind", "sum", "measure[1].kind: 'sum' is not allowed; allowed is"),
    "an opening of a level": ("measure.1.opening", "count", "measure[2].opening: 'count' is not allowed"),
    "a sum of rates": (
        "measure.2.aggregate",
        "sum",
        "measure[3].aggregate: 'sum' is not allowed; allowed is 'mean'",
    ),
    "a minimum with more decimals": ("measure.1.minimum", 0.125, "measure[2].minimum: 0.125 is not allowed"),
    "a minimum that is no number": ("measure.1.minimum", float("nan"), "measure[2].minimum: nan is not allowed"),
    "two columns of a date": ("feed.0.date", ["y", "m"], "feed[1].date: ['y', 'm'] is not allowed"),
    "a format of three columns": ("feed.0.date_format", "%Y", "feed[1].date_format: '%Y' is not allowed"),
    "a format without a year": ("feed.1.dates_in_header", "%m/%d", "feed[2].dates_in_header: '%m/%d' is not allowed"),
    "a format with a part twice": ("feed.1.dates_in_header", "%Y%m%d%Y", "feed[2].dates_in_header: "),
    "a format of a wide file": (
        "feed.1.date_format",
        "iso",
        "feed[2].date_format: 'iso' is not allowed; allowed",
    ),
    "a date of a wide file": ("feed.1.date", "day", "feed[2].date: 'day' is not allowed; allowed is nothing beside"),
    "a wide file without a measure": ("feed.1.measure", DROP, "feed[2].measure: it is absent; allowed is the name of"),
    "a measure of a long file": ("feed.0.measure", "cases", "feed[1].measure: 'cases' is not allowed"),
    "no date": ("feed.0.date", DROP, "feed[1].date: it is absent; allowed is a column, or three"),
    "a column with blanks": ("feed.0.measures", {"cases": " Cases", "price": "P"}, "feed[1].measures: "),
    "a column used twice": ("feed.0.series", "y", "feed[1].measures: 'y' is not allowed; allowed is columns that are"),
    "series without a table": ("series", DROP, "feed[1].series: ['state', 'age'] is not allowed; allowed is none"),
    "a feed without series": ("feed.1.series", DROP, "feed[2].series: it is absent; allowed is a column, as there is"),
    "all series totals": ("series.totals", ["*"], "series.totals: ['*'] is not allowed"),
    "a long delimiter": (
        "feed.0.delimiter",
        ";;",
        "feed[1].delimiter: ';;' is not allowed; allowed is one character that is no quote and no end of a line",
    ),
    "a quote as a delimiter": ("feed.0.delimiter", '"', "feed[1].delimiter: '\"' is not allowed"),
    "two signs alike": ("feed.0.thousands", ",", "feed[1].thousands: ',' is not allowed; allowed is another character"),
    "an encoding nobody knows": ("feed.0.encoding", "utf-9", "feed[1].encoding: 'utf-9' is not allowed"),
    "an encoding of no text": ("feed.0.encoding", "hex", "feed[1].encoding: 'hex' is not allowed"),
    "an archive nobody knows": ("feed.0.archive", "rar", "feed[1].archive: 'rar' is not allowed; allowed is 'gzip'"),
    "a schedule that is none": ("schedule", "daily", "schedule: 'daily' is not allowed; allowed is cron(...) or rate("),
    "a threshold of no day": ("stale_after_days", 0, "stale_after_days: 0 is not allowed"),
    "more than all rows": ("max_removed_percent", 101, "max_removed_percent: 101 is not allowed"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_refused_in_one_line_that_names_file_key_value_and_what_is_allowed(case: str) -> None:
    path, value, expected = MISTAKES[case]
    with pytest.raises(DeclarationInvalid) as refused:
        parse(changed(path, value))
    message = str(refused.value)
    assert message.startswith(f"whole.toml: {expected}")
    assert "; allowed is " in message
    assert "\n" not in message


def test_what_is_no_toml_is_refused_with_its_place() -> None:
    with pytest.raises(DeclarationInvalid, match=r"^x\.toml: it is not TOML: .*\(at line 2, column 9\)$"):
        parse_declaration("\ntitle = x\n", name="x")


def test_a_name_that_begins_an_address_is_refused() -> None:
    with pytest.raises(DeclarationInvalid, match=r"^daily\.toml: the file's name: 'daily' is not allowed; allowed is"):
        parse_declaration(as_toml(WHOLE), name="daily")


def _paths() -> list[str]:
    tables = {"": WHOLE, "series.": WHOLE["series"]}
    tables |= {f"{key}.{n}.": it for key in ("measure", "feed") for n, it in enumerate(WHOLE[key])}
    optional = {"measure.": MEASURE, "feed.": FEED}
    found = [f"{prefix}{key}" for prefix, table in tables.items() for key in table]
    return found + [f"{prefix}0.{key.name}" for prefix, keys in optional.items() for key in keys]


_TEXTS = st.sampled_from(
    [
        *["", " ", "a", "iso", "iso-week", "%Y-%m-%d", "%d.%m.%y", "%", "%Y%Y", "count", "level", "outer", "none"],
        *[".", ",", ";", "\t", "\n", "utf-8", "cp037", "idna", "https://a/b", "http://[", "zip:", "x" * 300, "\u00e9"],
        *["cases", "share", "rate(1 day)", "cron(0 0 31 2 ? *)", "last", "sum", "mean", "week", "..", "\x7f", "state"],
        *["gzip", "*"],
    ]
)
_PLAIN = st.one_of(
    st.booleans(),
    st.integers(-2, 10**20),
    st.floats(),
    _TEXTS,
    st.dates(min_value=dt.date(1900, 1, 1)),
)
_VALUES = st.one_of(
    st.just(DROP),
    _PLAIN,
    st.lists(_PLAIN, max_size=3),
    st.dictionaries(_TEXTS, st.one_of(_PLAIN, st.lists(_PLAIN, max_size=2)), max_size=2),
)


@given(changes=st.lists(st.tuples(st.sampled_from(_paths()), _VALUES), min_size=1, max_size=3))
def test_whatever_is_declared_is_read_or_refused_in_one_line(changes: list[tuple[str, Any]]) -> None:
    document = copy.deepcopy(WHOLE)
    for path, value in changes:
        *way, last = path.split(".")
        table: Any = document
        for part in way:
            table = table[int(part)] if isinstance(table, list) else table.get(part, {})
            if not isinstance(table, (dict, list)):
                return
        if value is DROP:
            table.pop(last, None)
        else:
            table[last] = value
    text = as_toml(document)
    assert tomllib.loads(text)
    found = _read_or_refused(text)
    event("refused" if isinstance(found, str) else "read")
    if isinstance(found, str):
        assert re.fullmatch(r"whole\.toml: .+: .+; allowed is .+", found)
        return
    assert _round_trip(found) == found
    jsonschema.validate(tomllib.loads(text), json_schema())


def _read_or_refused(text: str) -> Dataset | str:
    try:
        return parse_declaration(text, name="whole")
    except DeclarationInvalid as refused:
        return str(refused)


def _round_trip(dataset: Dataset) -> Dataset:
    """Through the source of a compiled package."""
    space: dict[str, Any] = {}
    exec(compiled([dataset]), space)
    found: Dataset = space["DATASETS"][dataset.name]
    return found


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_shipped_declarations_and_those_of_others_fit_the_schema_and_are_read(path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    jsonschema.validate(tomllib.loads(path.read_text()), json_schema())
    assert _round_trip(read_declaration(path)) == read_declaration(path)


def test_the_schema_refuses_what_it_can_see() -> None:
    for path, value in (
        ("feed.0.colour", "red"),
        ("feed.1.url", DROP),
        ("feed.0.skip", "2"),
        ("measure.0.kind", "sum"),
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(changed(path, value), json_schema())


def many_feeds(count: int) -> str:
    """A declaration in which each feed has a measure of its own."""
    measures = (f'[[measure]]\nname = "m{n}"\nlabel = "M"\nkind = "count"\n' for n in range(count))
    feeds = (
        f'[[feed]]\nname = "f{n}"\nurl = "https://x.org/{n}.csv"\ntitle = "F"\nlicence = "CC0-1.0"\ncredit = "F."\n'
        f'date = "day"\nmeasures = {{ m{n} = "n" }}\n'
        for n in range(count)
    )
    return "".join(['title = "Many"\n', *measures, *feeds])


def test_a_declaration_has_no_more_feeds_than_can_be_kept() -> None:
    assert len(parse_declaration(many_feeds(FEEDS), name="many").feeds) == 63
    with pytest.raises(DeclarationInvalid) as refused:
        parse_declaration(many_feeds(FEEDS + 1), name="many")
    assert str(refused.value) == "many.toml: [[feed]]: 64 is not allowed; allowed is at most 63"


def test_every_key_of_the_grammar_is_tried_here() -> None:
    tried = {"": WHOLE, "series": WHOLE["series"]}
    tried |= {key: {name: it for table in WHOLE[key] for name, it in table.items()} for key in ("measure", "feed")}
    left_out = {table: [key.name for key in keys if key.name not in tried[table]] for table, keys in TABLES.items()}
    assert left_out == {"": [], "series": [], "measure": [], "feed": ["date_format"]}


def test_the_schema_and_the_reference_in_the_docs_are_those_of_the_grammar() -> None:
    """`python -m infra grammar` writes them anew."""
    assert {path.name: path.read_text() for path in map(DOCS.joinpath, generated())} == generated()
