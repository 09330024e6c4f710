"""`run` and `replay` as a person starts them: in a process of their own, and nothing of them stays."""

import datetime as dt
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.day_folders import Day
from infra.local.demo_feeds import NOTICE
from infra.local.local_cloud import find_memory
from infra.services import ROOT
from tests.cloud.stage_days import FIRST_DAY as FIRST
from tests.cloud.stage_days import JHU, NYT, day_of, rows_upto

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("commands")]


@pytest.fixture
def scratch() -> Iterator[Path]:
    """Where a command and all it starts keep their temporary files."""
    with tempfile.TemporaryDirectory(prefix="covid-stats-test-", dir=find_memory()) as folder:
        yield Path(folder)


def start(*arguments: str, scratch: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "infra", *arguments],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(scratch), "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def processes(scratch: Path) -> list[str]:
    """The command lines of all processes that keep their temporary files there."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if str(scratch).encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def lines_until(process: "subprocess.Popen[str]", words: str) -> Iterator[str]:
    assert process.stdout is not None
    for line in process.stdout:
        yield line.rstrip("\n")
        if words in line:
            return


def test_run_shows_the_demo_days_serves_the_dashboard_and_ends_cleanly(scratch: Path) -> None:
    with start("run", scratch=scratch) as run:
        try:
            shown = list(lines_until(run, "Ctrl-C ends it"))
            text = "\n".join(shown)
            assert "GENERATED" in text
            assert text.count("✉") == 9
            for words in ("first load", "the past revised", "nothing new: no mail", "late", "recovery"):
                assert words in text
            found = re.search(r"Dashboard  (http://127\.0\.0\.1:\d+/\S+/)$", text, re.MULTILINE)
            assert found, text
            with urllib.request.urlopen(found[1], timeout=10) as reply:
                page = reply.read()
                assert b"7,887,650" in page
                assert NOTICE.encode() in page
            status = start("status", "--json", scratch=scratch)
            report = json.loads(status.communicate()[0])
            assert (status.returncode, report["healthy"], report["head"]["head"]) == (0, True, "2020-10-25T17:00:00Z")
            started = start("start", scratch=scratch).communicate()[0]
            for name in ("us-covid", "us-hospital-admissions"):
                assert f"run 2020-10-26T17:00:00Z of {name} was started" in started
            run.send_signal(signal.SIGINT)
            rest = run.communicate(timeout=120)[0]
        finally:
            run.kill()
    assert (run.returncode, rest.split("\n")[-2]) == (0, "Everything is stopped and removed.")
    assert (list(scratch.iterdir()), processes(scratch)) == ([], [])
    assert not (ROOT / ".build" / "running" / f"{run.pid}.json").exists()


def test_replay_takes_days_as_they_are(scratch: Path, tmp_path: Path) -> None:
    """A day without files, one with a file too few and one too many, a folder that is no day, and a whole day."""
    feeds, out = tmp_path / "feeds", tmp_path / "out"
    for day in ("2021-05-30", "2021-05-31", str(FIRST), "not-a-day"):
        (feeds / day).mkdir(parents=True)
    whole = day_of(FIRST)
    (feeds / "2021-05-31" / NYT).write_bytes(whole.read()[NYT])
    (feeds / "2021-05-31" / "notes.txt").write_text("nobody reads this")
    for name, data in whole.read().items():
        (feeds / str(FIRST) / name).write_bytes(data)
    with start("replay", "--feeds", str(feeds), "--out", str(out), scratch=scratch) as process:
        output = process.communicate()[0]
    assert process.returncode == 0, output
    runs = [json.loads(line) for line in (out / "runs.jsonl").read_text().splitlines()]
    assert [(run["day"], run["state"], [mail["kind"] for mail in run["mails"]]) for run in runs] == [
        ("2021-05-30", "INCOMPLETE", ["failure"]),
        ("2021-05-31", "INCOMPLETE", ["failure"]),
        ("2021-06-01", "COMMITTED", ["digest"]),
    ]
    assert "feed jhu" in runs[1]["reason"] and "feed nyt" not in runs[1]["reason"] and JHU in runs[1]["reason"]
    assert json.loads((out / "changes" / "2021-05-30.json").read_bytes()) == {
        "run_id": "2021-05-30T17:00:00Z",
        "base_run_id": None,
        "added": [],
        "changed": [],
        "removed": [],
    }
    assert json.loads((out / "api" / "data.json").read_bytes()) == rows_upto(whole)
    assert (list(scratch.iterdir()), processes(scratch)) == ([], [])


def test_replay_says_at_once_what_it_cannot_take(scratch: Path, tmp_path: Path) -> None:
    with start("replay", "--feeds", str(tmp_path / "nowhere"), "--out", str(tmp_path), scratch=scratch) as process:
        output = process.communicate()[0]
    assert (process.returncode, output.count("\n")) == (1, 1)
    assert "nowhere' is not a folder" in output


def test_run_carries_a_day_that_comes_and_the_repair_of_a_broken_one(scratch: Path, tmp_path: Path) -> None:
    feeds = tmp_path / "feeds"

    def write(day: Day, *, file: str = "", broken: bytes = b"") -> None:
        folder, aside = feeds / str(day.date), tmp_path / "aside"
        aside.mkdir()
        for name, data in day.read().items():
            (aside / name).write_bytes(broken if name == file else data)
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(aside.iterdir()):
            path.replace(folder / path.name)
        aside.rmdir()

    second = day_of(FIRST + dt.timedelta(days=1))
    write(day_of(FIRST))
    with start("run", "--feeds", str(feeds), scratch=scratch) as run:
        try:
            text = "\n".join(lines_until(run, "Ctrl-C ends it"))
            assert "A new day folder, and one whose files you change" in text
            write(second, file=NYT, broken=b"date,cases,deaths\n2021-01-01,many,10\n")
            rejected = "\n".join(lines_until(run, "REJECTED"))
            assert f"{second.date}  REJECTED" in rejected and "run 2021-06-02T17:00:00Z" in rejected
            write(second)
            repaired = "\n".join(lines_until(run, "run 2021-06-02T17:01:00Z"))
            assert f"{second.date}  COMMITTED   +1 ~0 -0" in repaired
            write(day_of(FIRST, drop=1))
            past = list(lines_until(run, "is not carried"))[-1]
            assert past == (
                "2021-06-01  has changed and is not carried: run 2021-06-02T17:01:00Z is of a later day;"
                " change the newest day, or add one"
            )
            run.send_signal(signal.SIGINT)
            rest = run.communicate(timeout=120)[0]
        finally:
            run.kill()
    assert (run.returncode, rest.split("\n")[-2]) == (0, "Everything is stopped and removed.")
