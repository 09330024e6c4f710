"""What closes the gate, and what is only told."""

import pytest

from chalicelib.comparing.full_merge import Merged
from chalicelib.comparing.gate import GateLimits, check_gate, check_rows
from chalicelib.comparing.run_warnings import find_warnings
from shared.errors import ContractBroken, GateClosed
from tests.merger.merges import merge
from tests.proof.small_feeds import date, jhu, nyt
from tests.shared.declared import US_COVID
from tests.shared.regions import REGIONS

LIMITS = GateLimits(max_removed_percent=1, revision_warn_percent=10)


def after(before: dict[str, bytes], files: dict[str, bytes]) -> Merged:
    return merge(US_COVID, files, old=merge(US_COVID, before).snapshot, run_id="r2")


BEFORE = {"nyt": nyt(200), "jhu": jhu(200)}


def test_a_newest_date_that_moves_back_closes_the_gate() -> None:
    with pytest.raises(GateClosed, match=f"the newest date would move back from {date(199)} to {date(197)}"):
        check_gate(after(BEFORE, {"nyt": nyt(198), "jhu": jhu(200)}), US_COVID, LIMITS)


def test_one_percent_of_the_rows_may_go_and_no_more() -> None:
    check_gate(after(BEFORE, {"nyt": nyt(200, without=[3, 4]), "jhu": jhu(200)}), US_COVID, LIMITS)
    gone = rf"3 of 200 rows \(1\.5 %\) would be removed, of {date(3)} to {date(5)}; at most 1 % are allowed"
    with pytest.raises(GateClosed, match=gone):
        check_gate(after(BEFORE, {"nyt": nyt(200, without=[3, 4, 5]), "jhu": jhu(200)}), US_COVID, LIMITS)


def test_a_first_load_passes() -> None:
    check_gate(merge(US_COVID, BEFORE), US_COVID, LIMITS)


def swapped(*, equal: int, of: int) -> Merged:
    """Cases and deaths in each other's columns; in the first rows they are equal."""
    rows = [(date(n), 7, 7) if n < equal else (date(n), 100 * n + 107, n + 1) for n in range(of)]
    before, now = (
        "date,cases,deaths\n"
        + "".join(f"{day},{line[0]},{line[1]}\n" for day, *numbers in rows for line in [numbers[::step]])
        for step in (1, -1)
    )
    return after({"nyt": before.encode(), "jhu": jhu(of)}, {"nyt": now.encode(), "jhu": jhu(of)})


def test_swapped_columns_close_the_gate_however_many_rows_have_the_same_value_in_both() -> None:
    with pytest.raises(GateClosed) as closed:
        check_gate(swapped(equal=0, of=40), US_COVID, LIMITS)
    assert closed.value.args[0] == (
        "40 of 40 values of cases and 40 of 40 values of deaths would be revised at once, as if the columns of cases"
        " and deaths had been swapped; at most 90% of the values of two measures may be"
    )
    with pytest.raises(GateClosed) as closed:
        check_gate(swapped(equal=25, of=40), US_COVID, LIMITS)
    assert closed.value.args[0] == (
        "15 of 15 values of cases and 15 of 15 values of deaths would be revised at once, as if the columns of cases"
        " and deaths had been swapped (rows left out in which two are equal and stay so); at most 90% of the values of"
        " two measures may be"
    )
    check_gate(swapped(equal=31, of=40), US_COVID, LIMITS)


def test_a_closed_gate_calls_a_measure_as_readers_know_it() -> None:
    days = [date(n) for n in range(20)]
    lab = b"date,area,n\n" + "".join(f"{day},North,{n + 1}\n" for n, day in enumerate(days)).encode()
    full = b"day,region,beds\n" + "".join(f"{day},North,{n + 1}\n" for n, day in enumerate(days)).encode()
    blank = (
        b"day,region,beds\n"
        + "".join(f"{day},North,\n" for day in days[:-1]).encode()
        + f"{days[-1]},North,20\n".encode()
    )
    old = merge(REGIONS, {"board": full, "lab": lab}).snapshot
    with pytest.raises(GateClosed, match=r"19 of 20 values of Beds in use \(95\.0 %\) would be lost"):
        check_gate(merge(REGIONS, {"board": blank, "lab": lab}, old=old, run_id="r2"), REGIONS, LIMITS)


def places(*, swapped: int, of: int) -> dict[str, bytes]:
    """Three regions with so many dates; in the first so many of them have beds and tests in each other's columns."""
    beds, tests = ["day,region,beds"], ["date,area,n"]
    for n in range(of):
        for place, region in enumerate(("North", "South", "West")):
            numbers = [100 * (place + 1) + n, 9000 * (place + 1) + 7 * n]
            numbers = numbers[::-1] if region == "North" and n < swapped else numbers
            beds.append(f"{date(n)},{region},{numbers[0]}")
            tests.append(f"{date(n)},{region},{numbers[1]}")
    return {"board": "\n".join([*beds, ""]).encode(), "lab": "\n".join([*tests, ""]).encode()}


def test_columns_that_are_swapped_in_one_of_many_series_close_the_gate() -> None:
    old = merge(REGIONS, places(swapped=0, of=20)).snapshot
    with pytest.raises(GateClosed) as closed:
        check_gate(merge(REGIONS, places(swapped=20, of=21), old=old, run_id="r2"), REGIONS, LIMITS)
    assert closed.value.args[0] == (
        "20 of 20 rows of North would have Beds in use and tests in each other's place, as if their columns had been"
        " swapped; at most 90% of the rows of a series may"
    )
    check_gate(merge(REGIONS, places(swapped=18, of=20), old=old, run_id="r2"), REGIONS, LIMITS)


def test_feeds_without_a_common_key_break_the_contract_whatever_is_approved() -> None:
    files = {"board": b"day,region,beds\n2020-03-01,North,1\n", "lab": b"date,area,n\n2020-03-02,North,5\n"}
    with pytest.raises(ContractBroken, match="feed board and lab: '0 rows in common' is not allowed"):
        check_rows(merge(REGIONS, files), REGIONS)


def test_a_first_load_warns_of_nothing() -> None:
    assert find_warnings(merge(US_COVID, {"nyt": nyt(9, cases={5: 1}), "jhu": jhu(9)}), US_COVID, LIMITS) == []


def test_dates_that_lie_long_before_the_others_are_warned_of_together_and_once() -> None:
    def files(*early: str, rows: int = 9) -> dict[str, bytes]:
        lines = "".join(f"{day},1,1\n" for day in early).encode()
        first = "".join(f"{day},US,,1,1,1\n" for day in early).encode()
        nyt_head, nyt_rows = nyt(rows).split(b"\n", 1)
        jhu_head, jhu_rows = jhu(rows).split(b"\n", 1)
        return {"nyt": nyt_head + b"\n" + lines + nyt_rows, "jhu": jhu_head + b"\n" + first + jhu_rows}

    def warnings(merged: Merged) -> list[str]:
        return [text for text in find_warnings(merged, US_COVID, LIMITS) if "oldest" in text]

    one, two = files("1970-01-01"), files("1970-01-01", "1970-01-02")
    alone = f"the oldest date, 1970-01-01, lies 48 years before the next, {date(0)}: it may be none"
    assert warnings(merge(US_COVID, one)) == [alone]
    both = (
        "the oldest dates, 1970-01-01 and 1970-01-02, lie 48 years or more before the next,"
        f" {date(0)}: they may be none"
    )
    assert warnings(merge(US_COVID, two)) == warnings(after(one, two)) == [both]
    assert warnings(merge(US_COVID, files("0001-01-01", "1970-01-02"))) == [both.replace("1970-01-01", "0001-01-01")]
    assert warnings(after(two, files("1970-01-01", "1970-01-02", rows=10))) == warnings(after(two, one)) == []
    seven = [f"1970-01-0{day}" for day in range(1, 8)]
    many = f"the 7 oldest dates, 1970-01-01 to 1970-01-07, lie 48 years or more before the next, {date(0)}:"
    assert warnings(merge(US_COVID, files(*seven))) == [f"{many} they may be none"]
    assert warnings(after(files(*seven), files(*seven, rows=10))) == []
    as_many_as_follow = files(*seven, rows=7)
    assert warnings(merge(US_COVID, as_many_as_follow)) == []


def test_a_cumulative_measure_that_falls_is_warned_of() -> None:
    found = find_warnings(after(BEFORE, {"nyt": nyt(201, cases={200: 5}), "jhu": jhu(201)}), US_COVID, LIMITS)
    assert found == [f"{date(200)}: cumulative cases fall from 20,007 to 5 (-20,002)"]


def test_a_large_revision_is_warned_of_and_a_small_one_is_not() -> None:
    found = find_warnings(after(BEFORE, {"nyt": nyt(200, cases={3: 408, 8: 1_200}), "jhu": jhu(200)}), US_COVID, LIMITS)
    assert found == [
        f"{date(9)}: cumulative cases fall from 1,200 to 1,007 (-193)",
        f"{date(8)}: cases revised from 907 to 1,200, more than 10 %",
    ]


def test_a_measure_that_is_0_after_having_been_positive_is_warned_of_as_not_reported() -> None:
    found = find_warnings(after(BEFORE, {"nyt": nyt(201), "jhu": jhu(201, recovered={200: 0})}), US_COVID, LIMITS)
    assert found == [f"recoveries: not reported since {date(200)}, last 1,990"]


def test_rows_of_the_past_that_lack_a_measure_which_is_reported_later_are_no_silence() -> None:
    before = {"nyt": nyt(200), "jhu": jhu(200, recovered={150: 0})}
    merged = after({"nyt": nyt(200, without=range(160)), "jhu": before["jhu"]}, before)
    assert len(merged.changes.added) == 160
    assert find_warnings(merged, US_COVID, LIMITS) == []


def test_numbers_of_fifteen_digits_are_compared_without_overflow() -> None:
    most = 10**15 - 1
    found = find_warnings(
        after({"nyt": nyt(3, cases={2: 1}), "jhu": jhu(3)}, {"nyt": nyt(3, cases={2: most}), "jhu": jhu(3)}),
        US_COVID,
        LIMITS,
    )
    assert found == [f"{date(2)}: cases revised from 1 to {most:,}, more than 10 %"]
