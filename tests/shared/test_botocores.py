"""The services on the oldest and the newest botocore that Lambda may bring: the runtime's is AWS's to choose."""

import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from infra.packaging.file_lock import alone
from infra.services import ROOT

OLDEST = ("boto3==1.35.71", "botocore==1.35.71")
"""Two years old, and of the time when Lambda first had Python 3.13."""
NEWEST = ("boto3", "botocore")
CACHE = ROOT / ".build" / "botocores"

pytestmark = pytest.mark.xdist_group("botocores")


def installed(name: str, requirements: tuple[str, ...]) -> Path:
    """A folder with these distributions; the test is skipped where they cannot be had."""
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = CACHE / name
    with alone(CACHE / f"{name}.lock"):
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=CACHE) as work:
                target = Path(work) / "packages"
                command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target), *requirements]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode:
                    pytest.skip(f"{' '.join(requirements)} cannot be installed: {done.stderr.strip()[-300:]}")
                target.rename(folder)
    return folder


def outcome(packages: Path | None) -> dict[str, Any]:
    """What five days come to on the botocore in that folder, or on the locked one."""
    paths = [*([packages] if packages else []), ROOT, *(ROOT / it for it in ("fetcher", "merger", "api", "notifier"))]
    done = subprocess.run(
        [sys.executable, "-m", "tests.shared.chain_on_botocore"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stderr.splitlines()[-1]))


@pytest.fixture(scope="module")
def on_the_locked_one() -> dict[str, Any]:
    return outcome(None)


def test_five_days_on_the_locked_botocore_come_out_as_they_should(on_the_locked_one: dict[str, Any]) -> None:
    assert on_the_locked_one | {"botocore": ""} == {
        "botocore": "",
        "states": {
            "2020-03-01T17:00:00Z": "COMMITTED",
            "2020-03-02T17:00:00Z": "INCOMPLETE",
            "2020-03-03T17:00:00Z": "COMMITTED",
            "2020-03-04T17:00:00Z": "COMMITTED",
            "2020-03-05T17:00:00Z": "COMMITTED",
        },
        "mails": ["digest", "failure", "digest", "failure", "digest", "digest"],
        "views": ["RENDERED", "", "RENDERED", "RENDERED", "RENDERED"],
        "rows": 14,
        "answers": dict.fromkeys(on_the_locked_one["answers"], 200),
        "errors": [],
        "dead_letters": 0,
    }


@pytest.mark.parametrize(
    ("name", "requirements"),
    [("1.35.71", OLDEST), (f"newest-{dt.datetime.now(dt.UTC):%Y-%m}", NEWEST)],
    ids=["oldest", "newest"],
)
def test_both_ends_of_what_lambda_may_bring_do_the_same(
    name: str, requirements: tuple[str, ...], on_the_locked_one: dict[str, Any]
) -> None:
    """A month's newest is installed once."""
    found = outcome(installed(name, requirements))
    assert found | {"botocore": ""} == on_the_locked_one | {"botocore": ""}
    if requirements == OLDEST:
        assert found["botocore"] == "1.35.71"
