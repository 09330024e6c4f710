"""Numbers with decimals, exactly: whole multiples of 10^-decimals inside, `int` or `Decimal` where they are shown.

JSON has no decimals of its own: `dumps` writes a Decimal as the number it is, with all its decimals, and `loads` reads
every number with a point as a Decimal, so that nothing passes through binary fractions.
"""

import json
import re
from decimal import Decimal
from typing import Any

type Number = int | Decimal

_WRITTEN = "\ue000"
"""A character that no text of ours has (it is not printable): it leads a Decimal within a string until it is bare."""
_STRING = re.compile(f'"{_WRITTEN}([^"]*)"')


def from_scaled(scaled: int, decimals: int) -> Number:
    """1863 with two decimals is Decimal("18.63"); without decimals it stays an int."""
    return Decimal(scaled).scaleb(-decimals) if decimals else scaled


def to_scaled(number: Number, decimals: int) -> int:
    """Decimal("18.63") with two decimals is 1863. Raises ValueError where the number has more decimals."""
    scaled = Decimal(number).scaleb(decimals)
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{number} has more than {decimals} decimals")
    return int(scaled)


def dumps(value: Any) -> str:
    """Compact JSON with every Decimal as the number that it is."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=_lead)
    return _STRING.sub(r"\1", text) if _WRITTEN in text else text


def loads(text: str | bytes) -> Any:
    """JSON with numbers as int or Decimal."""
    return json.loads(text, parse_float=Decimal)


def _lead(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{_WRITTEN}{value:f}"
    raise TypeError(f"{type(value).__name__} has no JSON form")
