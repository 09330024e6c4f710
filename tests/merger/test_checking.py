"""A check finds every fault, says what a file looks like where the declaration does not fit, and proposes one."""

import dataclasses
import datetime as dt
import time
from pathlib import Path

import pytest

from chalicelib.checking.check_report import report
from chalicelib.checking.column_looks import looks_of
from chalicelib.checking.feed_check import MOST_COUNTED, MOST_FAULTS, check_feed
from chalicelib.checking.file_looks import look_at
from chalicelib.checking.first_run import first_run, rows_as_read
from chalicelib.checking.hints import hints
from chalicelib.checking.likely_partners import likely_partners
from chalicelib.checking.proposing import propose
from shared.dataset import Dataset, Feed, Kind, Measure, Series
from shared.declaration import parse_declaration
from tests.shared.declared import US_COVID
from tests.shared.regions import REGIONS

LATEST = dt.date(2030, 1, 1).toordinal()
BOARD = b"day,region,beds\n2020-03-01,North,1\n2020-03-01,South,2\n2020-03-02,North,3\n"
LAB = b"date,area,n\n2020-03-01,North,10\n2020-03-01,S outh,20\n2020-03-02,North,0\n"
ELSEWHERE = Path(__file__).parents[2].parent / "shared" / "elsewhere"


def reported(files: dict[str, bytes], dataset: Dataset) -> list[str]:
    checks = [check_feed(files[feed.name], feed, dataset, latest_day=LATEST) for feed in dataset.feeds]
    return list(report(checks, first_run(checks, dataset), dataset))


def test_a_good_pair_of_files_is_counted_and_names_on_one_side_have_their_likely_partner() -> None:
    assert reported({"board": BOARD, "lab": LAB}, REGIONS) == [
        "feed board (beds.csv): 3 rows, 2 dates from 2020-03-01 to 2020-03-02, 2 series: North, South",
        "  beds: 3 reported, 0 not",
        "feed lab (tests.csv): 3 rows, 2 dates from 2020-03-01 to 2020-03-02, 2 series: North, S outh",
        "  tests: 3 reported, 0 not",
        "keys: 2 in all feeds; 1 of board lack a partner, 1 of lab lack a partner",
        "  'South' is in board alone (perhaps 'S outh': rename)",
        "  'S outh' is in lab alone (perhaps 'South': rename)",
        "a first run would be COMMITTED with 2 rows, 2 dates from 2020-03-01 to 2020-03-02",
        "  note: 1 row of The Board has no partner in the other feeds and is left out",
        "  note: 1 row of The Lab has no partner in the other feeds and is left out",
    ]


def test_all_faults_of_a_file_are_told_with_line_column_and_value() -> None:
    data = b'day,region,beds\n2020-03-01,North,-1\n2020-30-01,,x\n2020-03-01,South\n"2020-03-02"x,N,1\n2020-03-03,N,1\n'
    check = check_feed(data, REGIONS.feeds[0], REGIONS, latest_day=LATEST)
    assert [(it.line, it.column, it.value) for it in check.faults.first] == [
        (2, "beds", "-1"),
        (3, "day", "2020-30-01"),
        (3, "region", "''"),
        (3, "beds", "x"),
        (4, "", "2 fields"),
        (5, "", "',' expected after '\"'"),
    ]
    assert not check.fits


def test_twenty_faults_are_kept_and_the_others_counted() -> None:
    data = b"day,region,beds\n" + b"".join(b"2020-03-01,Region %d,x\n" % n for n in range(30))
    check = check_feed(data, REGIONS.feeds[0], REGIONS, latest_day=LATEST)
    assert (len(check.faults.first), check.faults.count) == (MOST_FAULTS, 30)
    assert "  and 10 more" in reported({"board": data, "lab": LAB}, REGIONS)


def test_a_file_with_a_fault_on_every_line_is_read_as_far_as_faults_are_counted() -> None:
    """16 MB of it, within two seconds of processor time."""
    bad = b"day,region,beds\n" + b"".join(b"%d,North,1\n" % n for n in range(1_000_000))
    began = time.process_time()
    check = check_feed(bad, REGIONS.feeds[0], REGIONS, latest_day=LATEST)
    assert time.process_time() - began < 2
    assert (len(check.faults.first), check.faults.count, check.faults.more) == (MOST_FAULTS, MOST_COUNTED, True)
    lines = reported({"board": bad, "lab": LAB}, REGIONS)
    assert lines[0] == "feed board (beds.csv): more than 1,000 faults"
    assert lines[21] == "  and 980 more; the rest of the file was not looked at"


@pytest.mark.parametrize("count", [MOST_COUNTED - 1, MOST_COUNTED, MOST_COUNTED + 1])
def test_faults_are_counted_exactly_up_to_the_most_that_are(count: int) -> None:
    data = b"day,region,beds\n" + b"".join(b"2020-03-01,Region %d,x\n" % n for n in range(count))
    faults = check_feed(data, REGIONS.feeds[0], REGIONS, latest_day=LATEST).faults
    assert (faults.count, faults.more) == (min(count, MOST_COUNTED), count > MOST_COUNTED)


def test_all_columns_that_a_header_lacks_are_faults() -> None:
    check = check_feed(b"a,b\n1,2\n", REGIONS.feeds[0], REGIONS, latest_day=LATEST)
    assert [it.column for it in check.faults.first] == ["day", "region", "beds"]


def test_a_run_with_a_fault_would_be_rejected_with_the_words_of_the_run() -> None:
    assert reported({"board": BOARD.replace(b",3", b",3.5"), "lab": LAB}, REGIONS)[-1] == (
        "a first run would be REJECTED: feed board, line 4, column beds: '3.5' is not allowed;"
        " a whole number that is not negative, within 64 bits, or blank is needed"
    )


def test_a_run_without_a_row_in_common_would_be_rejected() -> None:
    lines = reported({"board": BOARD, "lab": b"date,area,n\n2020-03-01,East,1\n"}, REGIONS)
    assert "a first run would be REJECTED: feed board and lab: '0 rows in common' is not allowed" in lines[-1]


def test_rows_are_what_readers_get_with_null_for_what_is_not_reported() -> None:
    files = zip([BOARD, LAB], REGIONS.feeds, strict=True)
    checks = [check_feed(data, feed, REGIONS, latest_day=LATEST) for data, feed in files]
    assert list(rows_as_read(first_run(checks, REGIONS).rows, REGIONS)) == [
        {"date": "2020-03-01", "series": "North", "beds": 1, "tests": 10},
        {"date": "2020-03-02", "series": "North", "beds": 3, "tests": None},
    ]


def test_a_date_to_come_is_a_fault() -> None:
    check = check_feed(BOARD, REGIONS.feeds[0], REGIONS, latest_day=dt.date(2020, 3, 1).toordinal())
    assert [(it.line, it.value) for it in check.faults.first] == [(4, "2020-03-02")]


def _declared(**options: object) -> tuple[Feed, Dataset]:
    feed = dataclasses.replace(REGIONS.feeds[0], **options)  # type: ignore[arg-type]
    beds = Measure(name="beds", label="Beds", kind=Kind.LEVEL)
    return feed, Dataset(name="x", title="X", series=Series(label="Region"), measures=(beds,), feeds=(feed,))


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("day;region;beds\n2020-03-01;N;1\n", "the file looks like delimiter = ';'; declared is ','"),
        (
            "A preamble\n\nday,region,beds\n2020-03-01,N,1\n2020-03-02,N,1\n",
            "the file looks like skip = 2; declared is 0",
        ),
        ("# note\nday,region,beds\n2020-03-01,N,1\n", "the file looks like comment = '#'; declared is ''"),
        (
            "day,region,beds\n31.12.2020,N,1\n01.02.2020,N,1\n",
            "column 'day' looks like date_format = '%d.%m.%Y'; declared is 'iso'",
        ),
        (
            "day,region,Beds\n2020-03-01,N,1\n",
            "there is no column 'beds' (perhaps 'Beds'); there are day, region, Beds",
        ),
        (
            "day,region,beds\n2020-03-01,N,1\n2020-03-02,N,NA\n2020-03-03,N,2\n2020-03-04,N,3\n",
            "column 'beds' has 'NA' among its numbers: perhaps missing = [\"NA\"]",
        ),
        (
            'day,region,beds\n2020-03-01,N,"1,000"\n2020-03-02,N,"12,345,678"\n',
            "column 'beds' looks like thousands = ','; declared is ''",
        ),
        ("day,region,beds\n2020-03-01,N,1.25\n", "column 'beds' has numbers with 2 decimals; declared are 0"),
        ("day,region,beds\n2020-03-01,N,many\n", "column 'beds' does not look like numbers"),
    ],
)
def test_where_a_declaration_does_not_fit_it_is_said_what_the_file_looks_like(text: str, hint: str) -> None:
    feed, dataset = _declared()
    assert hint in hints(look_at(text.encode()), feed, dataset)


def test_a_declaration_that_fits_gets_no_hint() -> None:
    feed, dataset = _declared()
    assert hints(look_at(BOARD), feed, dataset) == []


def test_an_encoding_is_guessed() -> None:
    feed, dataset = _declared()
    latin, wide = (BOARD.replace(b"North", b"C\xf4te"), BOARD.decode().encode("utf-16"))
    assert hints(look_at(latin), feed, dataset) == [
        "the file looks like encoding = 'windows-1252'; declared is 'utf-8'"
    ]
    assert hints(look_at(wide), feed, dataset) == ["the file looks like encoding = 'utf-16'; declared is 'utf-8'"]


def test_numbers_of_four_digits_are_no_dates() -> None:
    assert not looks_of("year", ["2019", "2020", "2021"]).is_date
    assert looks_of("week", ["2020-W01", "2020-W02"]).date_formats == ["iso-week"]


def test_likely_partners_are_like_in_letters_or_initials_and_each_is_given_once() -> None:
    assert likely_partners(
        ["Rhode Is.", "NY", "Cote d'Ivoire", "Mars"], ["Rhode Island", "New York", "Côte-d'Ivoire", "Texas"]
    ) == {"Rhode Is.": "Rhode Island", "NY": "New York", "Cote d'Ivoire": "Côte-d'Ivoire"}


PROPOSED = """\
title = "deaths"  # for people
period = "week"

[series]
label = "State"
# totals = []  # series that are sums of others, such as the whole country

[[measure]]
name = "covid_deaths"
label = "Covid deaths"
kind = "count"  # total, count, level or rate

[[feed]]
name = "deaths"
title = "deaths"
url = "https://example.org/deaths.csv"  # where the file is published
file = "deaths.csv"
licence = "unknown"  # under which it is published
credit = "deaths."  # shown wherever the numbers are
date = "week"
date_format = "%d.%m.%Y"
measures = { covid_deaths = "COVID deaths" }
series = "state"
missing = ["*"]
delimiter = ";"
"""


def test_a_declaration_is_proposed_for_a_file_without_one() -> None:
    text = "week;state;COVID deaths\n" + "".join(
        f"{day}.03.2020;{state};{n}\n"
        for day in ("08", "15", "22")
        for state, n in (("N", "*"), ("S", "5"), ("O", "7"))
    )
    found = propose(look_at(text.encode()), name="deaths", file="deaths.csv")
    assert found == PROPOSED


@pytest.mark.skipif(not ELSEWHERE.is_dir(), reason=f"the feeds of others are not at {ELSEWHERE}")
def test_what_is_proposed_for_the_feeds_of_others_reads_them() -> None:
    folders = [it for it in ELSEWHERE.iterdir() if it.is_dir()]
    unread = []
    for folder in folders:
        (path,) = (it for it in folder.iterdir() if it.suffix not in (".toml", ".json"))
        dataset = parse_declaration(propose(look_at(path.read_bytes()), name="x", file=path.name), name="x")
        if not check_feed(path.read_bytes(), dataset.feeds[0], dataset, latest_day=LATEST).fits:
            unread.append(folder.name)
    assert folders
    assert unread == []


def test_what_steers_a_terminal_is_escaped_in_a_proposal_that_still_reads_the_file() -> None:
    header = "da\u202ey,\x1b[2Jn\x7f\x9b,z\N{NO-BREAK SPACE}\x1b"
    data = f"{header}\n2020-03-01,1,a\n2020-03-01,2,b\n2020-03-02,4,a\n".encode()
    text = propose(look_at(data), name="steering", file="steering.csv")
    assert text.replace("\n", "").isprintable()
    dataset = parse_declaration(text, name="steering")
    (feed,) = dataset.feeds
    assert dataset.series == Series(label="Z ?")
    assert (feed.date, feed.measures) == (("da\u202ey",), {"value": "\x1b[2Jn\x7f\x9b"})
    assert check_feed(data, feed, dataset, latest_day=LATEST).fits


def test_nothing_is_proposed_for_what_has_no_dates() -> None:
    assert propose(look_at(b"a,b\n1,2\n"), name="x", file="x.csv") == ""
    assert propose(look_at(b""), name="x", file="x.csv") == ""


def test_the_default_dataset_is_checked_as_any_other() -> None:
    nyt = b"date,cases,deaths\n2020-01-22,1,0\n"
    jhu = b"Date,Country/Region,Province/State,Recovered\n2020-01-22,US,,0\n"
    assert reported({"nyt": nyt, "jhu": jhu}, US_COVID)[-1] == (
        "a first run would be COMMITTED with 1 row, 1 date from 2020-01-22 to 2020-01-22"
    )
