"""The local cloud comes up by itself and leaves nothing behind, however its command ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.errors import CommandFailed
from infra.local.local_cloud import LocalCloud, answers
from infra.services import ROOT
from infra.waiting import wait_for

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("commands")]

HOLD = """
import sys
from infra.local.local_cloud import LocalCloud
from infra.stopping import stop_cleanly
stop_cleanly()
with LocalCloud() as cloud:
    cloud.client("s3").create_bucket(Bucket="kept")
    print(cloud.endpoint, cloud.group, cloud.folder, flush=True)
    sys.stdin.read()
"""


@dataclass(frozen=True, kw_only=True)
class Held:
    """A process that holds a local cloud."""

    process: "subprocess.Popen[str]"
    endpoint: str
    group: int
    folder: Path

    def is_gone(self) -> bool:
        """Whether no process of the cloud, and nothing in its folder, is left."""
        return not self.folder.exists() and not alive(self.group) and not answers(self.endpoint, seconds=0.2)


@pytest.fixture
def held() -> Iterator[Held]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    endpoint, group, folder = process.stdout.readline().split()
    with process:
        yield Held(process=process, endpoint=endpoint, group=int(group), folder=Path(folder))
        process.kill()


def alive(group: int) -> bool:
    """Whether a process of the group runs; what has ended and was not yet waited for does not count."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, pgrp = status.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(pgrp) == group and state != "Z":
            return True
    return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_nothing_is_left_when_its_command_is_signalled_to_end(held: Held, number: signal.Signals) -> None:
    assert answers(held.endpoint) and alive(held.group)
    held.process.send_signal(number)
    held.process.wait(60)
    wait_for(held.is_gone, seconds=60, what=f"the local cloud is gone after {number.name}")


def test_it_ends_with_its_block_and_listens_on_loopback_only() -> None:
    with LocalCloud() as cloud:
        assert cloud.endpoint.startswith("http://127.0.0.1:")
        cloud.client("s3").create_bucket(Bucket="kept")
        assert [bucket["Name"] for bucket in cloud.client("s3").list_buckets()["Buckets"]] == ["kept"]
        assert listening(cloud.group) == {"127.0.0.1"}
        held = (cloud.folder, cloud.group, cloud.endpoint)
    assert not held[0].exists() and not alive(held[1]) and not answers(held[2], seconds=0.2)
    cloud.stop()


def test_its_functions_inherit_nothing_of_this_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "of the developer")
    monkeypatch.setenv("AWS_PROFILE", "production")
    with LocalCloud() as cloud:
        variables = Path(f"/proc/{cloud.group}/environ").read_bytes().split(b"\0")
        names = {variable.partition(b"=")[0].decode() for variable in variables if variable}
    assert not names & {"SECRET", "AWS_PROFILE", "AWS_ENDPOINT_URL", "PYTHONPATH", "VIRTUAL_ENV"}


def test_two_can_run_at_once() -> None:
    with LocalCloud() as one, LocalCloud() as other:
        one.client("s3").create_bucket(Bucket="only-in-one")
        assert other.client("s3").list_buckets()["Buckets"] == []


def test_without_its_environment_it_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="make environments"), LocalCloud(python=tmp_path / "python"):
        pass


def test_when_it_does_not_come_up_the_end_of_its_log_is_shown() -> None:
    with pytest.raises(CommandFailed, match="No module named ministack"), LocalCloud(python=Path(sys.executable)):
        pass


def listening(group: int) -> set[str]:
    """The addresses on which the group's leader listens (Linux)."""
    inodes = {os.readlink(fd).removeprefix("socket:[").removesuffix("]") for fd in Path(f"/proc/{group}/fd").iterdir()}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{group}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                address = fields[1].split(":")[0]
                found.add("127.0.0.1" if address == "0100007F" else address)
    return found
