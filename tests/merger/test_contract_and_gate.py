"""What passes, passes normalised; what does not is REJECTED and says where, what was there, and what was allowed.

Each case is a second day: the first was loaded undisturbed. Files of the cases are small; the shapes are real.
"""

import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from shared.dataset import ONE_SERIES
from shared.errors import NotAllowed
from shared.keys import raw_key
from shared.runs import State
from tests.proof.corpus import FEEDS, WHY_NOT, odd_dates
from tests.proof.model import merged_rows
from tests.proof.small_feeds import date, jhu, nyt, pair
from tests.proof.stories import at
from tests.shared.declared import US_COVID
from tests.world import ANN_RECORDED, World, world

ROWS = 110
"""One row is less than one percent of them, two are more."""


@pytest.fixture(scope="module")
def deployment() -> Iterator[Any]:
    with world() as made:
        made.publish(pair(ROWS), at=at(1, "12:00:00"))
        made.schedule("fetch", at(1))
        made.settle()
        yield made, made.save()


def carry(system: World, day: int, files: dict[str, bytes]) -> None:
    system.publish(files, at=at(day, "12:00:00"))
    system.schedule("fetch", at(day))
    system.settle()


def stored(system: World) -> dict[Any, Any]:
    return {key: {k: v for k, v in row.items() if k != "run_id"} for key, row in system.rows().items()}


def lines_of(data: bytes) -> list[str]:
    return data.decode().split("\n")


NEXT = {"nyt": nyt(ROWS + 1, cases={5: 611}), "jhu": jhu(ROWS + 1)}
"""An undisturbed second day: one row is new, one revised."""

_NYT, _JHU = lines_of(NEXT["nyt"]), lines_of(NEXT["jhu"])


def _columns(data: bytes, order: list[int | str]) -> bytes:
    """The file with its columns chosen and put in order; a text is the name of one that is put in."""
    rows = [line.split(",") for line in data.decode().rstrip("\n").split("\n")]
    table = [
        [(place if n == 0 else "x") if isinstance(place, str) else row[place] for place in order]
        for n, row in enumerate(rows)
    ]
    return "\n".join(map(",".join, table)).encode() + b"\n"


def _wide(data: bytes, columns: int) -> bytes:
    header, *rows = data.decode().rstrip("\n").split("\n")
    more = ",".join(f"c{n}" for n in range(columns))
    return "\n".join([f"{header},{more}", *(row + "," * columns for row in rows)]).encode()


def _long(data: bytes, times: int) -> bytes:
    header, rest = data.split(b"\n", 1)
    others = rest.replace(b",US,", b",Elsewhere,")
    return header + b"\n" + rest + others * (times - 1)


PASSES = {
    "columns added": {"jhu": _columns(NEXT["jhu"], [0, 1, 2, "Lat", 3, 4, 5, "Long"])},
    "unused columns dropped": {"jhu": _columns(NEXT["jhu"], [0, 1, 2, 4])},
    "columns reordered": {"nyt": _columns(NEXT["nyt"], [2, 0, 1]), "jhu": _columns(NEXT["jhu"], [4, 2, 1, 0, 3, 5])},
    "rows reordered": {"nyt": "\n".join([_NYT[0], *reversed(_NYT[1:])]).encode()},
    "a byte order mark": {"nyt": b"\xef\xbb\xbf" + NEXT["nyt"], "jhu": b"\xef\xbb\xbf" + NEXT["jhu"]},
    "CRLF": {"nyt": NEXT["nyt"].replace(b"\n", b"\r\n"), "jhu": NEXT["jhu"].replace(b"\n", b"\r\n")},
    "no final newline": {"nyt": NEXT["nyt"].rstrip(b"\n"), "jhu": NEXT["jhu"].rstrip(b"\n")},
    "a final newline": {"nyt": NEXT["nyt"] + b"\n"},
    "blank lines": {"nyt": NEXT["nyt"].replace(b"\n", b"\n\n")},
    "N.0": {
        "nyt": "\n".join([_NYT[0], *(f"{line}.0" for line in _NYT[1:])]).encode(),
        "jhu": NEXT["jhu"].replace(b",1\n", b",1.0\n"),
    },
    "blanks around": {"nyt": NEXT["nyt"].replace(b",", b" , ")},
    "leading zeros and plus signs": {"nyt": NEXT["nyt"].replace(b",611,", b",+00611,")},
    "all fields quoted": {"nyt": ("\n".join('"' + line.replace(",", '","') + '"' for line in _NYT)).encode()},
    "a byte that is not UTF-8 where nobody looks": {"jhu": NEXT["jhu"].replace(b"Chad", b"C\xf4te d'Ivoire", 3)},
    "a line break in quotes where nobody looks": {"jhu": NEXT["jhu"].replace(b"Chad", b'"Cha\nd"', 3)},
    "-1 and text where nobody looks": {"jhu": NEXT["jhu"].replace(b",Chad,,0,5,1", b",Chad,,-1,n/a,?")},
    "old line ends": {"nyt": NEXT["nyt"].replace(b"\n", b"\r")},
    "ten times as long": {"jhu": _long(NEXT["jhu"], 10)},
    "10,000 columns": {"nyt": _wide(NEXT["nyt"], 10_000)},
}


@pytest.mark.parametrize("case", PASSES)
def test_what_passes_passes_normalised(system: World, case: str) -> None:
    carry(system, 2, NEXT | PASSES[case])
    assert (system.run(at(2)).state, system.run(at(2)).reason) == (State.COMMITTED, "")
    assert stored(system) == merged_rows(US_COVID, NEXT)
    assert (system.run(at(2)).added, system.run(at(2)).changed, system.run(at(2)).removed) == (1, 1, 0)


@pytest.mark.parametrize("case", PASSES)
def test_the_same_rows_in_another_shape_are_unchanged(system: World, case: str) -> None:
    carry(system, 2, NEXT)
    carry(system, 3, NEXT | PASSES[case])
    assert system.run(at(3)).state is State.UNCHANGED


def test_a_blank_is_null(system: World) -> None:
    carry(system, 2, NEXT | {"nyt": NEXT["nyt"].replace(f"{date(7)},807,".encode(), f"{date(7)},,".encode())})
    assert stored(system)[ONE_SERIES, date(7)] == {"cases": None, "deaths": 8, "recoveries": 70}


_NUMBER = "a whole number that is not negative, within 64 bits, or blank is needed"
_DATE = "an ISO date like 2020-10-24 is needed"


def _nyt_line(number: int, text: str) -> dict[str, bytes]:
    """The second day with one line of the NYT's file replaced; lines count from 1."""
    lines = [*_NYT]
    lines[number - 1] = text
    return {"nyt": "\n".join(lines).encode()}


REJECTED: dict[str, tuple[dict[str, bytes], str]] = {
    "a used column renamed": (
        {"jhu": NEXT["jhu"].replace(b"Recovered", b"Recoveries")},
        "feed jhu, line 1, column Recovered: 'Date,Country/Region,Province/State,Confirmed,Recoveries,Deaths' is not"
        " allowed; column 'Recovered' is needed once and is there 0 times",
    ),
    "a used column dropped": (
        {"nyt": _columns(NEXT["nyt"], [0, 1])},
        "feed nyt, line 1, column deaths: 'date,cases' is not allowed; column 'deaths' is needed once and is there 0"
        " times",
    ),
    "a used column there twice": (
        {"nyt": _columns(NEXT["nyt"], [0, 1, 2, 1])},
        "feed nyt, line 1, column cases: 'date,cases,deaths,cases' is not allowed; column 'cases' is needed once and is"
        " there 2 times",
    ),
    "the wrong file under the right name": (
        {"nyt": NEXT["jhu"]},
        "feed nyt, line 1, column date: 'Date,Country/Region,Province/State,Confirmed,Recovered,Deaths' is not allowed;"
        " column 'date' is needed once and is there 0 times",
    ),
    "a page instead of a file": (
        {"nyt": b"<!DOCTYPE html>\n<html><body>404: Not Found</body></html>\n"},
        "feed nyt, line 1, column date: '<!DOCTYPE html>' is not allowed; column 'date' is needed once and is there 0"
        " times",
    ),
    "an empty file": ({"nyt": b""}, "feed nyt: the file is empty; a header is needed"),
    "a header alone": (
        {"nyt": b"date,cases,deaths\n"},
        "feed nyt: there is no row below the header; at least one is needed",
    ),
    "no row that is used": (
        {"jhu": NEXT["jhu"].replace(b",US,", b",USA,")},
        "feed jhu: no row has Country/Region='US' and Province/State=''; at least one is needed",
    ),
    "a key there twice": (
        _nyt_line(6, _NYT[4]),
        f"feed nyt, line 6, column date: '{date(2)}' is not allowed; each key is allowed once, and this one is on line"
        " 5 already",
    ),
    "-1": (
        _nyt_line(4, f"{date(1)},-1,2"),
        f"feed nyt, line 4, column cases: '-1' is not allowed; {_NUMBER}",
    ),
    "a fraction": (
        _nyt_line(4, f"{date(1)},207.5,2"),
        f"feed nyt, line 4, column cases: '207.5' is not allowed; {_NUMBER}",
    ),
    "thousands separated": (
        _nyt_line(4, f'{date(1)},"1,207",2'),
        f"feed nyt, line 4, column cases: '1,207' is not allowed; {_NUMBER}",
    ),
    "a word for a number": (
        {"jhu": NEXT["jhu"].replace(b",US,,3,30,", b",US,,3,unknown,")},
        f"feed jhu, line 9, column Recovered: 'unknown' is not allowed; {_NUMBER}",
    ),
    "a byte that is not UTF-8 where it matters": (
        {"nyt": NEXT["nyt"].replace(b",611,", b",6\xff1,")},
        f"feed nyt, line 8, column cases: '6\\udcff1' is not allowed; {_NUMBER}",
    ),
    "a line break in a number": (
        _nyt_line(4, f'{date(1)},"20\n7",2'),
        f"feed nyt, line 5, column cases: '20\\n7' is not allowed; {_NUMBER}",
    ),
    "a quote that is not closed": (
        _nyt_line(4, f'{date(1)},"207,2'),
        "feed nyt, line 113: 'unexpected end of data' is not allowed; CSV as in RFC 4180 is needed",
    ),
    "a day that there is not": (
        _nyt_line(4, "2020-02-30,207,2"),
        f"feed nyt, line 4, column date: '2020-02-30' is not allowed; {_DATE}",
    ),
    "days before months": (
        {"nyt": "\n".join([_NYT[0], "22/01/2020,1,1"]).encode()},
        f"feed nyt, line 2, column date: '22/01/2020' is not allowed; {_DATE}",
    ),
    "a line that breaks off": (
        _nyt_line(111, f"{date(108)},109"),
        "feed nyt, line 111: '2 fields' is not allowed; 3 as in the header are needed",
    ),
}


@pytest.mark.parametrize("case", REJECTED)
def test_what_breaks_the_contract_is_rejected_and_says_where(system: World, case: str) -> None:
    files, reason = REJECTED[case]
    before, head = stored(system), system.head()
    carry(system, 2, NEXT | files)
    run = system.run(at(2))
    assert (run.state, run.rejected_by, run.reason) == (State.REJECTED, "contract", reason)
    assert (stored(system), system.head()) == (before, head)
    kept = system.files()
    assert {feed: kept[raw_key("us-covid", at(2), feed)] for feed in ("nyt", "jhu")} == NEXT | files
    assert [mail.kind for mail in system.platform.mails] == ["digest", "failure"]
    with pytest.raises(NotAllowed, match="there is nothing to let pass"):
        system.operate("approve", at(2), time=at(2, "20:00:00"))
    carry(system, 3, NEXT)
    assert system.run(at(3)).state is State.COMMITTED
    assert stored(system) == merged_rows(US_COVID, NEXT)
    assert f"Run {at(2)} had ended REJECTED" in " ".join(system.platform.mails[-1].body.split())


@pytest.mark.feeds
@pytest.mark.skipif(not FEEDS.is_dir(), reason=WHY_NOT)
def test_a_real_file_with_days_before_months_is_rejected_at_its_first_row(system: World) -> None:
    carry(system, 2, NEXT | {"jhu": odd_dates()})
    run = system.run(at(2))
    assert (run.state, run.rejected_by) == (State.REJECTED, "contract")
    assert run.reason.endswith(f"column Date: '2020-22-01' is not allowed; {_DATE}")


def test_rows_rolled_back_by_two_days_are_rejected_and_restored_without_a_change(system: World) -> None:
    carry(system, 2, NEXT)
    before = stored(system)
    carry(system, 3, NEXT | {"nyt": nyt(ROWS - 1, cases={5: 611})})
    run = system.run(at(3))
    assert (run.state, run.rejected_by) == (State.REJECTED, "gate")
    assert run.reason == (
        f"the newest date would move back from {date(ROWS)} to {date(ROWS - 2)}; it may not be before {date(ROWS)}"
    )
    carry(system, 4, NEXT)
    assert system.run(at(4)).state is State.UNCHANGED
    assert stored(system) == before


def test_two_percent_of_the_rows_gone_are_rejected(system: World) -> None:
    carry(system, 2, NEXT | {"nyt": nyt(ROWS + 1, without=[8, 9])})
    gone = f"2 of 110 rows (1.8 %) would be removed, of {date(8)} to {date(9)}; at most 1 % are allowed"
    assert system.run(at(2)).reason == gone


def test_an_approval_lets_one_run_pass_once_and_the_ledger_says_who_and_when(system: World) -> None:
    carry(system, 2, NEXT | {"nyt": nyt(ROWS - 2)})
    answer = system.operate("approve", at(2), time=at(2, "20:00:00"))
    system.settle()
    assert answer == {"run_id": at(2), "state": "COMMITTED", "reason": "", "fetch": False}
    run = system.run(at(2))
    assert (run.approved_by, run.approved_at, run.known_from) == (ANN_RECORDED, at(2, "20:00:00"), at(2, "20:00:00"))
    assert (run.added, run.changed, run.removed) == (0, 0, 2)
    with pytest.raises(NotAllowed, match="is COMMITTED; this needs REJECTED"):
        system.operate("approve", at(2), time=at(2, "21:00:00"))
    carry(system, 3, {"nyt": nyt(ROWS - 4), "jhu": jhu(ROWS)})
    assert (system.run(at(3)).state, system.run(at(3)).approved_by) == (State.REJECTED, "")
    assert [mail.kind for mail in system.platform.mails] == ["digest", "failure", "digest", "failure"]


def test_the_same_approval_given_twice_is_one(system: World) -> None:
    carry(system, 2, NEXT | {"nyt": nyt(ROWS - 2)})
    answers = [system.operate("approve", at(2), time=at(2, "20:00:00")) for _ in range(2)]
    assert answers[0] == answers[1]


def test_a_run_that_was_superseded_cannot_be_approved_over_the_newer_one(system: World) -> None:
    carry(system, 2, NEXT | {"nyt": nyt(ROWS - 2)})
    carry(system, 3, NEXT)
    before = stored(system)
    answer = system.operate("approve", at(2), time=at(3, "20:00:00"))
    assert (answer["state"], stored(system)) == ("SUPERSEDED", before)


def test_an_older_run_does_not_pass_over_a_newer_one_that_found_nothing_changed(system: World) -> None:
    carry(system, 2, NEXT | {"nyt": nyt(ROWS - 2)})
    carry(system, 3, pair(ROWS))
    before = stored(system)
    assert system.run(at(3)).state is State.UNCHANGED
    answer = system.operate("approve", at(2), time=at(3, "20:00:00"))
    assert (answer["state"], answer["reason"]) == (
        "SUPERSEDED",
        f"run {at(3)}, which is newer, found nothing changed first",
    )
    assert stored(system) == before


@pytest.mark.parametrize("case", ["ten times as long", "10,000 columns"])
def test_memory_is_bounded_by_the_size_of_the_file(system: World, case: str) -> None:
    """Of the merge, at its peak: a small multiple of the file."""
    files = NEXT | PASSES[case]
    system.publish(files, at=at(2, "12:00:00"))
    system.schedule("fetch", at(2))
    system.deliver_next()
    tracemalloc.start()
    try:
        while system.platform.inbox:
            system.deliver_next()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert system.run(at(2)).state is State.COMMITTED
    assert peak < 12 * sum(map(len, files.values())) + 8 * 2**20
