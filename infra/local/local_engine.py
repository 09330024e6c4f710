"""The local distributed engine as a subprocess: Spark on this machine, beside the local cloud, ended with it."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from infra.errors import CommandFailed
from infra.local.java import HOW, find_java
from infra.local.local_cloud import REGION, free_port
from infra.services import ROOT

_SERVER = Path(__file__).with_name("engine_server.py")
_WARDEN = Path(__file__).with_name("local_cloud_warden.py")
_READY_SECONDS = 180.0
_GONE_SECONDS = 30.0
_LOG_TAIL = 4_000


def spark_python() -> Path:
    """The interpreter of Spark's environment."""
    return Path(os.environ.get("SPARK_PYTHON") or ROOT / ".venv-spark" / "bin" / "python")


def why_no_engine() -> str:
    """What a local engine lacks here, and how to get it; empty where nothing."""
    if find_java() is None:
        return HOW
    if not spark_python().exists():
        return f"the engine's environment is not there: {spark_python()}; `make environments` makes it"
    return ""


class LocalEngine:
    """Where it will answer is known before it runs: the local cloud's functions are given that address."""

    def __init__(self) -> None:
        if why := why_no_engine():
            raise CommandFailed(why)
        self._port = free_port()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @contextlib.contextmanager
    def running(self, *, endpoint: str, datasets: str) -> Iterator[None]:
        """Spark, ready for jobs of these datasets. Raises CommandFailed, with the end of its log, where it is not."""
        folder = Path(tempfile.mkdtemp(prefix="covid-stats-engine-"))
        log = folder.with_suffix(".log")
        command = [str(spark_python()), str(_SERVER), "--port", str(self._port), "--endpoint", endpoint]
        with log.open("wb") as into:
            warden = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_WARDEN), str(folder), *command, "--datasets", datasets],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=into,
                env=spark_environment(folder),
                start_new_session=True,
            )
        assert warden.stdin is not None
        try:
            self._await(warden, log)
            yield
        finally:
            warden.stdin.close()
            try:
                warden.wait(_GONE_SECONDS)
            except subprocess.TimeoutExpired:
                warden.kill()
                warden.wait()
            shutil.rmtree(folder, ignore_errors=True)
            log.unlink(missing_ok=True)

    def _await(self, warden: "subprocess.Popen[bytes]", log: Path) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while warden.poll() is None and time.monotonic() < deadline:
            if self._answers():
                return
            time.sleep(0.1)
        tail = log.read_text(errors="replace")[-_LOG_TAIL:]
        raise CommandFailed(f"Spark did not come up in {_READY_SECONDS:.0f} s. The end of its log:\n{tail}")

    def _answers(self) -> bool:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(self.address, timeout=2) as reply:
                return bool(reply.status == 200)
        except OSError:
            return False


def spark_environment(folder: Path) -> dict[str, str]:
    """All variables that Spark and its workers see: the sources, the local cloud's keys, a folder of its own."""
    java = find_java()
    return {
        "PATH": f"{java.parent if java else ''}{os.pathsep}{os.defpath}",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "SPARK_LOCAL_DIRS": str(folder),
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "merger")]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        **({"JAVA_HOME": os.environ["JAVA_HOME"]} if os.environ.get("JAVA_HOME") else {}),
    }
