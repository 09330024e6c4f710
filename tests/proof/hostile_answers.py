"""Hostile answers of a feed's server, and every place where anything of them is kept or shown.

An answer is bytes of a whole HTTP response, or of none: control and escape sequences, texts that turn the direction of
others, endless lines, contradictory lengths, redirects with secrets. Whatever comes, what is left of it in the ledger,
in objects' metadata, in logs, mails, the page, the Atom feed, answers and on a terminal is printable, short and without
secrets, and no run is stuck.
"""

import datetime as dt
import gzip
import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from infra.local.chain import Carried
from infra.local.day_display import DayDisplay
from infra.local.day_folders import Day
from infra.local.mailbox import ReceivedMail
from infra.terminal import PrintableConsole
from shared.printing import without_controls
from shared.runs import Run, parse_time
from tests.proof.findings import Lost
from tests.proof.small_feeds import pair
from tests.proof.stories import at
from tests.world import BUCKET, World, file_address

SECRET = "s3cr3t"
MOST_ITEM = 16_000
"""Characters of a run's item after one day of it."""
MOST_REASON = 500

_TEXTS = [
    b"\x1b[2J\x1b]0;owned\x07",
    b"\x9b31m",
    b"\x00\x01\x7f",
    b"\xe2\x80\xae\xe2\x81\xa6",
    b"\xff\xfe\xc3",
    b"\xed\xa0\x80",
    b"]]><script>alert(1)</script>&amp;",
    b"=cmd|' /C calc'!A0",
    b"x" * 70_000,
    b"\x1b[31m" * 2_000,
    b"\xc2\x85\xe2\x80\xa8two lines\tand more",
    b"",
]
_STATUS_LINES = [
    *(b"HTTP/1.1 200 OK", b"HTTP/1.1 404 ", b"HTTP/1.1 503 ", b"HTTP/1.1 302 ", b"HTTP/9.9 200 ", b"", b"ICY "),
]
_LOCATIONS = [
    b"https://user:" + SECRET.encode() + b"@127.0.0.1/us.csv",
    b"http://127.0.0.1:1/" + SECRET.encode() + b"/us.csv?token=" + SECRET.encode(),
    b"http://169.254.169.254/latest/" + SECRET.encode(),
    b"https://" + b"a" * 60_000 + b".example/" + SECRET.encode(),
    b"ftp://ann:" + SECRET.encode() + b"@host/",
    b"http://[" + SECRET.encode(),
    b"//" + SECRET.encode() + b"@other.example/",
    b"/" + SECRET.encode(),
]
_HEADERS = [
    *(b"ETag", b"Last-Modified", b"Retry-After", b"Content-Encoding", b"Content-Length", b"Transfer-Encoding", b"Date"),
]
_VALUES = [
    *(b"5", b"5, 9", b"-1", b"gzip", b"br", b"chunked", b"120", b'"1"', b"9" * 400),
    *(b"Thu, 01 Jan 1970 00:00:00 GMT", b"Sun, 01 Mar 2020 12:00:00 GMT", b"Tue, 01 Jan 2199 00:00:00 GMT"),
]


def hostile_answer(random: Random, good: bytes) -> bytes:
    """One response; `good` is the file that an honest server would send."""
    if random.random() < 0.1:
        return random.choice(_TEXTS) or b"\r\n"
    hostile_line = random.choice(_STATUS_LINES) + random.choice([b"", random.choice(_TEXTS)])
    lines = [random.choice([b"HTTP/1.1 200 OK", hostile_line])]
    for _ in range(random.choice([0, 0, 1, 2, 4])):
        value = random.choice([*_VALUES, random.choice(_TEXTS)])
        lines.append(random.choice(_HEADERS) + b": " + value)
    if random.random() < 0.3:
        lines.append(b"Location: " + random.choice([*_LOCATIONS, random.choice(_TEXTS)]))
    body = random.choice([b"", good, good, gzip.compress(good), _spoilt(random, good), random.choice(_TEXTS)])
    return b"\r\n".join(line.replace(b"\n", b"") for line in lines) + b"\r\n\r\n" + body


def _spoilt(random: Random, good: bytes) -> bytes:
    """A file that breaks its contract with hostile text in a header, a date or a number."""
    first, _, rest = good.partition(b"\n")
    text = random.choice(_TEXTS)
    return random.choice([text + first + b"\n" + rest, first + b"," + text + b"\n" + rest, good + text + b",1,2\n"])


def endure(random: Random, world: World, *, count: int) -> None:
    """Live through `count` days on which one feed or both are answered so, each from the state that `world` is in."""
    loaded = world.save()
    for _ in range(count):
        world.restore(loaded)
        hold_day(random, world)
    world.restore(loaded)


def hold_day(random: Random, world: World) -> None:
    files = pair(10)
    hostile = random.choice([["nyt"], ["jhu"], ["nyt", "jhu"]])
    answers = {feed: hostile_answer(random, files[feed]) for feed in hostile}
    try:
        for text in _lived(world, files, answers):
            _hold_text(text)
        _hold_run(world.items()[world.dataset.name, at(2)])
    except AssertionError as error:
        error.add_note(f"the answers were { {feed: answer[:500] for feed, answer in answers.items()} }")
        raise


def _lived(world: World, files: Mapping[str, bytes], answers: Mapping[str, bytes]) -> Iterator[str]:
    """Everything that is kept or shown of the day, as texts."""
    names = {feed.name: file_address(world.dataset, feed.file_name) for feed in world.dataset.feeds}
    raw = {names[feed]: answer for feed, answer in answers.items()}
    world.feeds.publish({names[feed]: data for feed, data in files.items()}, at=parse_time(at(2)), raw=raw)
    world.schedule("fetch", at(2))
    yield from _settled(world)
    world.schedule("watch", at(2, "18:00:00"))
    yield from _settled(world)
    world.schedule("watch", at(2, "23:59:00"))
    yield from _settled(world)
    if not world.run(at(2)).state.ended:
        raise Lost(f"run {at(2)} is {world.run(at(2)).state}")
    yield from _texts(world.items())
    yield from _texts([world.s3.head_object(Bucket=BUCKET, Key=key)["Metadata"] for key in _raw_keys(world)])
    for mail in world.platform.mails:
        yield from (mail.subject, *mail.body.split("\n"))
    yield from world.get("/").text.split("\n")
    for path in (f"/runs/{at(2)}", "/runs", "/health"):
        yield from _texts(world.get(path).json)
    yield from (text for element in ET.fromstring(world.get("/changes.atom").body).iter() for text in _lines(element))
    yield from _on_a_terminal(world.run(at(2)), world).split("\n")


def _settled(world: World) -> Iterator[str]:
    """Deliver all; the logs of it."""
    while not world.quiet:
        world.deliver_next()
        for line in world.lines.getvalue().splitlines():
            yield from _texts(json.loads(line))


def _raw_keys(world: World) -> list[str]:
    return [key for key in world.files() if key.startswith("raw/")]


def _lines(element: ET.Element) -> list[str]:
    return (element.text or "").split("\n")


def _on_a_terminal(run: Run, world: World) -> str:
    out = io.StringIO()
    shown = DayDisplay(PrintableConsole(file=out, width=200, highlight=False))
    mails = [
        ReceivedMail(subject=mail.subject, body=mail.body, attributes={"kind": mail.kind})
        for mail in world.platform.mails
    ]
    day = Carried(
        day=Day(date=dt.date(2020, 3, 2), note=""),
        run=run,
        mails=mails,
        change_set=b"{}",
        seconds=0,
        problem=run.reason,
    )
    shown.day(day)
    shown.runs([day])
    for mail in mails:
        shown.mail(mail)
    return out.getvalue()


def _texts(value: Any) -> Iterator[str]:
    """Every text in nested values, the names of members among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, member in value.items():
            yield from _texts(name)
            yield from _texts(member)
    elif isinstance(value, list | tuple | frozenset | set):
        for member in value:
            yield from _texts(member)


def _hold_text(text: str) -> None:
    assert without_controls(text) == text and "\n" not in text, f"kept or shown is {text[:300]!r}"
    assert SECRET not in text, f"a secret is in {text[:300]!r}"


def _hold_run(item: Mapping[str, Any]) -> None:
    for feed, delivery in item["deliveries"].items():
        reason = delivery.get("reason", "")
        assert len(reason) <= MOST_REASON, f"the reason of {feed} has {len(reason):,} characters"
    assert len(repr(item)) <= MOST_ITEM, f"the run's item has {len(repr(item)):,} characters"
