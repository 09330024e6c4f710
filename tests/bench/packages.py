"""Packages to measure: ours as they are deployed, and the plain way's as `chalice package` makes it.

The plain way is one Chalice app: every function of it imports pandas at the top, and its dependencies are a
requirements file that lists what is imported, boto3 among it, as Chalice's own tutorials do.
"""

import hashlib
import json
import os
import py_compile
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from compileall import compile_dir
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from infra.packaging.build import BUILD, build, example_names
from infra.packaging.file_lock import alone
from infra.packaging.vendoring import RUNTIME_MODULES
from infra.services import ROOT

STAGE = "bench"
_OUT = BUILD / "offline"
_CHALICE = "from chalice.cli import main; main()"

_PLAIN = {
    "functions": "import boto3\nimport pandas as pd\nfrom chalice import Chalice\n",
    "api": "import boto3\nimport pandas as pd\nimport plotly.graph_objects as go\nfrom chalice import Chalice\n",
}
_BODY = """
app = Chalice(app_name="plain")
table = boto3.resource("dynamodb", region_name="us-east-1").Table("observations")


@app.route("/daily")
def daily():
    return pd.DataFrame(table.scan()["Items"]).to_json()
"""
_CONFIG = {"version": "2.0", "stages": {"dev": {}}}
_ZIP = "deployment.zip"


@dataclass(frozen=True, kw_only=True)
class Package:
    """A zip and what is in it, ready to be run from."""

    mib: float
    """Size of the zip, MiB."""
    folder: Path
    """It, unzipped: the function's /var/task."""


def ours(service: str, *, below: Path) -> Package:
    """A service as it is deployed; built where it is not."""
    built = build(service, stage=STAGE, names=example_names(STAGE), out=_OUT, report=_quiet)
    return _unzipped(built.package, below / service)


def plain(kind: str, *, below: Path) -> Package:
    """The plain way's package: `functions`, or `api`, which draws with plotly besides."""
    needed = ("boto3", "pandas", "requests", *(["plotly"] if kind == "api" else []))
    return _unzipped(chalice_package(kind, app=_PLAIN[kind] + _BODY, needed=needed) / _ZIP, below / f"plain-{kind}")


def chalice_package(name: str, *, app: str, needed: Sequence[str] = ()) -> Path:
    """The folder that `chalice package` makes of an app and its requirements, with `deployment.zip` and `sam.json`.

    It is kept: the same app is packaged once.
    """
    requirements = "".join(f"{package}{_locked(package)}\n" for package in needed)
    key = hashlib.sha256(f"{requirements}{app}{sys.version}".encode()).hexdigest()[:16]
    project = _OUT / "plain" / f"{name}-{key}"
    with alone(_OUT / "plain" / f"{name}.lock"):
        if not (project / "out" / _ZIP).exists():
            shutil.rmtree(project, ignore_errors=True)
            (project / ".chalice").mkdir(parents=True)
            (project / ".chalice" / "config.json").write_text(json.dumps(_CONFIG | {"app_name": f"bench-{name}"}))
            (project / "requirements.txt").write_text(requirements)
            (project / "app.py").write_text(app)
            command = [sys.executable, "-c", _CHALICE, "package", "out"]
            somewhere = os.environ | {"AWS_DEFAULT_REGION": "us-east-1"}  # Chalice packages for a region
            run = subprocess.run(command, cwd=project, env=somewhere, check=False, capture_output=True, text=True)
            if not (project / "out" / _ZIP).exists():  # Chalice says 0 also where it failed
                raise RuntimeError(f"chalice package of {name} failed:\n{run.stderr}{run.stdout}")
    return project / "out"


def runtime(*, below: Path) -> Path:
    """What the Lambda runtime brings, byte-compiled as it is there."""
    folder = below / "runtime"
    folder.mkdir(parents=True)
    for name in RUNTIME_MODULES:
        spec = find_spec(name)
        assert spec is not None and spec.origin is not None
        origin = Path(spec.origin)
        if origin.name == "__init__.py":
            shutil.copytree(origin.parent, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(origin, folder)
    compile_dir(folder, quiet=1, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    return folder


def _unzipped(package: Path, folder: Path) -> Package:
    with zipfile.ZipFile(package) as archive:
        archive.extractall(folder)
    return Package(mib=package.stat().st_size / 2**20, folder=folder)


def _locked(name: str) -> str:
    """The version that our own lock files have, so that both sides import the same."""
    for lock in ("api", "tests", "tools"):
        for line in (ROOT / "infra" / "locks" / f"{lock}.txt").read_text().splitlines():
            if line.startswith(f"{name}=="):
                return line.removeprefix(name).split()[0]
    return ""


def _quiet(_: str) -> None:
    """Progress is the caller's to show."""
