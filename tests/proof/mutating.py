"""Arbitrary inputs from real ones: bytes flipped, put in, taken out, repeated and mixed; members of events replaced.

All chance comes from a `Random` that the caller seeds, so that any input can be made again.
"""

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

SEEDS = Path(__file__).parent / "seeds"
"""Inputs that once found something, by kind; each is tried as it is, and files are mutated as well."""

_TOKENS = [
    *(b'"', b'""', b",", b",,", b"\n", b"\r", b"\r\n", b"\n\n", b"\x00", b"\xff", b"\xc3\xa9", b"\xef\xbb\xbf", b"\\"),
    *(b"-1", b"0", b".0", b"1e3", b"1e400", b"nan", b"inf", b"NULL", b" ", b"\t", b"999999999999999", b"9" * 20, b"+"),
    *(b"2020-01-22", b"2020-13-01", b"0000-00-00", b"US", b"date", b"cases", b"Date", b"=1+1", b"\xe2\x80\xa8", b"'"),
]


def seeds(kind: str) -> list[Path]:
    """The kept seeds of a kind (`files`, `events`, `requests`), in order of their names. Raises FileNotFoundError."""
    return sorted(SEEDS.joinpath(kind).iterdir())


def mutated_bytes(random: Random, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds, changed a few times; now and then bytes of no kind at all."""
    if random.random() < 0.03:
        return random.randbytes(random.randrange(200))
    data = random.choice(seeds)
    for _ in range(random.choice([0, 1, 1, 2, 3, 6])):
        at, size = random.randrange(len(data) + 1), random.choice([0, 1, 1, 4, 30])
        match random.randrange(6):
            case 0:
                data = data[:at] + random.choice(_TOKENS) + data[at:]
            case 1:
                data = data[:at] + random.choice(_TOKENS) + data[at + size :]
            case 2:
                data = data[:at] + data[at + size :]
            case 3:
                data = data[:at] + data[at : at + size] + data[at:]
            case 4:
                data = data[:at] + random.randbytes(1) + data[at + 1 :]
            case _:
                data = _with_lines_moved(random, data)
    return data


def _with_lines_moved(random: Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    first, second = random.randrange(len(lines)), random.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]
    return b"\n".join(lines)


_VALUES = [None, True, 0, -1, 10**30, 1.5, "", "x", "\x00", "\ud800", "9" * 300, [], {}, [None], {"S": 5}, {"N": "x"}]
_VALUES += [
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "2020-03-01T17:00:00Z",
    "raw/us-covid/2020-03-01T17:00:00Z/nyt.csv",
]
_VALUES += [
    "raw/us-covid/0001-01-01T00:00:00Z/jhu.csv",
    "raw/us-covid/9999-12-31T23:59:59Z/nyt.csv",
    "approve",
    "redrive",
    "COMMITTED",
]


def mutated_event(random: Random, seeds: Sequence[Any]) -> Any:
    """One of the seeds with a few of its members replaced, removed, or exchanged for others' values."""
    if random.random() < 0.02:
        return random.choice(_VALUES)
    event = copy.deepcopy(random.choice(seeds))
    for _ in range(random.choice([0, 1, 1, 2, 4])):
        places = list(_members(event))
        if not places:
            break
        holder, key = random.choice(places)
        match random.randrange(4):
            case 0:
                del holder[key]
            case 1:
                other, other_key = random.choice(places)
                holder[key] = copy.deepcopy(other[other_key]) if _has(other, other_key) else None
            case _:
                holder[key] = copy.deepcopy(random.choice(_VALUES))
    return event


def _members(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (holder, key) within nested objects and lists."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    for key in keys:
        yield value, key
        yield from _members(value[key])


def _has(holder: Any, key: Any) -> bool:
    return key in holder if isinstance(holder, dict) else key < len(holder)
