"""The local cloud: MiniStack as a subprocess, alone on a free loopback port, leaving nothing behind.

It runs in an environment of its own (`.venv-ministack`, or MINISTACK_PYTHON), because its functions run on its
interpreter and would otherwise import packages that their own deployment package lacks; and with a clean set of
variables, because its functions inherit them.
"""

import contextlib
import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self

from infra.errors import CommandFailed
from infra.services import ROOT

if TYPE_CHECKING:
    from infra.deploying.cloud import Cloud

REGION = "us-east-1"
_WARDEN = Path(__file__).with_name("local_cloud_warden.py")
_READY_SECONDS = 30.0
_GONE_SECONDS = 60.0
"""Its folder holds some hundred megabytes, which a busy disk takes its time to let go of."""
_MEMORY = 4 * 1024**3
"""Bytes of memory, a half of what is available, that must be there for a cloud to lie in it."""
_LOG_TAIL = 64 * 1024
"""Bytes of the log that are looked at for its last lines."""
_TRIES = 3
"""Between finding a free port and MiniStack's taking it, another program may have taken it."""


class LocalCloud:
    """`with LocalCloud() as cloud: cloud.client("s3")`.

    `auth` turns IAM on: functions then have the rights of their roles and no more. `traces` is the address of a
    `TraceCollector`; functions send their traces there. `engine` is that of a `LocalEngine`: MiniStack itself says of
    jobs of Glue that they succeeded, and runs none. `program` is run in MiniStack's place, and starts it.
    Raises CommandFailed where the environment is missing, or MiniStack does not come up (with the end of its log).
    """

    def __init__(
        self,
        *,
        auth: bool = False,
        traces: str = "",
        engine: str = "",
        python: Path | None = None,
        program: Path | None = None,
    ) -> None:
        self._auth, self._traces, self._engine = auth, traces, engine
        self._program = [str(program)] if program else ["-m", "ministack"]
        self._python = python or ministack_python()
        self._warden: subprocess.Popen[bytes] | None = None
        self._group = 0
        self._folder = Path()
        self._log: IO[bytes] | None = None
        self.endpoint = ""
        """`http://127.0.0.1:PORT`, for every AWS service."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        if not self._python.exists():
            raise CommandFailed(
                f"the local cloud's environment is not there: {self._python}; `make environments` makes it,"
                " MINISTACK_PYTHON names another"
            )
        log = ""
        for _ in range(_TRIES):
            log = self._launch(free_port())
            if not log:
                return
            self.stop()
        raise CommandFailed(f"MiniStack did not come up in {_READY_SECONDS:.0f} s. The end of its log:\n{log}")

    def stop(self) -> None:
        """End it and all that it started, and remove its folder. Does nothing when that has been done."""
        if self._warden is None:
            return
        assert self._warden.stdin is not None
        self._warden.stdin.close()
        try:
            self._warden.wait(timeout=_GONE_SECONDS)
        except subprocess.TimeoutExpired:
            self._warden.kill()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._group, 9)
        if self._warden.stdout:
            self._warden.stdout.close()
        if self._log:
            self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._warden = self._log = None

    def is_alive(self) -> bool:
        """Whether MiniStack has been started and not ended since."""
        return self._warden is not None and self._warden.poll() is None

    @property
    def group(self) -> int:
        """The process group of MiniStack and its functions' workers; 0 while it is not running."""
        return self._group if self._warden else 0

    @property
    def folder(self) -> Path:
        """Everything that it and its functions write is here."""
        return self._folder

    def client(self, service: str) -> Any:
        """The administrator's client for a service, made once."""
        return self._cloud.client(service)

    @functools.cached_property
    def _cloud(self) -> "Cloud":
        from infra.deploying.cloud import (
            Cloud,  # deferred: brings boto3, a fifth of a second that `--help` need not take
        )

        return Cloud.local(self.endpoint, region=REGION)

    def log_tail(self, *, lines: int = 30) -> str:
        """The end of MiniStack's own log, also when it has ended by itself; empty before start and after stop."""
        if self._log is None:
            return ""
        size = os.fstat(self._log.fileno()).st_size
        text = os.pread(self._log.fileno(), _LOG_TAIL, max(0, size - _LOG_TAIL))
        return "\n".join(text.decode(errors="replace").splitlines()[-lines:])

    def _launch(self, port: int) -> str:
        """Start it on this port; empty when it answers, else the end of its log."""
        self._folder = Path(tempfile.mkdtemp(prefix="covid-stats-cloud-", dir=find_memory()))
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as it; nameless, so that nothing stays
        try:
            self._warden = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_WARDEN), str(self._folder), str(self._python), *self._program],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env=_environment(
                    port=port, folder=self._folder, auth=self._auth, traces=self._traces, engine=self._engine
                ),
                start_new_session=True,
            )
        except BaseException:
            self._folder.rmdir()  # from here on it is the warden who clears up
            self._log.close()
            raise
        assert self._warden.stdout is not None
        self._group = int(self._warden.stdout.readline() or 0)
        self.endpoint = f"http://127.0.0.1:{port}"
        return "" if self._came_up() else self.log_tail() or "(empty)"

    def _came_up(self) -> bool:
        assert self._warden is not None
        deadline = time.monotonic() + _READY_SECONDS
        while self._warden.poll() is None and time.monotonic() < deadline:
            if answers(self.endpoint):
                return True
            time.sleep(0.02)
        return False


def ministack_python() -> Path:
    """The interpreter of MiniStack's environment."""
    return Path(os.environ.get("MINISTACK_PYTHON") or ROOT / ".venv-ministack" / "bin" / "python")


def find_memory(path: str = "/dev/shm") -> str | None:  # noqa: S108 - a folder of a name of its own is made in it
    """A file system in memory with room for a cloud; None where TMPDIR says otherwise, or there is none.

    Each function's worker unpacks its package, some hundred megabytes in all: in memory that halves the time of a
    first day, and of clearing up. Some containers forbid the code in it to be run; then it is of no use.
    """
    try:
        found = os.statvfs(path)
        with open("/proc/meminfo", encoding="ascii") as file:
            kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in file}
    except (OSError, ValueError, IndexError):
        return None
    free = min(found.f_bavail * found.f_frsize, kilobytes.get("MemAvailable", 0) * 1024 // 2)
    usable = os.access(path, os.W_OK) and not found.f_flag & os.ST_NOEXEC
    return path if usable and free >= _MEMORY and "TMPDIR" not in os.environ else None


def answers(endpoint: str, *, seconds: float = 2.0) -> bool:
    """Whether a local cloud is ready at this address."""
    try:
        with _direct.open(f"{endpoint}/_ministack/ready", timeout=seconds) as reply:
            return bool(json.load(reply).get("status") == "completed")
    except (OSError, ValueError):
        return False


_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Loopback is never reached through a proxy, whatever the environment says."""


def free_port() -> int:
    """One that nobody has just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(*, port: int, folder: Path, auth: bool, traces: str, engine: str) -> Mapping[str, str]:
    """All variables that MiniStack, and through it every function, sees."""
    return {
        "PATH": os.defpath,
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LANG": "C.UTF-8",
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": "test",  # MiniStack's administrator
        "AWS_SECRET_ACCESS_KEY": "test",
        "LOG_LEVEL": "INFO",
        **({"AUTH": "true"} if auth else {}),
        **({"AWS_ENDPOINT_URL_GLUE": engine} if engine else {}),
        **({"AWS_XRAY_DAEMON_ADDRESS": traces} if traces else {}),
    }
