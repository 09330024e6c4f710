"""The local clouds that run in this checkout: a small file for each, by which the operator's commands find them."""

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.local.local_cloud import answers
from infra.services import ROOT

FOLDER = ROOT / ".build" / "running"


@dataclass(frozen=True, kw_only=True)
class Running:
    """A local cloud that a command of this checkout holds open."""

    pid: int
    """Of the command."""
    endpoint: str
    stage: str
    traces: str = ""
    """The file of its trace collector; empty where there is none."""
    declarations: str = ""
    """Paths of its datasets' declarations that are files of their own, with commas between."""


@contextlib.contextmanager
def announced(running: Running, *, folder: Path = FOLDER) -> Iterator[None]:
    """While the block lasts, other commands find it."""
    path = folder / f"{running.pid}.json"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(vars(running)))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def find_running(*, folder: Path = FOLDER) -> Running | None:
    """The local cloud that was announced last."""
    return next(all_running(folder=folder), None)


def all_running(*, folder: Path = FOLDER) -> Iterator[Running]:
    """The local clouds that run here, the last announced first; files of clouds that are no more are removed."""
    for path in sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True):
        running = _read(path)
        if running and _is_alive(running.pid) and answers(running.endpoint):
            yield running
        else:
            path.unlink(missing_ok=True)


def _read(path: Path) -> Running | None:
    try:
        return Running(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None  # half-written when its writer was killed


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
