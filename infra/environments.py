"""The virtual environments, made from lock files: `python infra/environments.py tools tests ministack`.

Standard library only: this runs before anything is installed. An environment is made anew when one of its lock files
or its interpreter changes, and left alone otherwise. Packages are checked by hash.

| lock        | environment       |
|-------------|-------------------|
| `tools`     | `.venv`           | builds, deploys, drives
| `tests`     | `.venv`           | what `make test` needs besides
| `ministack` | `.venv-ministack` | the local cloud, and what the Lambda runtime offers to functions
| `spark`     | `.venv-spark`     | the local distributed engine; left out, with words, where there is no Java for it
| `locks`     | `.venv-locks`     | compiles lock files
| `checkov`   | `.venv-checkov`   | checks templates for security
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCKS = ROOT / "infra" / "locks"
ENVIRONMENT_OF = {
    "tools": ".venv",
    "tests": ".venv",
    "ministack": ".venv-ministack",
    "spark": ".venv-spark",
    "locks": ".venv-locks",
    "checkov": ".venv-checkov",
}


def main(locks: list[str]) -> int:
    unknown = sorted(set(locks) - set(ENVIRONMENT_OF))
    if unknown or not locks:
        print(f"unknown locks {unknown}; there are {sorted(ENVIRONMENT_OF)}", file=sys.stderr)
        return 2
    wanted: dict[str, list[str]] = {}
    if "spark" in locks and not _has_java():
        _say("Java 17 or newer is not here: what needs Spark is left out (see `make run ENGINE=spark`)")
        locks = [lock for lock in locks if lock != "spark"]
    for lock in locks:
        wanted.setdefault(ENVIRONMENT_OF[lock], []).append(lock)
    return 0 if all(prepare(ROOT / name, of_it) for name, of_it in wanted.items()) else 1


def _has_java() -> bool:
    sys.path.insert(0, str(ROOT))
    from infra.local.java import find_java  # deferred: few locks need it; it needs the standard library alone

    return find_java() is not None


def prepare(environment: Path, locks: list[str]) -> bool:
    """Make the environment hold these locks' packages; whether that went well."""
    installed = _installed(environment)
    current = {name: _digest(name) for name in {*installed, *locks} if (LOCKS / f"{name}.txt").exists()}
    if any(current.get(name) != digest for name, digest in installed.items()):
        installed = {}
    if not installed:
        shutil.rmtree(environment, ignore_errors=True)
        _say(f"{environment.name}: a new environment of Python {sys.version.split()[0]}")
        venv.create(environment, with_pip=True, symlinks=True)
    for lock in locks:
        if lock not in installed and not _install(environment, lock):
            return False
        installed[lock] = current[lock]
        _marker(environment).write_text(json.dumps(installed))
    return True


def _install(environment: Path, lock: str) -> bool:
    path = LOCKS / f"{lock}.txt"
    count = sum("==" in line and not line.startswith(("#", " ")) for line in path.read_text().splitlines())
    _say(f"{environment.name}: installing {lock} ({count} packages) ...")
    began = time.monotonic()
    command = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run = subprocess.run(
        [*command, "--no-deps", "--require-hashes", "--requirement", str(path)],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if run.returncode:
        print(f"{run.stdout}{run.stderr}\ninstalling {path.relative_to(ROOT)} failed", file=sys.stderr)
        return False
    _say(f"{environment.name}: installed {lock} in {time.monotonic() - began:.0f} s")
    return True


def _marker(environment: Path) -> Path:
    return environment / "installed.json"


def _installed(environment: Path) -> dict[str, str]:
    """Lock -> digest of what was installed from it; empty where the environment has to be made anew."""
    try:
        kept: dict[str, str] = json.loads(_marker(environment).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return kept if (environment / "bin" / "python").exists() else {}


def _digest(lock: str) -> str:
    content = (LOCKS / f"{lock}.txt").read_bytes() + f"{sys.version}|{os.path.realpath(sys.executable)}".encode()
    return hashlib.sha256(content).hexdigest()


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
