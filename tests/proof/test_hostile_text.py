"""Hostile text of upstream, at every place where any of it is shown: terminals, tables, pages, mails, feeds, events.

Series' names are upstream's and are shown as they are where they are printable; each place makes them harmless in its
own way. What cannot be printed breaks the contract, and is then quoted by reasons, mails and commands.
"""

import contextlib
import csv
import datetime as dt
import io
import json
import os
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from infra.deploying.deployed import Stage
from infra.local.check import check, propose_for
from infra.operating.status import look_at
from infra.operating.status_words import StatusPrinter
from infra.terminal import PrintableConsole, Terminal
from infra.tracing.journey import journey
from infra.tracing.svg import picture
from infra.tracing.text import show
from shared.attributes import Value, to_item
from shared.printing import without_controls
from shared.runs import State
from tests.api.serving import ApiApp
from tests.proof.hostile_answers import _texts
from tests.proof.small_feeds import pair
from tests.proof.stories import at
from tests.shared.calls import Call
from tests.shared.declared import US_COVID
from tests.shared.regions import REGIONS
from tests.world import RUNS_TABLE, World, world

NAMES = {
    "HTML": "<script>alert(1)</script>&amp;",
    "an attribute's end": "\"><img src=x onerror=alert(1)> '",
    "a comment": "<!-- ]]> --!>",
    "a template": "{{ 7*7 }} ${7*7} {% raw %}",
    "a formula": "=cmd|' /C calc'!A0",
    "a sum": "+1+1",
    "a difference": "-1+1",
    "a function": "@SUM(A1)",
    "a full-width formula": "\uff1dA1",
    "a defused formula": "'=A1",
    "cells": 'two, "cells"',
    "terminal markup": "[red]x[/] [link=http://h]y[/link] [/red]",
    "a path": "../../raw/x",
    "an address": "a/b#c?d=e&f%2e%00",
    "a member of all objects": "__proto__",
    "XML": "<![CDATA[x]]>&#27;",
    "another script": "\u05d0\u05d1 \u0645\u062d \U0001f600",
}
"""Printable, and so each is a series."""

UNPRINTABLE = {
    "an escape sequence": "\x1b[2J\x1b]0;owned\x07",
    "a C1 control": "\x9b31m",
    "controls": "\x01\x7f\x08",
    "a mark that turns the direction": "\u202eabc\u2066",
    "line separators": "a\u2028b\x85c",
    "an invisible mark": "a\u200bb\ufeff",
}
"""Each breaks the contract in a series' name of one feed, and as a number in the other."""

FIRST, REVISED = at(1), at(2)
DATE = "2020-02-28"


class Seen:
    """All that was shown after days of such feeds."""

    def __init__(self, made: World, folder: Path) -> None:
        self.made, self._folder = made, folder
        self._api = ApiApp(module=made.apps["api"])
        self.events = list[str]()
        made.calls.listeners.append(self._hear)

    def _hear(self, call: Call, _answer: Any) -> None:
        if call.name == "eventbridge.PutEvents":
            body = call.request.body
            entries = json.loads(body if isinstance(body, str) else body.decode())["Entries"]
            self.events += [entry["Detail"] for entry in entries]

    def answer(self, path: str, *, accept: str = "*/*", kind: str = "") -> str:
        answer = self._api.get(path, headers={"Accept": accept})
        assert (answer.status, kind in answer.headers["content-type"]) == (200, True), f"{path}: {answer}"
        return answer.text

    def page(self, path: str) -> str:
        return self.answer(path, accept="text/html", kind="text/html")

    @property
    def mails(self) -> list[str]:
        return [f"{mail.subject}\n{mail.body}" for mail in self.made.platform.mails]

    def status(self) -> str:
        with _terminal() as terminal:
            for named in ("", "regions"):
                StatusPrinter(terminal).status(look_at(StageOfWorld("test", dataset=named)))
            return terminal.console.file.getvalue()  # type: ignore[attr-defined, no-any-return]

    def traces(self) -> str:
        with _terminal() as terminal:
            for run in self.made.runs(dataset="regions"):
                show(terminal.console, journey(run.run_id, []), run=run, stage="test", untraced=[], brief=False)
            return terminal.console.file.getvalue()  # type: ignore[attr-defined, no-any-return]

    def pictures(self) -> list[str]:
        runs = self.made.runs(dataset="regions")
        return [picture(journey(run.run_id, []), run=run, stage="test") for run in runs]

    def checks(self) -> str:
        """Of files with all of it, and of what is proposed for one."""
        for feed, data in files_with([*NAMES.values(), *UNPRINTABLE.values()]).items():
            (self._folder / REGIONS.feed(feed).file_name).write_bytes(data)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            check(REGIONS, self._folder, out=None, today=dt.date(2020, 3, 1))
            propose_for(self._folder / REGIONS.feeds[0].file_name)
        return out.getvalue()


class StageOfWorld(Stage):
    """The commands' view of the one stage there is in memory."""

    @property
    def settings(self) -> Mapping[str, str]:
        return dict(os.environ)

    def of(self, dataset: str) -> "StageOfWorld":
        return StageOfWorld(self.name, dataset=dataset)


@contextlib.contextmanager
def _terminal() -> Iterator[Terminal]:
    yield Terminal(PrintableConsole(file=io.StringIO(), width=80, highlight=False, force_terminal=False))


def files_with(names: Iterable[str], *, more: int = 0, beds: str = "5") -> dict[str, bytes]:
    """Both feeds of `REGIONS`, two days of each series; `more` beds on the second, and `beds` as one number."""
    board, lab = ["day,region,beds", f"{DATE},North,{beds}"], ["date,area,n", f"{DATE},North,1"]
    for number, name in enumerate(names):
        cell = '"' + name.replace('"', '""') + '"'
        board += [f"2020-02-27,{cell},{number}", f"{DATE},{cell},{number + more}"]
        lab += [f"2020-02-27,{cell},{number}", f"{DATE},{cell},{number + 1}"]
    return {feed: "\n".join(lines).encode() for feed, lines in {"board": board, "lab": lab}.items()}


def broken_days() -> Iterator[dict[str, bytes]]:
    """Each text as a series' name on one day, and as a number on another, in turn."""
    for place, text in enumerate(UNPRINTABLE.values()):
        yield files_with([text]) if place % 2 else files_with([], beds=f'"{text}"')


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    with world(dataset=US_COVID, beside=[REGIONS]) as made:
        found = Seen(made, tmp_path_factory.mktemp("checks"))
        made.publish(pair(9), at=at(1, "12:00:00"))
        days = [files_with(NAMES.values()), files_with(NAMES.values(), more=7), *broken_days()]
        for day, files in enumerate(days, start=1):
            made.publish(files, at=at(day, "12:00:00"), dataset="regions")
            made.schedule("fetch", at(day), dataset="regions")
            made.settle()
        made.schedule("fetch", at(len(days)), dataset="us-covid")
        made.settle()
        yield found


def test_printable_names_are_series_and_the_rest_breaks_the_contract(seen: Seen) -> None:
    states = [run.state for run in seen.made.runs(dataset="regions")]
    assert states == [State.COMMITTED, State.COMMITTED, *[State.REJECTED] * len(UNPRINTABLE)]


def test_each_series_is_found_by_its_name(seen: Seen) -> None:
    """With the numbers of the second day, whatever the name has in it."""
    found = {name: json.loads(seen.answer(f"/regions/data?series={quote(name, safe='')}")) for name in NAMES.values()}
    assert {name: [row["beds"] for row in rows] for name, rows in found.items()} == {
        name: [number, number + 7] for number, name in enumerate(NAMES.values())
    }


PAGES = [
    *("/", "/regions/", f"/regions/data/{DATE}", "/regions/revisions", "/regions/docs", "/regions/embed"),
    *(f"/regions/?series={quote(name, safe='')}" for name in NAMES.values()),
]


class Elements(HTMLParser):
    """The elements that a browser would make."""

    def __init__(self) -> None:
        super().__init__()
        self.found = list[tuple[str, dict[str, str | None]]]()
        self.scripts = list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] == "script":
            self.scripts.append(data)


@pytest.mark.parametrize("path", PAGES)
def test_no_page_takes_a_name_for_markup(seen: Seen, path: str) -> None:
    text = seen.page(path)
    elements = Elements()
    elements.feed(text)
    elements.close()
    assert [it for it in elements.found if "onerror" in it[1] or it[1].get("src") == "x"] == []
    assert "alert(1)" not in [script.strip() for script in elements.scripts]
    assert "<script>alert(1)" not in text
    assert "<img src=x" not in text
    hold_printable(text)


TABLES = [
    *(f"/regions/{it}?format=csv" for it in ("data", "daily", "weekly", "monthly", "vintages", "changes")),
    f"/regions/data?format=csv&as_of={REVISED[:10]}",
    "/regions/data?format=csv&lag=2",
    f"/regions/runs/{REVISED}/changes?format=csv",
    *(f"/regions/daily?format=csv&series={quote(name, safe='')}" for name in NAMES.values()),
]


@pytest.mark.parametrize("path", TABLES)
def test_no_cell_of_a_csv_is_a_formula(seen: Seen, path: str) -> None:
    rows = list(csv.reader(io.StringIO(seen.answer(path))))
    assert len(rows) > 1
    for cell in (cell for row in rows for cell in row):
        assert not cell.startswith(("=", "@", "\t", "\r", "\uff1d")), cell
        assert not cell.startswith(("+", "-")) or cell[1:].replace(".", "", 1).isdigit(), cell
        hold_printable(cell)


ANSWERS = [
    *("/datasets", "/health", "/openapi.json", f"/regions/runs/{REVISED}", f"/regions/runs/{at(3)}"),
    *("/regions/data", "/regions/series", "/regions/runs", f"/regions/data/{DATE}", "/regions/changes"),
    *("/regions/vintages", "/regions/latest", "/regions/figures", "/regions/datapackage.json"),
]


@pytest.mark.parametrize("path", ANSWERS)
def test_no_text_of_an_answer_steers_a_terminal(seen: Seen, path: str) -> None:
    for text in _texts(json.loads(seen.answer(path))):
        hold_printable(text)


@pytest.mark.parametrize("path", ["/changes.atom", "/regions/changes.atom"])
def test_the_atom_feeds_stay_well_formed(seen: Seen, path: str) -> None:
    for element in ET.fromstring(seen.answer(path)).iter():
        hold_printable(element.text or "")


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_the_chart_of_a_series_is_well_formed(seen: Seen, name: str) -> None:
    chart = ET.fromstring(seen.answer(f"/regions/chart.svg?series={quote(name, safe='')}"))
    assert [it.tag for it in chart.iter() if it.tag.endswith(("script", "img"))] == []
    hold_printable("".join(chart.itertext()))


def test_events_and_mails_are_printable(seen: Seen) -> None:
    details = [json.loads(detail) for detail in seen.events]
    assert {detail["state"] for detail in details} == {"COMMITTED", "REJECTED"}
    for text in (*_texts(details), *seen.mails):
        hold_printable(text)
    assert any(detail.get("latest", {}).get("series") for detail in details)


def test_commands_show_hostile_text_on_a_terminal_without_its_sequences(seen: Seen) -> None:
    """As it is quoted, and were it in the ledger as it is."""
    made = seen.made
    saved, key = made.save(), to_item({"dataset": "regions", "run_id": at(3)})
    raw: Value = "".join(UNPRINTABLE.values())
    made.dynamodb.update_item(
        TableName=RUNS_TABLE,
        Key=key,
        UpdateExpression="SET reason = :raw",
        ExpressionAttributeValues=to_item({":raw": raw}),
    )
    shown = [seen.status(), seen.traces(), seen.checks()]
    drawings = seen.pictures()
    made.restore(saved)
    assert all("REJECTED" in text for text in shown)
    for text in (*shown, *("".join(ET.fromstring(drawing).itertext()) for drawing in drawings)):
        hold_printable(text)


def hold_printable(text: str) -> None:
    assert without_controls(text) == text, f"shown is {text[:500]!r}"
