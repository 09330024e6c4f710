"""Build one service: copy it beside the sources, vendor, `chalice package`, a reproducible zip, the package gate.

    .build/cache/vendor-{hash}/                 dependencies, one folder per lock
    .build/cache/packages/{service}-{hash}.zip  code; the same for every stage
    .build/{stage}/{service}/source/            the copy: plain `chalice deploy --stage {stage}` works from there
    .build/{stage}/{service}/sam.yaml           the template, its code still called ./deployment.zip

The same sources give the same bytes, and what has not changed is not built again.
"""

import argparse
import hashlib
import json
import os
import shutil
import string
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from botocore.loaders import Loader

from infra.packaging.file_lock import alone
from infra.packaging.import_check import check_imports
from infra.packaging.schedules import schedule_of, with_schedules
from infra.packaging.vendoring import (
    PackagingFailed,
    compile_to_byte_code,
    fits_this_host,
    vendor,
)
from infra.progress import Report
from infra.services import ROOT, SERVICES, Service, find_service
from shared.aws import ENDPOINTS, endpoints_of_services
from shared.dataset import Dataset
from shared.datasets import DEFAULT, find_datasets
from shared.declaration import compiled

BUILD = ROOT / ".build"
CACHE = BUILD / "cache"
CODE = "./deployment.zip"
"""How the template names the code until `infra.deploying.deploy` knows where it is uploaded."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
_CHALICE = "from chalice.cli import main; main()"
_MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Built:
    """A service ready to be deployed to one stage."""

    service: str
    package: Path
    """The zip."""
    digest: str
    """sha256 of the zip, hexadecimal."""
    template: Path
    """SAM template; its CodeUri is `CODE` everywhere."""
    source: Path
    """The copy that was packaged."""
    fresh: bool
    """Whether anything was built; False where the last build still holds."""

    @property
    def mib(self) -> float:
        """Size of the zip in MiB."""
        return self.package.stat().st_size / _MIB


def build(
    service: str,
    *,
    stage: str,
    names: Mapping[str, str],
    out: Path = BUILD,
    cache: Path = CACHE,
    settings: Mapping[str, str] | None = None,
    root: Path = ROOT,
    report: Report = print,
) -> Built:
    """Build a service for a stage.

    `names` are what `${...}` stands for in the service's `.chalice` folder: see `infra.deploying.stage.find_names`.
    `settings` are environment variables of the operator's choice; those that the service does not read stay out.
    Raises PackagingFailed where the package would not work in Lambda or is too large.
    """
    declared, datasets = find_service(service), find_datasets(names["DATASETS"])
    names = {**names, "DATASETS": ",".join(dataset.name for dataset in datasets)}
    out, cache = out.resolve(), cache.resolve()
    folder = out / stage / service
    chosen = {name: value for name, value in (settings or {}).items() if name in declared.settings and value}
    usual = chosen.get("SCHEDULE", "")
    if service == "fetcher":  # its own rule, which Chalice makes, is the first dataset's
        chosen["SCHEDULE"] = schedule_of(datasets[0], usual=usual)
    declarations = compiled(datasets)
    stamp = _fingerprint(
        declared, stage=stage, names={**names, "declarations": declarations}, settings=chosen, root=root
    )
    with alone(out / stage / f"{service}.lock"):
        kept = _kept(folder, service=service, stamp=stamp)
        if kept:
            return kept
        shutil.rmtree(folder, ignore_errors=True)
        _copy(declared, folder / "source", stage=stage, names=names, settings=chosen, root=root)
        (folder / "source" / "vendor" / "shared" / "datasets" / "compiled.py").write_text(declarations)
        _chalice_package(folder, stage=stage, merge=root / "infra" / "fragments" / f"{service}.yaml")
        if service == "fetcher" and len(datasets) > 1:
            _add_schedules(folder / "sam.yaml", datasets, usual=usual)
        host = names.get("CLOUD") == "local" and not fits_this_host()
        lock = root / "infra" / "locks" / f"{service}.txt"
        dependencies = vendor(lock, cache=cache, report=report, for_host=host)
        own = _own_files(folder)
        package = _package(declared, own=own, dependencies=dependencies, cache=cache, report=report)
        shutil.copytree(dependencies, folder / "source" / "vendor", copy_function=_link, dirs_exist_ok=True)
        shutil.rmtree(folder / "chalice")
        shutil.rmtree(own)
        digest = hashlib.sha256(package.read_bytes()).hexdigest()
        (folder / "stamp.json").write_text(json.dumps({"stamp": stamp, "package": str(package), "digest": digest}))
    return _built(service, folder, package=package, digest=digest, fresh=True)


def _fingerprint(
    service: Service, *, stage: str, names: Mapping[str, str], settings: Mapping[str, str], root: Path
) -> str:
    """Changes when anything does that the build reads."""
    hashed = hashlib.sha256(json.dumps([stage, sys.version, dict(names), dict(settings)], sort_keys=True).encode())
    infra = root / "infra"
    roots = [
        root / service.name,
        root / "shared",
        infra / "packaging",
        infra / "fragments" / f"{service.name}.yaml",
    ]
    roots += [infra / "locks" / f"{name}.txt" for name in (service.name, "tools")]
    for path in sorted(path for start in roots for path in _files(start)):
        hashed.update(f"{path.relative_to(root)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return hashed.hexdigest()


def _files(start: Path) -> list[Path]:
    if start.is_file():
        return [start]
    return [
        path
        for path in start.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and "vendor" not in path.parts
    ]


def _kept(folder: Path, *, service: str, stamp: str) -> Built | None:
    try:
        kept = json.loads((folder / "stamp.json").read_text())
    except FileNotFoundError:
        return None
    package = Path(kept["package"])
    if kept["stamp"] != stamp or not package.exists():
        return None
    return _built(service, folder, package=package, digest=kept["digest"], fresh=False)


def _built(service: str, folder: Path, *, package: Path, digest: str, fresh: bool) -> Built:
    return Built(
        service=service,
        package=package,
        digest=digest,
        template=folder / "sam.yaml",
        source=folder / "source",
        fresh=fresh,
    )


def _copy(
    service: Service,
    target: Path,
    *,
    stage: str,
    names: Mapping[str, str],
    settings: Mapping[str, str],
    root: Path,
) -> None:
    """The service and `shared`, with the stage's names written into its config and policies."""
    origin = root / service.name
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc", "deployments", "deployed", "*.toml")
    target.mkdir(parents=True)
    shutil.copyfile(origin / "app.py", target / "app.py")
    shutil.copytree(origin / "chalicelib", target / "chalicelib", ignore=ignored)
    shutil.copytree(root / "shared", target / "vendor" / "shared", ignore=ignored)
    endpoints = endpoints_of_services(Loader().load_data("endpoints"))
    (target / "vendor" / "shared" / ENDPOINTS.name).write_text(json.dumps(endpoints, separators=(",", ":")))
    (target / "requirements.txt").write_text("# vendored already\n")
    (target / ".chalice").mkdir()
    for path in sorted((origin / ".chalice").glob("*.json")):
        try:
            filled = string.Template(path.read_text()).substitute(names)
        except (KeyError, ValueError) as error:
            raise PackagingFailed(
                f"{path.relative_to(root)}: no value for {error}; there are {sorted(names)}"
            ) from error
        (target / ".chalice" / path.name).write_text(filled)
    config_path = target / ".chalice" / "config.json"
    config = json.loads(config_path.read_text())
    variables = {name: value for name, value in (config["environment_variables"] | settings).items() if value}
    config["environment_variables"] = variables
    config["stages"] = {stage: {}}
    _check_lease(service, config)
    config_path.write_text(json.dumps(config, indent=2))


def _check_lease(service: Service, config: Mapping[str, Any]) -> None:
    """A lease that ends while its holder still runs lets a second writer in beside it."""
    text = config["environment_variables"].get("LEASE_SECONDS")
    if text is None:
        return
    timeouts = {name: settings["lambda_timeout"] for name, settings in config["lambda_functions"].items()}
    longest = max(timeouts, key=lambda name: timeouts[name])
    try:
        lease = float(text)
    except ValueError:
        raise PackagingFailed(f"{service.name}: LEASE_SECONDS is {text!r}; a number of seconds is needed") from None
    if not lease > timeouts[longest]:
        raise PackagingFailed(
            f"{service.name}: LEASE_SECONDS is {text}; more than {timeouts[longest]} are needed, the lambda_timeout of"
            f" {longest}"
        )


def _chalice_package(folder: Path, *, stage: str, merge: Path) -> None:
    """The template and the app's own files, as Chalice makes them: dependencies are added afterwards, once only."""
    source, target = folder / "source", folder / "chalice"
    variables = json.loads((source / ".chalice" / "config.json").read_text())["environment_variables"]
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.environ.get("HOME", ""),
        "AWS_DEFAULT_REGION": "us-east-1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(source / "vendor"),
    }
    command = [sys.executable, "-c", _CHALICE, "package", "--stage", stage, "--merge-template", str(merge)]
    run = subprocess.run(
        [*command, str(target)],
        cwd=source,
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode or not (target / "sam.yaml").exists():
        raise PackagingFailed(f"chalice package of {folder.name} failed:\n{run.stderr}{run.stdout}")
    (target / "sam.yaml").rename(folder / "sam.yaml")


def _add_schedules(template: Path, datasets: Sequence[Dataset], *, usual: str) -> None:
    wanted = with_schedules(yaml.safe_load(template.read_text()), datasets, usual=usual)
    template.write_text(yaml.safe_dump(wanted, sort_keys=False, width=120))


def _own_files(folder: Path) -> Path:
    """A folder with what the package holds beside its dependencies, byte-compiled."""
    own = folder / "own"
    with zipfile.ZipFile(folder / "chalice" / "deployment.zip") as archive:
        archive.extractall(own)
    compile_to_byte_code(own)
    return own


def _package(service: Service, *, own: Path, dependencies: Path, cache: Path, report: Report) -> Path:
    """The zip, by content: sorted names, one date, one mode. Made, measured and gated only where it is not there."""
    mine = _by_name(own)
    content = mine | _by_name(dependencies)
    hashed = hashlib.sha256(dependencies.name.encode())
    for name in sorted(mine):
        hashed.update(f"{name}\0".encode() + hashlib.sha256(mine[name].read_bytes()).digest())
    package = cache / "packages" / f"{service.name}-{hashed.hexdigest()[:16]}.zip"
    if package.exists():
        return package
    package.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=package.parent, prefix="zipping-") as work:
        made = Path(work, "package.zip")
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            for name in sorted(content):
                entry = zipfile.ZipInfo(name, _EPOCH)
                entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
                archive.writestr(entry, content[name].read_bytes())
        size = made.stat().st_size / _MIB
        report(f"{service.name}: {size:.1f} MiB of at most {service.limit_mib:g}")
        if size > service.limit_mib:
            raise PackagingFailed(
                f"{service.name}: the package has {size:.1f} MiB; at most {service.limit_mib:g} is allowed"
            )
        check_imports(made, handlers=[service.handler(function) for function in service.functions])
        made.rename(package)
    _forget_old(package)
    return package


def _link(origin: str, target: str) -> None:
    """A hard link, or a copy where the two are on different disks."""
    try:
        os.link(origin, target)
    except OSError:
        shutil.copyfile(origin, target)


def _forget_old(package: Path, *, keep: int = 4) -> None:
    """Remove all but the newest packages of a service; one that is wanted again is made again."""
    service = package.name.rsplit("-", 1)[0]
    made = sorted(package.parent.glob(f"{service}-*.zip"), key=lambda path: path.stat().st_mtime)
    for path in made[:-keep]:
        path.unlink(missing_ok=True)


def _by_name(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def main(arguments: list[str]) -> int:
    """`python -m infra build [--service NAME] [--stage NAME]`: build without deploying, with made-up names."""
    parser = argparse.ArgumentParser(prog="python -m infra build", description=main.__doc__)
    parser.add_argument("--stage", default="dev")
    parser.add_argument("--service", choices=list(SERVICES), action="append")
    args = parser.parse_args(arguments)
    for service in args.service or SERVICES:
        built = build(service, stage=args.stage, names=example_names(args.stage), out=BUILD / "offline")
        print(f"{service}: {built.mib:.1f} MiB, sha256 {built.digest[:16]}, {'built' if built.fresh else 'unchanged'}")
    return 0


def example_names(stage: str) -> dict[str, str]:
    """Names of no account, for building and checking without one."""
    runs = f"covid-stats-{stage}-runs"
    here = f"us-east-1:123456789012:covid-stats-{stage}"
    return {
        "STAGE": stage,
        "DATASETS": DEFAULT,
        "CLOUD": "aws",
        "PARTITION": "aws",
        "REGION": "us-east-1",
        "ACCOUNT": "123456789012",
        "BUCKET": f"covid-stats-{stage}-data-123456789012",
        "RUNS_TABLE": runs,
        "OBSERVATIONS_TABLE": f"covid-stats-{stage}-observations",
        "RUNS_STREAM_ARN": f"arn:aws:dynamodb:us-east-1:123456789012:table/{runs}/stream/2020-01-01T00:00:00.000",
        "TOPIC_ARN": f"arn:aws:sns:{here}-digest",
        "DASHBOARD_URL": "",
    }
