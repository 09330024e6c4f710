"""Documents as TOML, for tests that change declarations."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any


def as_toml(document: Mapping[str, Any]) -> str:
    """A declaration's document as text: its own keys, then its tables."""
    return "\n".join(_lines(document)) + "\n"


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    tables = {"series", "measure", "feed"}
    for key, value in document.items():
        if not (key in tables and _is_table(value)):
            yield f"{_key(key)} = {_value(value)}"
    for key in tables & document.keys():
        value = document[key]
        if not _is_table(value):
            continue
        for table in value if isinstance(value, list) else [value]:
            yield f"[[{key}]]" if isinstance(value, list) else f"[{key}]"
            yield from (f"{_key(name)} = {_value(it)}" for name, it in table.items())


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, list) and bool(value) and all(isinstance(it, Mapping) for it in value)
    )


def _key(text: str) -> str:
    return _text(text)


def _text(text: str) -> str:
    return json.dumps(text).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value)
        case float():
            return str(value) if math.isfinite(value) else {"inf": "inf", "-inf": "-inf"}.get(str(value), "nan")
        case list():
            return "[" + ", ".join(map(_value, value)) + "]"
        case Mapping():
            return "{" + ", ".join(f"{_key(name)} = {_value(it)}" for name, it in value.items()) + "}"
    return str(value)
