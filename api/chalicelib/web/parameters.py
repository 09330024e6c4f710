"""The parameters that routes take: one declaration that both reads a request and writes /openapi.json."""

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.web.problems import ParameterInvalid, ParameterUnknown, RangeReversed

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_RUN = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:Z|\+00:00)")
_ROW = "[0-9]{4}-[0-9]{2}-[0-9]{2}( .+)?"
_NAME = "[a-z][a-z0-9_]*"
_NAMES = f"{_NAME}(,{_NAME})*"
_PLACE = re.compile(r"([0-9-]{10}T[0-9:]{8}Z)/([0-9-]{10})/(.+)", re.DOTALL)
_PIXELS = "([2-9][0-9]{2}|1[0-9]{3}|2[0-3][0-9]{2}|2400)"
_SIZE = re.compile(f"{_PIXELS}x{_PIXELS}")
_COUNT = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter of a route."""

    name: str
    description: str
    read: Callable[[str, str], Any]
    """(name, text) -> value; raises ParameterInvalid."""
    schema: Mapping[str, Any]
    """Its JSON schema."""
    example: str
    place: str = "query"
    """`query` or `path`."""
    default: Any = None
    """What the value is where the request does not say."""

    @property
    def typed_example(self) -> Any:
        return int(self.example) if self.schema["type"] == "integer" else self.example


def read_date(name: str, text: str) -> str:
    """An ISO date that exists."""
    try:
        if _DATE.fullmatch(text):
            return dt.date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise ParameterInvalid(name, text, allowed="a date that exists, such as 2020-10-25")


def read_run_id(name: str, text: str) -> str:
    """A run's id; also as libraries write such a time, with a blank or with the offset of UTC."""
    from shared.errors import EventMalformed
    from shared.runs import parse_time  # deferred: a table takes no run, and the vocabulary of runs is large

    found = _RUN.fullmatch(text)
    run_id = f"{found[1]}T{found[2]}Z" if found else text
    try:
        parse_time(run_id)
    except EventMalformed:
        raise ParameterInvalid(name, text, allowed="a run id, which is a time such as 2020-10-25T17:00:00Z") from None
    return run_id


def read_any(_name: str, text: str) -> str:
    return text


def matching(pattern: str, *, allowed: str) -> Callable[[str, str], str]:
    compiled = re.compile(pattern)

    def read(name: str, text: str) -> str:
        if compiled.fullmatch(text):
            return text
        raise ParameterInvalid(name, text, allowed=allowed)

    return read


SORTS = ("series", "-series", "date", "-date", "value", "-value", "change", "-change")
"""How `/series` may be sorted."""


def one_of(*values: str) -> Callable[[str, str], str]:
    def read(name: str, text: str) -> str:
        if text in values:
            return text
        raise ParameterInvalid(name, text, allowed=" or ".join(values))

    return read


def count_upto(most: int) -> Callable[[str, str], int]:
    def read(name: str, text: str) -> int:
        if _COUNT.fullmatch(text) and 1 <= int(text) <= most:
            return int(text)
        raise ParameterInvalid(name, text, allowed=f"a whole number from 1 to {most}")

    return read


def whole_upto(most: int) -> Callable[[str, str], int]:
    def read(name: str, text: str) -> int:
        if _COUNT.fullmatch(text) and int(text) <= most:
            return int(text)
        raise ParameterInvalid(name, text, allowed=f"a whole number from 0 to {most}")

    return read


def read_time(name: str, text: str) -> str:
    """A run's id, or a day, which begins at midnight UTC."""
    try:
        return f"{read_date(name, text)}T00:00:00Z" if _DATE.fullmatch(text) else read_run_id(name, text)
    except ParameterInvalid:
        raise ParameterInvalid(name, text, allowed="a time such as 2020-10-25T17:00:00Z, or a day") from None


def read_since(name: str, text: str) -> str:
    """A run's id, or a day: then the moment before it, so that a run at its midnight is behind it."""
    if not _DATE.fullmatch(text):
        return read_time(name, text)
    day = dt.date.fromisoformat(read_date(name, text))
    return f"{day - dt.timedelta(days=1)}T23:59:59Z" if day > dt.date.min else f"{day}T00:00:00Z"


def read_place(name: str, text: str) -> tuple[str, str, str]:
    """A place in the table of vintages: (series, date, known_from)."""
    found = _PLACE.fullmatch(text)
    if not found:
        raise ParameterInvalid(name, text, allowed="what a Link header gave, known_from/date/series")
    return found[3], found[2], found[1]


def read_size(name: str, text: str) -> tuple[int, int]:
    found = _SIZE.fullmatch(text)
    if found:
        return int(found[1]), int(found[2])
    raise ParameterInvalid(name, text, allowed="width and height such as 1200x630, each from 200 to 2400")


_DATE_SCHEMA = {"type": "string", "format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
_RUN_PATTERN = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(Z|\+00:00)$"
_RUN_SCHEMA = {"type": "string", "format": "date-time", "pattern": _RUN_PATTERN}


def _choice(
    name: str, *, values: Sequence[str], description: str, example: str, default: str | None = None
) -> Parameter:
    """One of some values; without a default None where the request does not say."""
    usual = {} if default is None else {"default": default}
    return Parameter(
        name=name,
        description=description,
        read=one_of(*values),
        schema={"type": "string", "enum": list(values)} | usual,
        example=example,
        default=default,
    )


FROM = Parameter(
    name="from",
    description="The first date of the answer, inclusive.",
    read=read_date,
    schema=_DATE_SCHEMA,
    example="2020-10-01",
)
TO = Parameter(
    name="to",
    description="The last date of the answer, inclusive.",
    read=read_date,
    schema=_DATE_SCHEMA,
    example="2020-10-31",
)
AS_OF = Parameter(
    name="as_of",
    description="Answer with what was known at the end of this UTC day.",
    read=read_date,
    schema=_DATE_SCHEMA,
    example="2020-10-25",
)
COMPARE = Parameter(
    name="compare",
    description="Compare with what was known at the end of this UTC day: both in one chart, and what differs.",
    read=read_date,
    schema=_DATE_SCHEMA,
    example="2020-10-18",
)
SERIES = Parameter(
    name="series",
    description="Only this series.",
    read=read_any,
    schema={"type": "string", "minLength": 1},
    example="north",
)
DAYS = _choice(
    "days",
    values=("yes", "no"),
    description="With `yes`, a column `{measure}_days` for each measure: how many days its number stands for.",
    example="yes",
    default="no",
)
FORMAT = _choice(
    "format",
    values=("json", "csv"),
    description="`json`, or `csv` as a download.",
    example="csv",
    default="json",
)
AFTER_ROW = Parameter(
    name="after",
    description="The row behind which this page begins: its date, or date, space and series. The Link header has it.",
    read=matching(_ROW, allowed="a date, or a date, a space and a series"),
    schema={"type": "string", "pattern": f"^{_ROW}$"},
    example="2020-10-05",
)
AFTER_SERIES = Parameter(
    name="after",
    description="The series behind which this page begins. The Link header has it.",
    read=matching(r"[^\x00-\x1f]+", allowed="a name of a series"),
    schema={"type": "string", "pattern": r"^[^\u0000-\u001f]+$"},
    example="north",
)
SORT = _choice(
    "sort",
    values=SORTS,
    description="By name, newest date, or value or change of the first measure; with `-` reversed.",
    example="-value",
    default="series",
)
DATE = Parameter(
    name="date",
    description="One date.",
    read=read_date,
    schema=_DATE_SCHEMA,
    example="2020-10-05",
    place="path",
)
RUN = Parameter(
    name="run_id",
    description="A run's id: the time of the event that started it.",
    read=read_run_id,
    schema=_RUN_SCHEMA,
    example="2020-10-25T17:00:00Z",
    place="path",
)
BEFORE = Parameter(
    name="before",
    description="Only runs older than this one, the last id of the page before; or than this day.",
    read=read_time,
    schema={"type": "string", "anyOf": [_DATE_SCHEMA, _RUN_SCHEMA]},
    example="2020-10-25T17:00:00Z",
)
SINCE = Parameter(
    name="since",
    description="Only what runs after this one committed, the last `run_id` that the reader has; or from this day on.",
    read=read_since,
    schema={"type": "string", "anyOf": [_DATE_SCHEMA, _RUN_SCHEMA]},
    example="2020-10-25T17:00:00Z",
    default="0",
)
NAME = Parameter(
    name="name",
    description="The file's name, which carries the hash of its content.",
    read=read_any,
    schema={"type": "string", "minLength": 1},
    example="plotly.0123456789ab.js",
    place="path",
)


MEASURE = Parameter(
    name="measure",
    description="Only this measure: versions that do not differ in it are one.",
    read=matching(_NAME, allowed="the name of a measure: small letters, digits and _"),
    schema={"type": "string", "pattern": f"^{_NAME}$"},
    example="cases",
)
KNOWN_SINCE = Parameter(
    name="known_since",
    description="Only what came to be known at this time or later: a run id or a day.",
    read=read_time,
    schema={"type": "string", "anyOf": [_DATE_SCHEMA, _RUN_SCHEMA]},
    example="2020-10-25T17:00:00Z",
)
AFTER = Parameter(
    name="after",
    description="Where the page before ended, as its Link header has it: known_from/date/series.",
    read=read_place,
    schema={"type": "string", "pattern": r"^[0-9-]{10}T[0-9:]{8}Z/[0-9-]{10}/[^\n\r]+$"},
    example="2020-10-25T17:00:00Z/2020-10-24/all",
)
LAG = Parameter(
    name="lag",
    description="Each date, week or month as it was known at the end of the day so many days after it.",
    read=whole_upto(3650),
    schema={"type": "integer", "minimum": 0, "maximum": 3650},
    example="7",
)
FIRST = _choice(
    "first",
    values=("yes", "no"),
    description="With `yes`, each date, week or month as it was first published.",
    example="yes",
    default="no",
)
ROWS = Parameter(
    name="limit",
    description="At most so many rows or entries. More are behind the Link header.",
    read=count_upto(999_999),
    schema={"type": "integer", "minimum": 1, "maximum": 999_999},
    example="1000",
)


SKIP = Parameter(
    name="skip",
    description="Entries of the first change set that the reader has. The Link header has it.",
    read=count_upto(999_999_999),
    schema={"type": "integer", "minimum": 1, "maximum": 999_999_999},
    example="1000",
    default=0,
)


MEASURES = Parameter(
    name="measure",
    description="Only these measures, with commas between them.",
    read=matching(_NAMES, allowed="names of measures with commas between"),
    schema={"type": "string", "pattern": f"^{_NAMES}$"},
    example="cases,deaths",
)
BY = _choice(
    "by",
    values=("daily", "weekly", "monthly"),
    description="`daily`, `weekly` or `monthly`; without it the finest that is published.",
    example="weekly",
)
SHOW = _choice(
    "show",
    values=("new", "cumulative"),
    description="`new`, or `cumulative` where there are running totals.",
    example="cumulative",
    default="new",
)
SCALE = _choice(
    "scale",
    values=("linear", "log"),
    description="`linear`, or `log`: what is not positive is not shown then.",
    example="log",
    default="linear",
)
THEME = _choice(
    "theme",
    values=("light", "dark", "auto"),
    description="`light`, `dark`, or `auto`, which is what the reader's system is (a PNG is light then).",
    example="dark",
    default="auto",
)
SIZE = Parameter(
    name="size",
    description="Width and height in pixels, each from 200 to 2400.",
    read=read_size,
    schema={"type": "string", "pattern": f"^{_PIXELS}x{_PIXELS}$", "default": "1200x630"},
    example="800x450",
    default=(1200, 630),
)


def limit(*, usual: int, most: int) -> Parameter:
    return Parameter(
        name="limit",
        description="At most this many.",
        read=count_upto(most),
        schema={"type": "integer", "minimum": 1, "maximum": most, "default": usual},
        example=str(usual),
        default=usual,
    )


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """A request as its route reads it."""

    values: Mapping[str, Any] = field(default_factory=dict)
    """Parameter -> value, or its default."""

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def get(self, name: str) -> Any:
        """None where the route has no such parameter, or the request gives none."""
        return self.values.get(name)


def read_parameters(
    declared: Sequence[Parameter],
    *,
    route: str,
    path: Mapping[str, str],
    query: Mapping[str, Sequence[str]],
    pass_over_unknown: bool = False,
) -> Arguments:
    """The values of a request. Raises a 400 that names the first parameter that is unknown or wrong.

    `pass_over_unknown`: links to pages carry what others append to them, such as `utm_source`.
    """
    known = {parameter.name: parameter for parameter in declared if parameter.place == "query"}
    for name, texts in query.items():
        if name not in known and pass_over_unknown:
            continue
        if name not in known:
            raise ParameterUnknown(name, texts[-1], route=route, known=known)
        if len(texts) > 1:
            raise ParameterInvalid(name, ", ".join(texts), allowed="one value")
    values = {parameter.name: _value(parameter, path=path, query=query) for parameter in declared}
    start, end = values.get("from"), values.get("to")
    if start and end and start > end:
        raise RangeReversed(start, end)
    return Arguments(values=values)


def _value(parameter: Parameter, *, path: Mapping[str, str], query: Mapping[str, Sequence[str]]) -> Any:
    if parameter.place == "path":
        return parameter.read(parameter.name, path[parameter.name])
    texts = query.get(parameter.name)
    return parameter.read(parameter.name, texts[0]) if texts else parameter.default
