"""Vendor locked dependencies for the Lambda platform, prune them, and byte-compile them: once per lock, cached.

What comes out is a folder to be zipped. It holds wheels only, checked by hash, that fit Amazon Linux 2023
(glibc 2.34), without what the Lambda runtime has, without tests and build files, with byte code that the
runtime need not check.
"""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import MAGIC_NUMBER
from pathlib import Path

from infra.errors import CommandFailed
from infra.packaging.file_lock import alone
from infra.progress import Report

GLIBC = 34
"""Lambda's Python 3.12 and later run on Amazon Linux 2023: glibc 2.34."""

IN_THE_RUNTIME = frozenset({"boto3", "botocore", "s3transfer", "jmespath", "urllib3", "python-dateutil", "six"})
"""Distributions that the Lambda runtime brings; aws-xray-sdk alone would drag in 15 MB of botocore."""

RUNTIME_MODULES = ("boto3", "botocore", "s3transfer", "jmespath", "urllib3", "dateutil", "six")
"""The same as modules."""

_RELEASED_MAGIC = {(3, 12): 3531, (3, 13): 3571, (3, 14): 3627}
"""The byte code version of each release line: byte code of any other is of no use to the runtime."""

_PRUNED_FOLDERS = frozenset({"tests", "__pycache__", "_examples", "bin", "include", "pybind11", "doc", "docs"})
_PRUNED_SUFFIXES = frozenset({".pyi", ".pyx", ".pxd", ".pxi", ".h", ".c", ".cpp", ".a", ".in", ".build", ".typed"})
_PRUNED_NAMES = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "conftest.py", "WHEEL"})
_RECIPE = "1"
"""Raised when what is done below changes, so that cached folders of the old way are not used."""


class PackagingFailed(CommandFailed):
    """A package cannot be built, or would not work in Lambda; the message says what and why."""


def vendor(lock: Path, *, cache: Path, report: Report, for_host: bool = False) -> Path:
    """The folder of the lock's packages, built where it is not cached. Raises PackagingFailed.

    `for_host` takes wheels for this machine rather than for Lambda: the local cloud on a machine that is not
    Linux on x86-64.
    """
    wanted = _without_runtime(lock.read_text())
    key = hashlib.sha256(f"{wanted}|{sys.version}|{for_host}|{_RECIPE}".encode()).hexdigest()[:16]
    done = cache / f"vendor-{key}"
    with alone(cache / f"vendor-{key}.lock"):
        if not done.is_dir():
            report(f"vendoring {', '.join(_names(wanted))}")
            _vendor(wanted, done, for_host=for_host)
    return done


def _vendor(wanted: str, done: Path, *, for_host: bool) -> None:
    with tempfile.TemporaryDirectory(dir=done.parent, prefix="vendoring-") as work:
        requirements, target = Path(work, "requirements.txt"), Path(work, "packages")
        requirements.write_text(wanted)
        _install(requirements, target, for_host=for_host)
        if not for_host:
            check_fit(target)
        prune(target)
        compile_to_byte_code(target)
        target.rename(done)


def fits_this_host() -> bool:
    """Whether wheels for Lambda run on this machine."""
    return sys.platform == "linux" and platform.machine() == "x86_64" and platform.libc_ver()[0] == "glibc"


def check_fit(folder: Path) -> None:
    """Raises PackagingFailed for a compiled module that needs a newer glibc, or another processor, than Lambda has."""
    for library in sorted(path for path in folder.rglob("*") if path.suffix == ".so" or ".so." in path.name):
        content = library.read_bytes()
        if content[:4] != b"\x7fELF" or int.from_bytes(content[18:20], "little") != 62:
            raise PackagingFailed(f"{library.relative_to(folder)} is not for Linux on x86-64")
        needed = max((int(found) for found in re.findall(rb"GLIBC_2\.(\d+)", content)), default=0)
        if needed > GLIBC:
            raise PackagingFailed(f"{library.relative_to(folder)} needs glibc 2.{needed}; Lambda has 2.{GLIBC}")


def prune(folder: Path) -> None:
    """Remove what no handler needs: tests, build files, what installers write. Licences stay."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            if path.name in _PRUNED_FOLDERS:
                shutil.rmtree(path)
        elif path.suffix in _PRUNED_SUFFIXES or path.name in _PRUNED_NAMES:
            path.unlink()


def compile_to_byte_code(folder: Path) -> None:
    """Byte-compile in place, unchecked: `/var/task` is read-only and never newer than its byte code.

    The same sources give the same bytes: fixed hash seed, fixed order, a process of its own. Nothing is compiled
    where this interpreter's byte code is not that of its release line, as the runtime would not use it.
    """
    released = _RELEASED_MAGIC.get(sys.version_info[:2])
    if int.from_bytes(MAGIC_NUMBER[:2], "little") != released:
        return
    program = Path(__file__).with_name("bytecode.py")
    environment = {"PYTHONHASHSEED": "0", "PATH": os.defpath}
    run = subprocess.run(
        [sys.executable, "-S", "-B", str(program), str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise PackagingFailed(f"byte-compiling {folder.name} failed:\n{run.stderr}{run.stdout}")


def _install(requirements: Path, target: Path, *, for_host: bool) -> None:
    fit = [] if for_host else [f"--platform={tag}" for tag in _platforms()]
    line = f"{sys.version_info.major}.{sys.version_info.minor}"
    _pip(
        "install",
        *("--target", str(target), "--no-deps", "--no-compile", "--only-binary=:all:"),
        *("--implementation=cp", f"--python-version={line}", *fit),
        *("--require-hashes", "-r", str(requirements)),
    )


def _platforms() -> Iterator[str]:
    for minor in range(GLIBC, 16, -1):
        yield f"manylinux_2_{minor}_x86_64"
    yield "manylinux2014_x86_64"
    yield "linux_x86_64"


def _pip(command: str, *arguments: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pip", command, "--quiet", "--disable-pip-version-check", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise PackagingFailed(f"pip {command} failed:\n{run.stderr.strip()}")


def _without_runtime(lock: str) -> str:
    """The lock less the runtime's packages and all comments; an entry is a line and its indented hash lines."""
    entries = re.split(r"\n(?=\S)", "\n".join(line for line in lock.splitlines() if not line.startswith("#")))
    return "\n".join(entry for entry in entries if entry.split("==")[0].strip() not in IN_THE_RUNTIME).strip() + "\n"


def _names(lock: str) -> list[str]:
    """The packages named without a condition: conditions are for other platforms than Lambda's."""
    return re.findall(r"^([A-Za-z0-9_.-]+)==[^ ;]+ \\$", lock, re.MULTILINE)
