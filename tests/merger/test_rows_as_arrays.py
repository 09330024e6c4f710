"""Rows as arrays behave as dictionaries would."""

import datetime as dt

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.tables import NULL, Table, make_keys, on_common_names, patched
from tests.merger.merges import keyed

_KEYS = st.tuples(st.sampled_from(["A", "B", "Ä", "Z"]), st.integers(737_000, 737_005))
_ROWS = st.dictionaries(_KEYS, st.sampled_from([NULL, 0, 1, 200, 70_000, 10**15 - 1]), max_size=8)


def table(rows: dict[tuple[str, int], int], names: tuple[str, ...] | None = None) -> Table:
    """One measure, `n`."""
    names = names or tuple(sorted({name for name, _ in rows}))
    keys = sorted(rows, key=lambda key: (key[1], key[0]))
    days = np.array([day for _, day in keys], dtype=np.int64)
    codes = np.array([names.index(name) for name, _ in keys], dtype=np.int64)
    numbers = np.array([rows[key] for key in keys], dtype=np.int64)
    return Table(names=names, keys=make_keys(days, codes), values={"n": numbers})


def plain(rows: dict[tuple[str, int], int]) -> dict[tuple[str, str], dict[str, int | None]]:
    return {
        (name, dt.date.fromordinal(day).isoformat()): {"n": None if number == NULL else number}
        for (name, day), number in rows.items()
    }


@given(rows=_ROWS, others=_ROWS)
def test_tables_over_common_names_hold_the_same_rows(
    rows: dict[tuple[str, int], int], others: dict[tuple[str, int], int]
) -> None:
    left, right = on_common_names([table(rows), table(others)])
    assert (keyed(left), keyed(right)) == (plain(rows), plain(others))
    assert left.names == right.names


@given(rows=_ROWS, without=st.sets(_KEYS, max_size=4), upserts=_ROWS)
def test_patching_takes_out_and_puts_in(
    rows: dict[tuple[str, int], int], without: set[tuple[str, int]], upserts: dict[tuple[str, int], int]
) -> None:
    names = ("A", "B", "Z", "Ä")
    gone = table(dict.fromkeys(without, 0), names).keys
    found = patched(table(rows, names), without=gone, upserts=table(upserts, names))
    assert keyed(found) == plain({key: n for key, n in rows.items() if key not in without} | upserts)
    assert (found.keys[1:] > found.keys[:-1]).all()


@given(rows=_ROWS, wanted=st.lists(_KEYS, max_size=5, unique=True))
def test_keys_are_found_where_they_are(rows: dict[tuple[str, int], int], wanted: list[tuple[str, int]]) -> None:
    names = ("A", "B", "Z", "Ä")
    known = table(rows, names)
    keys = table(dict.fromkeys(wanted, 0), names).keys
    places, here = known.find(keys)
    assert here.tolist() == [key in set(known.keys.tolist()) for key in keys.tolist()]
    assert known.keys[places[here]].tolist() == keys[here].tolist()


def test_the_newest_date_of_nothing_is_nothing() -> None:
    assert (table({}).newest, table({("A", 737_000): 1}).newest) == ("", "2018-11-02")
