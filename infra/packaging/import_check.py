"""The package gate: a package is good when its handlers import from it, and from the Lambda runtime, and nothing else.

Chalice leaves out, with exit code 0, what does not fit or what it cannot find; here that fails.
"""

import ast
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

from infra.packaging.vendoring import RUNTIME_MODULES, PackagingFailed

_PROGRAM = """
import importlib, json, os, sys

handlers, modules, paths = json.loads(sys.argv[1])
sys.path[:0] = paths

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        raise RuntimeError(f"{event} {arguments} while importing: no handler may need the network to start")

sys.addaudithook(refuse)
for handler in handlers:
    module, attribute = handler.split(".")
    assert callable(getattr(importlib.import_module(module), attribute)), f"{handler} cannot be called"
for module in modules:
    importlib.import_module(module)
"""


def check_imports(package: Path, *, handlers: Sequence[str], variables: dict[str, str] | None = None) -> None:
    """Unzip, then import every handler and every module that the service's own code names, in a process of its own.

    Nothing is on its path but the package, the standard library and the runtime's modules, and no network can be
    reached. Raises PackagingFailed with the import's own traceback.
    """
    with tempfile.TemporaryDirectory(prefix="gate-") as work:
        task, runtime = Path(work, "task"), Path(work, "runtime")
        with zipfile.ZipFile(package) as archive:
            archive.extractall(task)
        _link_runtime(runtime)
        wanted = json.dumps([handlers, sorted(_named_modules(task)), [str(task), str(runtime)]])
        environment = {
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "LAMBDA_TASK_ROOT": str(task),
            "HOME": work,
            "PATH": "",
            "RUNS_STREAM_ARN": "arn:aws:dynamodb:us-east-1:123456789012:table/runs/stream/2020-01-01T00:00:00.000",
            "BUCKET": "bucket",
            "STAGE": "gate",
        }
        run = subprocess.run(
            [sys.executable, "-I", "-S", "-B", "-c", _PROGRAM, wanted],
            cwd=work,
            env=environment | (variables or {}),
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    if run.returncode:
        raise PackagingFailed(f"{package.name} does not import as packaged:\n{run.stderr.strip()}")


def _link_runtime(folder: Path) -> None:
    """A folder with what the Lambda runtime has, and nothing else of this environment."""
    folder.mkdir()
    for name in RUNTIME_MODULES:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise PackagingFailed(f"{name}, which the Lambda runtime has, is not installed here")
        origin = Path(spec.origin)
        found = origin.parent if origin.name == "__init__.py" else origin
        (folder / found.name).symlink_to(found)


def _named_modules(task: Path) -> set[str]:
    """Modules that the service's own code imports anywhere, so that a deferred import cannot be missing either."""
    own = [task / "app.py", *(task / "chalicelib").rglob("*.py"), *(task / "shared").rglob("*.py")]
    return {name for path in own for name in _imports(ast.parse(path.read_text(), str(path)))}


def _imports(tree: ast.Module) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
