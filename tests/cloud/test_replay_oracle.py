"""Sixteen real days through `replay`, against what an independent program found in the same files.

The feeds lie beside the checkout and are never part of it; where they are not, these tests are skipped.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.services import ROOT
from shared.dataset import ONE_SERIES
from shared.datasets import find_dataset
from tests.api import recomputed

FEEDS = ROOT.parent / "shared" / "feeds"
SPLIT = "starter"
MEASURES = ("cases", "deaths", "recoveries")

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.feeds,
    pytest.mark.xdist_group("replay"),
    pytest.mark.skipif(not (FEEDS / SPLIT).is_dir(), reason=f"the replay corpus is not there: {FEEDS}"),
]

type Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What a replay wrote, and what the oracle says of each day."""

    out: Path
    output: str
    runs: Sequence[Mapping[str, Any]]
    oracle: Mapping[str, Mapping[str, Any]]

    def change_set(self, day: str) -> Any:
        return json.loads((self.out / "changes" / f"{day}.json").read_bytes())

    def answer(self, name: str) -> Any:
        return json.loads((self.out / "api" / f"{name}.json").read_bytes())


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    folder = tmp_path_factory.mktemp("replay")
    days, oracle, out = folder / "days", folder / "oracle", folder / "out"
    for command, into in (("unpack", days), ("oracle", oracle)):
        corpus = [sys.executable, str(FEEDS / "corpus.py"), command, SPLIT, "--into", str(into)]
        subprocess.run(corpus, check=True, capture_output=True)
    done = subprocess.run(
        [sys.executable, "-m", "infra", "replay", "--feeds", str(days), "--out", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Replayed(
        out=out,
        output=done.stdout,
        runs=[json.loads(line) for line in (out / "runs.jsonl").read_text().splitlines()],
        oracle={path.stem: json.loads(path.read_text()) for path in sorted(oracle.rglob("????-??-??.json"))},
    )


def rows(oracle_day: Mapping[str, Any]) -> list[Row]:
    """The oracle's merged rows, with a recovered 0 after a positive number as null: it is not reported."""
    found, positive = list[Row](), set[str]()
    for date, numbers in sorted(oracle_day["merged"].items()):
        row = dict(zip(MEASURES, numbers, strict=True))
        reported = {name: None if number == 0 and name in positive else number for name, number in row.items()}
        found.append({"date": date, **reported})
        positive |= {name for name in MEASURES if row[name]}
    return found


def difference(old: Sequence[Row], new: Sequence[Row]) -> dict[str, list[Any]]:
    before, after = ({row["date"]: row for row in side} for side in (old, new))
    changed = [
        {"date": date, "fields": fields}
        for date in sorted(before.keys() & after.keys())
        if (
            fields := {
                name: {"old": before[date][name], "new": after[date][name]}
                for name in MEASURES
                if before[date][name] != after[date][name]
            }
        )
    ]
    return {
        "added": [after[date] for date in sorted(after.keys() - before.keys())],
        "changed": changed,
        "removed": [before[date] for date in sorted(before.keys() - after.keys())],
    }


def test_every_day_has_its_line_in_date_order(replayed: Replayed) -> None:
    assert [run["day"] for run in replayed.runs] == list(replayed.oracle)
    assert [run["run_id"] for run in replayed.runs] == [f"{day}T17:00:00Z" for day in replayed.oracle]
    assert {tuple(run) for run in replayed.runs} == {
        ("day", "run_id", "state", "reason", "warnings", "added", "changed", "removed", "mails", "seconds")
    }
    assert all(run["reason"] == "" and run["seconds"] > 0 for run in replayed.runs)


def test_states_counts_and_change_sets_are_the_oracles(replayed: Replayed) -> None:
    stored: Sequence[Row] = []
    base = None
    for run, oracle_day in zip(replayed.runs, replayed.oracle.values(), strict=True):
        expected = difference(stored, rows(oracle_day))
        counts = {name: len(entries) for name, entries in expected.items()}
        assert replayed.change_set(run["day"]) == {"run_id": run["run_id"], "base_run_id": base} | expected
        assert {name: run[name] for name in counts} == counts
        assert run["state"] == ("COMMITTED" if any(counts.values()) else "UNCHANGED")
        if run["state"] == "COMMITTED":
            stored, base = rows(oracle_day), run["run_id"]


def test_the_counts_are_those_that_the_oracle_counted_itself(replayed: Replayed) -> None:
    names = ("added", "changed", "removed")
    assert [[run[name] for name in names] for run in replayed.runs] == [
        [oracle_day["counts"][name] for name in names] for oracle_day in replayed.oracle.values()
    ]


def test_a_day_with_a_change_has_one_digest_and_no_other_mail_goes_out(replayed: Replayed) -> None:
    assert [[mail["kind"] for mail in run["mails"]] for run in replayed.runs] == [
        ["digest"] if run["state"] == "COMMITTED" else [] for run in replayed.runs
    ]
    for run in replayed.runs:
        headline = f"{run['added']} added, {run['changed']} changed, {run['removed']} removed"
        for mail in run["mails"]:
            assert len(mail["subject"]) < 100
            assert mail["body"].startswith(f"{headline}; latest ")


def test_the_answers_of_the_api_are_what_the_last_day_adds_up_to(replayed: Replayed) -> None:
    data = rows(list(replayed.oracle.values())[-1])
    values = {row["date"]: [row[name] for name in MEASURES] for row in data}
    expected = recomputed.tables({ONE_SERIES: values}, find_dataset("us-covid"))
    assert expected == {name: replayed.answer(name) for name in expected}
    assert (replayed.out / "api" / "dashboard.html").read_text().lstrip().lower().startswith("<!doctype html>")


def test_it_shows_a_line_for_each_day(replayed: Replayed) -> None:
    for run in replayed.runs:
        assert f"{run['day']}  {run['state']}" in replayed.output
