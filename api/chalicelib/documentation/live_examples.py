"""For every parameter of every route a request that has an answer now, made of what is served."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import quote, urlencode

from chalicelib.web.parameters import Parameter
from shared.dataset import ONE_SERIES


@dataclass(frozen=True, kw_only=True)
class Served:
    """What there is to ask for."""

    run_id: str
    """The run whose views are served."""
    known_from: str
    """From when on its state counts as known."""
    newest: str
    """The newest date."""
    measure: str
    series: str = ""
    """One that is there; empty where the dataset has one only."""
    asset: str
    """The name of a static file."""
    counts_visits: bool = False
    takes_subscriptions: bool = False


@dataclass(frozen=True, kw_only=True)
class ParameterExample:
    """A parameter, and a request with it."""

    parameter: Parameter
    address: str
    """Relative to the dataset's root, escaped as an address; empty where nothing is served yet."""


_OF_A_COMMIT = frozenset({"/latest", "/chart.svg", "/chart.png", "/embed"})
"""Routes that have nothing to show before the first commit, and say so by 404."""

_SWITCHED = {"/visits.svg": "counts_visits", "/subscriptions": "takes_subscriptions"}
"""Routes that are there only where the operator wants them, and what says so."""


def examples_of(path: str, parameters: Sequence[Parameter], served: Served | None) -> Iterator[ParameterExample]:
    """In the order of the parameters; those of the path itself show the plain request."""
    for parameter in parameters:
        address = _address(path, parameter, served) if served else ""
        yield ParameterExample(parameter=parameter, address=address)


def plain_example(path: str, served: Served | None) -> str:
    """The route without any parameter but those of its path; empty where it needs one and nothing is served yet."""
    if path in _SWITCHED and not (served and getattr(served, _SWITCHED[path])):
        return ""
    if served is None:
        return "" if "{" in path or path in _OF_A_COMMIT else _relative(path)
    return _relative(path.format(**{name: quote(value, safe=":") for name, value in _in_path(served).items()}))


def _address(path: str, parameter: Parameter, served: Served) -> str:
    plain = plain_example(path, served)
    if parameter.place == "path":
        return plain
    known = _values(served) | {"after": _after(path, served)}
    value = known.get(parameter.name, parameter.example)  # what chooses among words has the same example everywhere
    if not value:  # such as a series where there is only one
        return ""
    return f"{plain}?{urlencode({parameter.name: value}, safe=':/', quote_via=quote)}"


def _relative(path: str) -> str:
    return path.lstrip("/") or "./"


def _in_path(served: Served) -> Mapping[str, str]:
    return {"date": served.newest, "run_id": served.run_id, "name": served.asset}


def _values(served: Served) -> dict[str, str]:
    """Parameter -> a value that it can have."""
    day = served.known_from[:10]
    return {
        "from": (date.fromisoformat(served.newest) - timedelta(days=30)).isoformat(),
        "to": served.newest,
        "format": "csv",
        "as_of": day,
        "series": served.series,
        "days": "yes",
        "lag": "7",
        "first": "yes",
        "limit": "10",
        "sort": "-value",
        "measure": served.measure,
        "known_since": day,
        "before": served.run_id,
        "since": day,
        "skip": "1",
        "compare": day,
        "by": "monthly",
        "show": "new",
        "scale": "log",
        "theme": "dark",
        "size": "600x315",
    }


def _after(path: str, served: Served) -> str:
    """Where a page before ended: each kind of list says that in its own way."""
    if path == "/vintages":
        return f"{served.known_from}/{served.newest}/{served.series or ONE_SERIES}"
    if path in ("/series", "/data/{date}"):
        return served.series or ONE_SERIES
    return served.newest
