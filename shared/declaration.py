"""Reads a dataset's declaration, a TOML file, and refuses what cannot work in one line.

The line names the file, the key, the value seen and what is allowed. `TABLES` says of each key what it may hold; the
JSON Schema for editors is made of the same (`json_schema`). Services never read TOML: a declaration is compiled into
their package when it is built (`compiled`).
"""

import codecs
import datetime as dt
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from shared.dataset import (
    AGGREGATES,
    Aggregate,
    Dataset,
    Feed,
    Join,
    Keep,
    Kind,
    Measure,
    Opening,
    Period,
    Repeated,
    Series,
)
from shared.errors import PermanentError
from shared.schedule import ScheduleInvalid, read_schedule
from shared.sizes import FEEDS

NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
"""A dataset's name: it is a part of keys, addresses and names of rules."""
RESERVED = frozenset(
    {"data", "daily", "weekly", "monthly", "runs", "changes", "health", "openapi", "static", "figures", "datasets",
     "series", "latest", "vintages", "revisions", "chart", "embed", "docs", "stats"}
)  # fmt: skip
"""Names that a dataset cannot have: they begin addresses of their own."""
STALE_AFTER_DAYS = {Period.DAY: 3, Period.WEEK: 10, Period.MONTH: 40}
MOST_DECIMALS = 12
LARGEST = 2**63 - 1
"""Numbers are held in 64 bits."""

_FEED_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
_MEASURE_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_NOT_A_MEASURE = frozenset({"date", "series", "run_id", "complete"})


class DeclarationInvalid(PermanentError):
    """A declaration cannot work; the message names file, key, value and what is allowed."""


class _Wrong(ValueError):
    """What is wrong with one value: (key, value seen, what is allowed)."""

    def __init__(self, key: str, value: object, allowed: str) -> None:
        self.key, self.value, self.allowed = key, value, allowed
        super().__init__(key)


# --- what a key may hold -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class DeclaredKey:
    """One key of a table."""

    name: str
    about: str
    """What it means, for the reference and for editors."""
    allowed: str
    """What it may hold, in words."""
    schema: Mapping[str, Any]
    """The same as JSON Schema."""
    read: Callable[[Any], Any]
    """From TOML's value to ours. Raises ValueError, TypeError or KeyError for what is not allowed."""
    default: object = None
    """What holds where the key is absent; None: see `needed`."""
    needed: bool = False


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError
    return value


def _printable(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError
    return value


def _field(value: Any) -> str:
    """What a field of a file may be; blanks around it do not count, there and here."""
    if not isinstance(value, str):
        raise TypeError
    return value.strip()


def _fields(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError
    return tuple(_field(it) for it in value)


def _column(value: Any) -> str:
    if not isinstance(value, str) or not value or value.strip() != value:
        raise ValueError
    return value


def _name(value: Any) -> str:
    """A series' name."""
    if _text(value).strip() != value:
        raise ValueError
    return str(value)


def _totals(value: Any) -> tuple[str, ...]:
    names = tuple(_name(it) for it in value) if isinstance(value, list) else None
    if names is None or "*" in names:
        raise ValueError
    return names


def _whole(*, least: int, most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError
        return value

    return read


def _number(*, least: float, most: float) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError
        return value

    return read


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _matching(pattern: re.Pattern[str]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise ValueError
        return value

    return read


def _one_character(value: Any) -> str:
    if not isinstance(value, str) or len(value) != 1 or value in '"\r\n\0':
        raise ValueError
    return value


def _columns(value: Any) -> tuple[str, ...]:
    if not isinstance(value, (str, list)):
        raise TypeError
    names = tuple(_column(it) for it in ([value] if isinstance(value, str) else value))
    if not names or len(set(names)) != len(names):
        raise ValueError
    return names


def _date_columns(value: Any) -> tuple[str, ...]:
    names = _columns(value)
    if len(names) not in (1, 3):
        raise ValueError
    return names


def _renames(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise TypeError
    return {_field(name): _name(instead) for name, instead in value.items()}


def _measure_columns(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not value:
        raise ValueError
    return {name: _column(column) for name, column in value.items()}


def _filters(value: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise TypeError
    found = {_column(name): _fields([it] if isinstance(it, str) else it) for name, it in value.items()}
    if not all(found.values()):
        raise ValueError
    return found


def _thresholds(value: Any) -> tuple[int, ...]:
    listed = value if isinstance(value, list) else [value]
    days = {_whole(least=1, most=3650)(it) for it in listed}
    if not days:
        raise ValueError
    return tuple(sorted(days))


def _address(value: Any) -> str:
    text = _text(value)
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or any(letter.isspace() for letter in text):
        raise ValueError
    if parts.port == 0:  # one beyond 65535 is refused by asking for it
        raise ValueError
    return text


def _schedule(value: Any) -> str:
    try:
        read_schedule(_text(value))
    except ScheduleInvalid:
        raise ValueError from None
    return str(value)


def _date_format(value: Any) -> str:
    return value if value in ("iso", "iso-week") else _strptime(value)


def _strptime(value: Any) -> str:
    """A format that gives a date back as it was, so that it says year, month and day, or year and day of the year."""
    text = _text(value)
    if not any(year in text for year in ("%Y", "%y", "%G", "%c", "%x")):
        raise ValueError
    for day in (dt.date(2024, 2, 3), dt.date(1999, 12, 31)):
        try:
            found = dt.datetime.strptime(day.strftime(text), text).date()  # noqa: DTZ007  # a date has no zone
        except re.error:  # a part that is there twice
            raise ValueError from None
        if (found.year, found.month) != (day.year, day.month) or found.day not in (1, day.day):
            raise ValueError
    return text


def _file_name(value: Any) -> str:
    name = _text(value)
    if "/" in name or name in (".", ".."):
        raise ValueError
    return name


def _encoding(value: Any) -> str:
    """An encoding by the name that Python has for it; of UTF-8 there is one, with a byte order mark or without."""
    if not isinstance(value, str):
        raise TypeError
    try:
        name = codecs.lookup(value).name.removesuffix("-sig")
        if "a,1".encode(name).decode(name) != "a,1":
            raise ValueError
    except (LookupError, TypeError):
        raise ValueError from None
    return name


def _archive(value: Any) -> str:
    if value not in ("", "gzip", "zip") and not (isinstance(value, str) and re.fullmatch(r"zip:.+", value)):
        raise ValueError
    return str(value)


def _minimum(value: Any) -> Decimal | None:
    if value == "none":
        return None
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError
    return Decimal(str(value))


# --- the tables --------------------------------------------------------------------------------------------------

_STRING: Mapping[str, Any] = {"type": "string"}
_STRINGS: Mapping[str, Any] = {"type": "array", "items": _STRING}
_ONE_OR_MORE: Mapping[str, Any] = {"anyOf": [_STRING, {**_STRINGS, "minItems": 1}]}


def _free(name: str, about: str, *, needed: bool = True) -> DeclaredKey:
    return DeclaredKey(
        name=name,
        about=about,
        allowed="a line of text",
        schema={"type": "string", "minLength": 1},
        read=_text,
        default=None if needed else "",
        needed=needed,
    )


def _choice(name: str, about: str, words: type, default: Any = None) -> DeclaredKey:
    listed = [str(word) for word in words]  # type: ignore[attr-defined]
    return DeclaredKey(
        name=name,
        about=about,
        allowed=" or ".join(map(repr, listed)),
        schema={"enum": listed},
        read=words,
        default=default,
        needed=default is None,
    )


DATASET: Sequence[DeclaredKey] = (
    _free("title", "What the dataset is called, for people."),
    _free("description", "What it is about, for people.", needed=False),
    _choice("period", "What one date stands for.", Period, Period.DAY),
    _choice("join", "Rows are the keys of any feed (outer), or those that every feed has (inner).", Join, Join.OUTER),
    _choice(
        "keep",
        "What it means that a feed no longer has a date: removed (all), or left the feed's window of dates (window).",
        Keep,
        Keep.ALL,
    ),
    DeclaredKey(
        name="schedule",
        about="When a run starts, in UTC; absent: the stage's.",
        allowed="cron(...) or rate(...) as EventBridge has them, such as 'cron(0 17 * * ? *)'",
        schema={"type": "string", "pattern": r"^(cron|rate)\(.+\)$"},
        read=_schedule,
        default="",
    ),
    DeclaredKey(
        name="stale_after_days",
        about="Days that a feed's used rows stand still before it is announced, once for each; 3, 10 or 40 by period.",
        allowed="whole numbers from 1",
        schema={"anyOf": [{"type": "integer", "minimum": 1}, {"type": "array", "items": {"type": "integer"}}]},
        read=_thresholds,
        default=(),
    ),
    DeclaredKey(
        name="max_removed_percent",
        about="More removed rows, or lost values of a measure, than this share close the gate.",
        allowed="a number from 0 to 100",
        schema={"type": "number", "minimum": 0, "maximum": 100},
        read=_number(least=0, most=100),
        default=1,
    ),
    DeclaredKey(
        name="revision_warn_percent",
        about="A revision by more than this share is warned of.",
        allowed="a number from 0",
        schema={"type": "number", "minimum": 0},
        read=_number(least=0, most=1e9),
        default=10,
    ),
    DeclaredKey(
        name="revision_warn_at_least",
        about="Smaller revisions than this are never warned of.",
        allowed="a number from 0",
        schema={"type": "number", "minimum": 0},
        read=_number(least=0, most=1e18),
        default=0,
    ),
)

SERIES: Sequence[DeclaredKey] = (
    _free("label", "What a series is, for people: State."),
    _free(
        "default",
        "The series that a page opens on; absent: the first by name, while mails have the sum of all or the first.",
        needed=False,
    ),
    DeclaredKey(
        name="totals",
        about="Series that are sums of others, * at the end for any rest: left out of sums and counts of series.",
        allowed="a list of names, none of them * alone",
        schema=_STRINGS,
        read=_totals,
        default=(),
    ),
)

MEASURE: Sequence[DeclaredKey] = (
    DeclaredKey(
        name="name",
        about="Its name in the API and in change sets.",
        allowed="a-z, 0-9 and _, beginning with a letter; not date, series, run_id or complete, nor ending in _days",
        schema={"type": "string", "pattern": f"^{_MEASURE_NAME.pattern}$"},
        read=_matching(_MEASURE_NAME),
        needed=True,
    ),
    _free("label", "Its name for people."),
    _choice("kind", "total: a running total; count: of the period; level: a state; rate: a share or an index.", Kind),
    _free("unit", "What it is counted in, for people.", needed=False),
    _free("description", "What it means, for people.", needed=False),
    DeclaredKey(
        name="decimals",
        about="Decimals that are kept, exactly.",
        allowed=f"a whole number from 0 to {MOST_DECIMALS}",
        schema={"type": "integer", "minimum": 0, "maximum": MOST_DECIMALS},
        read=_whole(least=0, most=MOST_DECIMALS),
        default=0,
    ),
    DeclaredKey(
        name="round",
        about="Whether a number with more decimals is rounded half to even; else it is refused.",
        allowed="true or false",
        schema={"type": "boolean"},
        read=_flag,
        default=False,
    ),
    DeclaredKey(
        name="minimum",
        about="The least number allowed; 0 for totals and counts, none else.",
        allowed="a number with no more than the declared decimals, or 'none'",
        schema={"anyOf": [{"type": "number"}, {"const": "none"}]},
        read=_minimum,
        default="by kind",
    ),
    _choice("aggregate", "How the values of a week or month become one.", Aggregate, Aggregate.SUM),
    _choice("opening", "What the first value of a total is: an increment (count), or none.", Opening, Opening.NONE),
)

FEED: Sequence[DeclaredKey] = (
    DeclaredKey(
        name="name",
        about="Names the feed in keys and messages.",
        allowed="up to 40 of A-Z, a-z, 0-9, _ and -",
        schema={"type": "string", "pattern": f"^{_FEED_NAME.pattern}$"},
        read=_matching(_FEED_NAME),
        needed=True,
    ),
    DeclaredKey(
        name="url",
        about="Where the file is.",
        allowed="an http or https address",
        schema={"type": "string", "pattern": "^https?://"},
        read=_address,
        needed=True,
    ),
    DeclaredKey(
        name="file",
        about="The file's name in day folders; absent: the last part of the address's path.",
        allowed="a file name without /",
        schema={"type": "string", "pattern": "^[^/]+$"},
        read=_file_name,
        default="",
    ),
    _free("title", "Its name for people."),
    _free("licence", "Under which its data are published."),
    _free("credit", "Shown wherever its numbers are."),
    DeclaredKey(
        name="measures",
        about="Measure -> column.",
        allowed="a table of measure = column, at least one",
        schema={"type": "object", "additionalProperties": _STRING, "minProperties": 1},
        read=_measure_columns,
        default={},
    ),
    DeclaredKey(
        name="measure",
        about="Of a wide file, whose dates are columns: the measure that all its cells are of.",
        allowed="the name of a measure",
        schema=_STRING,
        read=_matching(_MEASURE_NAME),
        default="",
    ),
    DeclaredKey(
        name="date",
        about="The column of the date, or three: year, month and day.",
        allowed="a column, or three different ones for year, month and day",
        schema={"anyOf": [_STRING, {**_STRINGS, "minItems": 3, "maxItems": 3}]},
        read=_date_columns,
        default=(),
    ),
    DeclaredKey(
        name="date_format",
        about="How a date is written.",
        allowed="'iso', 'iso-week', or a format for strptime with year, month and day",
        schema=_STRING,
        read=_date_format,
        default="iso",
    ),
    DeclaredKey(
        name="dates_in_header",
        about="Of a wide file: how its date columns are headed.",
        allowed="a format for strptime with year, month and day",
        schema=_STRING,
        read=_strptime,
        default="",
    ),
    DeclaredKey(
        name="series",
        about="The column that names the series, or several.",
        allowed="a column, or several different ones",
        schema=_ONE_OR_MORE,
        read=_columns,
        default=(),
    ),
    DeclaredKey(
        name="series_join",
        about="Between the parts of a series' name; blank parts are left out.",
        allowed="printable text",
        schema=_STRING,
        read=_printable,
        default=" / ",
    ),
    DeclaredKey(
        name="rename",
        about="Name of a series in the feed -> its name in the dataset.",
        allowed="a table of name = name",
        schema={"type": "object", "additionalProperties": _STRING},
        read=_renames,
        default={},
    ),
    DeclaredKey(
        name="where",
        about="Column -> the value, or one of the values, that a row must have to be used.",
        allowed="a table of column = value or a list of values",
        schema={"type": "object", "additionalProperties": _ONE_OR_MORE},
        read=_filters,
        default={},
    ),
    DeclaredKey(
        name="where_not",
        about="Column -> the value, or values, that a row must not have to be used.",
        allowed="a table of column = value or a list of values",
        schema={"type": "object", "additionalProperties": _ONE_OR_MORE},
        read=_filters,
        default={},
    ),
    _choice(
        "repeated",
        "What is made of several rows with the same key: an error, their sum, or the last of them.",
        Repeated,
        Repeated.REFUSE,
    ),
    DeclaredKey(
        name="missing",
        about="Texts that mean not reported, as blank always does.",
        allowed="a list of texts",
        schema=_STRINGS,
        read=_fields,
        default=(),
    ),
    DeclaredKey(
        name="delimiter",
        about="Between the fields of a line.",
        allowed="one character that is no quote and no end of a line",
        schema={"type": "string", "minLength": 1, "maxLength": 1},
        read=_one_character,
        default=",",
    ),
    DeclaredKey(
        name="encoding",
        about="Of the file's text; a BOM is passed over.",
        allowed="an encoding of text that Python knows, such as utf-8, utf-16, latin-1 or windows-1252",
        schema={"type": "string", "minLength": 1},
        read=_encoding,
        default="utf-8",
    ),
    DeclaredKey(
        name="decimal",
        about="Between whole and decimals of a number.",
        allowed="'.' or ','",
        schema={"enum": [".", ","]},
        read=_matching(re.compile(r"[.,]")),
        default=".",
    ),
    DeclaredKey(
        name="thousands",
        about="Between the thousands of a number.",
        allowed="one character that is no letter, digit, sign or decimal point, or empty",
        schema={"type": "string", "maxLength": 1},
        read=_matching(re.compile(r"[^\w+\-\"\r\n\0]?")),
        default="",
    ),
    DeclaredKey(
        name="comment",
        about="Lines that begin so are passed over.",
        allowed="text without a line's end",
        schema=_STRING,
        read=_matching(re.compile(r"[^\r\n\0]*")),
        default="",
    ),
    DeclaredKey(
        name="skip",
        about="Lines before the header that are passed over.",
        allowed="a whole number from 0 to 1000",
        schema={"type": "integer", "minimum": 0, "maximum": 1000},
        read=_whole(least=0, most=1000),
        default=0,
    ),
    DeclaredKey(
        name="skip_after",
        about="Lines behind the header that are passed over.",
        allowed="a whole number from 0 to 1000",
        schema={"type": "integer", "minimum": 0, "maximum": 1000},
        read=_whole(least=0, most=1000),
        default=0,
    ),
    DeclaredKey(
        name="archive",
        about="How the file is packed.",
        allowed="'gzip', 'zip', or 'zip:MEMBER'",
        schema={"type": "string", "pattern": "^(gzip|zip(:.+)?)?$"},
        read=_archive,
        default="",
    ),
)

TABLES: Mapping[str, Sequence[DeclaredKey]] = {"": DATASET, "series": SERIES, "measure": MEASURE, "feed": FEED}
"""Table of the file -> its keys; the empty name is the file itself."""


# --- reading -----------------------------------------------------------------------------------------------------


def read_declaration(path: Path) -> Dataset:
    """The dataset that a TOML file declares; its name is the file's. Raises DeclarationInvalid."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DeclarationInvalid(f"{path} cannot be read: {error}") from error
    return parse_declaration(text, name=path.stem, file=path.name)


def parse_declaration(text: str, *, name: str, file: str = "") -> Dataset:
    """The dataset that the text of a TOML file declares. Raises DeclarationInvalid."""
    file = file or f"{name}.toml"
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DeclarationInvalid(f"{file}: it is not TOML: {error}") from error
    try:
        return _dataset(document, name)
    except _Wrong as wrong:
        shown = "it is absent" if wrong.value is None else f"{_shown(wrong.value)} is not allowed"
        raise DeclarationInvalid(f"{file}: {wrong.key}: {shown}; allowed is {wrong.allowed}") from None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _dataset(document: Mapping[str, Any], name: str) -> Dataset:
    if not NAME.fullmatch(name) or name in RESERVED:
        raise _Wrong(
            "the file's name", name, f"1 to 40 of a-z, 0-9 and -, beginning with a letter, none of {sorted(RESERVED)}"
        )
    lists = {"series": dict, "measure": list, "feed": list}
    own = {key: value for key, value in document.items() if key not in lists}
    values = _values(own, DATASET, "", more=lists)
    for key, kind in lists.items():
        if not isinstance(document.get(key, kind()), kind):
            raise _Wrong(key, document[key], f"[{key}]" if kind is dict else f"[[{key}]]")
    for key in ("measure", "feed"):
        if not document.get(key):
            raise _Wrong(f"[[{key}]]", None, "one or more")
    if len(document["feed"]) > FEEDS:
        raise _Wrong("[[feed]]", len(document["feed"]), f"at most {FEEDS}")
    series = Series(**_values(document["series"], SERIES, "series.")) if "series" in document else None
    measures = [_measure(it, f"measure[{n}].") for n, it in enumerate(document["measure"], start=1)]
    _check_unique("measure", "name", [it.name for it in measures])
    feeds = [
        _feed(it, f"feed[{n}].", measures=measures, series=series) for n, it in enumerate(document["feed"], start=1)
    ]
    _check_unique("feed", "name", [it.name for it in feeds])
    _check_unique("feed", "file", [it.file_name for it in feeds])
    _check_supply(measures, feeds)
    stale = values.pop("stale_after_days") or (STALE_AFTER_DAYS[values["period"]],)
    return Dataset(
        name=name, series=series, measures=tuple(measures), feeds=tuple(feeds), stale_after_days=stale, **values
    )


def _values(
    table: object, keys: Sequence[DeclaredKey], prefix: str, *, more: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Each key's value, or its default. Raises _Wrong."""
    if not isinstance(table, Mapping):
        raise _Wrong(prefix.rstrip("."), table, "a table")
    known = [key.name for key in keys]
    for name in table:
        if name not in known:
            raise _Wrong(f"{prefix}{name}", table[name], f"one of the keys {', '.join([*known, *(more or {})])}")
    values: dict[str, Any] = {}
    for key in keys:
        if key.name not in table:
            if key.needed:
                raise _Wrong(f"{prefix}{key.name}", None, key.allowed)
            values[key.name] = key.default
            continue
        try:
            values[key.name] = key.read(table[key.name])
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            raise _Wrong(f"{prefix}{key.name}", table[key.name], key.allowed) from None
    return values


def _measure(table: object, prefix: str) -> Measure:
    values = _values(table, MEASURE, prefix)
    name, kind, decimals = values["name"], values["kind"], values["decimals"]
    if name in _NOT_A_MEASURE or name.endswith("_days"):
        raise _Wrong(f"{prefix}name", name, MEASURE[0].allowed)
    least = values["minimum"]
    if least == "by kind":
        least = Decimal(0) if kind in (Kind.TOTAL, Kind.COUNT) else None
    if least is not None:
        scaled = least.scaleb(decimals)
        if scaled != scaled.to_integral_value() or abs(scaled) > LARGEST:
            raise _Wrong(
                f"{prefix}minimum", float(least), "a number with no more than the declared decimals, or 'none'"
            )
        least = int(scaled)
    given = "aggregate" in table if isinstance(table, Mapping) else False
    aggregates = AGGREGATES[kind]
    if given and values["aggregate"] not in aggregates:
        allowed = " or ".join(repr(str(it)) for it in aggregates)
        raise _Wrong(f"{prefix}aggregate", str(values["aggregate"]), f"{allowed} for a {kind}")
    if values["opening"] is Opening.COUNT and kind is not Kind.TOTAL:
        raise _Wrong(f"{prefix}opening", "count", f"'none' for a {kind}: only totals have increments")
    return Measure(
        name=name,
        label=values["label"],
        kind=kind,
        unit=values["unit"],
        description=values["description"],
        decimals=decimals,
        rounded=values["round"],
        minimum=least,
        aggregate=values["aggregate"] if given else aggregates[0],
        opening=values["opening"],
    )


def _feed(table: object, prefix: str, *, measures: Sequence[Measure], series: Series | None) -> Feed:
    values = _values(table, FEED, prefix)
    given = table if isinstance(table, Mapping) else {}
    wide = bool(values["dates_in_header"])
    single, supplied = values.pop("measure"), values["measures"]
    if wide:
        for key in ("date", "date_format", "measures"):
            if key in given:
                raise _Wrong(f"{prefix}{key}", given[key], "nothing beside dates_in_header")
        if not single:
            raise _Wrong(f"{prefix}measure", None, "the name of a measure, with dates_in_header")
        values["measures"] = {single: ""}
    else:
        if single:
            raise _Wrong(f"{prefix}measure", single, "nothing without dates_in_header; see measures")
        for key in ("date", "measures"):
            if not values[key]:
                raise _Wrong(f"{prefix}{key}", None, next(it.allowed for it in FEED if it.name == key))
    names = [measure.name for measure in measures]
    for name in values["measures"]:
        if name not in names:
            raise _Wrong(f"{prefix}measure{'' if wide else 's'}", name, f"declared measures: {', '.join(names)}")
    if len(values["date"]) == 3 and values["date_format"] != "iso":
        raise _Wrong(f"{prefix}date_format", values["date_format"], "nothing where the date has three columns")
    if series is not None and not values["series"]:
        raise _Wrong(f"{prefix}series", None, "a column, as there is [series]")
    if series is None and values["series"]:
        raise _Wrong(f"{prefix}series", list(values["series"]), "none without a table [series], which needs a label")
    if values["thousands"] == values["decimal"]:
        raise _Wrong(f"{prefix}thousands", values["thousands"], "another character than decimal")
    if values["rename"] and not values["series"]:
        raise _Wrong(f"{prefix}rename", values["rename"], "nothing without series")
    for column, wanted in values["where"].items():
        if set(wanted) <= set(values["where_not"].get(column, ())):
            raise _Wrong(f"{prefix}where_not", values["where_not"], f"other values of {column!r} than where has")
    columns = [*values["date"], *values["series"], *([] if wide else supplied.values())]
    for column in columns:
        if columns.count(column) > 1:
            raise _Wrong(f"{prefix}measures", column, "columns that are used once, as date, series or measure")
    file = values.pop("file") or urlsplit(values["url"]).path.rsplit("/", 1)[-1]
    if not file:
        raise _Wrong(f"{prefix}file", None, "a file name, as the address ends with /")
    return Feed(file_name=file, **values)


def _check_unique(table: str, key: str, names: Sequence[str]) -> None:
    for n, name in enumerate(names, start=1):
        if name in names[: n - 1]:
            raise _Wrong(f"{table}[{n}].{key}", name, f"a {key} that no other {table} has")


def _check_supply(measures: Sequence[Measure], feeds: Sequence[Feed]) -> None:
    """Every measure comes from exactly one feed."""
    supplied = [name for feed in feeds for name in feed.measures]
    for n, feed in enumerate(feeds, start=1):
        for name in feed.measures:
            if supplied.count(name) > 1:
                raise _Wrong(f"feed[{n}].measures", name, "measures that no other feed has")
    for n, measure in enumerate(measures, start=1):
        if measure.name not in supplied:
            raise _Wrong(f"measure[{n}].name", measure.name, "a measure that one of the feeds has")


# --- what is made of a declaration -------------------------------------------------------------------------------


def compiled(datasets: Sequence[Dataset]) -> str:
    """Python source of a module that has these datasets as `DATASETS`: importing it costs no parsing."""
    lines = [
        '"""The datasets of this package, compiled from their declarations."""',
        "",
        "from shared.dataset import *  # noqa: F403",
        "",
        "DATASETS = {",
        *(f"    {dataset.name!r}: {_source(dataset)}," for dataset in datasets),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _source(value: Any) -> str:
    """An expression that gives an equal value."""
    if isinstance(value, (Dataset, Measure, Feed, Series)):
        inside = ", ".join(f"{name}={_source(it)}" for name, it in vars(value).items())
        return f"{type(value).__name__}({inside})"
    if isinstance(value, (Period, Join, Keep, Kind, Aggregate, Opening, Repeated)):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name!r}: {_source(it)}" for name, it in value.items()) + "}"
    if isinstance(value, tuple):
        return "(" + "".join(f"{_source(it)}, " for it in value) + ")"
    return repr(value)


def json_schema() -> dict[str, Any]:
    """The grammar as JSON Schema (2020-12), for editors."""
    main = _table_schema(DATASET)
    main["properties"] |= {
        "series": _table_schema(SERIES),
        "measure": {"type": "array", "minItems": 1, "items": _table_schema(MEASURE)},
        "feed": {"type": "array", "minItems": 1, "maxItems": FEEDS, "items": _table_schema(FEED)},
    }
    main["required"] = [*main["required"], "measure", "feed"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A dataset of covid-stats"} | main


def _table_schema(keys: Sequence[DeclaredKey]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [key.name for key in keys if key.needed],
        "properties": {key.name: {**key.schema, "description": key.about, **_schema_default(key)} for key in keys},
    }


def _schema_default(key: DeclaredKey) -> dict[str, Any]:
    plain = list(key.default) if isinstance(key.default, tuple) else key.default
    return {} if key.needed or plain in ("by kind", "", [], {}) else {"default": plain}


def reference() -> Iterator[str]:
    """The grammar as Markdown: a table a table, a row a key."""
    for name, keys in TABLES.items():
        yield f"### {f'`[{name}]`' if name == 'series' else f'`[[{name}]]`' if name else 'The file'}"
        yield ""
        yield "| key | means | allowed | default |"
        yield "|---|---|---|---|"
        for key in keys:
            default = "needed" if key.needed else _default_words(key)
            yield f"| `{key.name}` | {key.about} | {key.allowed.replace('|', chr(92) + '|')} | {default} |"
        yield ""


def _default_words(key: DeclaredKey) -> str:
    if key.default in ("", (), {}):
        return ""
    return "by kind" if key.default == "by kind" or key.name == "aggregate" else f"`{key.default}`"
