"""The distributed engine's code: a zip of the merger's own modules, the stage's declarations and the job.

It is in no function's package, and holds no third-party code: Spark's machines have NumPy, PyArrow and pandas.
"""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.services import ROOT
from shared.datasets import find_datasets
from shared.declaration import compiled

_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, kw_only=True)
class EngineCode:
    """What is uploaded for the engine; keys change with the content."""

    script: bytes
    code: bytes
    """A zip."""

    @property
    def script_key(self) -> str:
        return f"engine/{_digest(self.script)}.py"

    @property
    def code_key(self) -> str:
        return f"engine/{_digest(self.code)}.zip"


def engine_code(datasets: str, *, root: Path = ROOT) -> EngineCode:
    """The code for a stage with these datasets: names or files, with commas between."""
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(_content(datasets, root).items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    script = (root / "merger" / "spark_job" / "start.py").read_bytes()
    return EngineCode(script=script, code=found.getvalue())


def _content(datasets: str, root: Path) -> Mapping[str, bytes]:
    """Name -> bytes. Every folder is a package: modules are not found in a zip's folders that are none."""
    found: dict[str, bytes] = {}
    for home, folder in ((root, "shared"), (root / "merger", "chalicelib"), (root / "merger", "spark_job")):
        for path in (home / folder).rglob("*.py"):
            found[path.relative_to(home).as_posix()] = path.read_bytes()
    for name in list(found):
        found.setdefault(f"{name.rpartition('/')[0]}/__init__.py", b"")
    found["shared/datasets/compiled.py"] = compiled(find_datasets(datasets)).encode()
    return found


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
