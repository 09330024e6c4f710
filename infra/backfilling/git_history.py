"""The versions of a feed's file in a git repository, as they came to stand on its main line.

Commits are taken along first parents: a branch counts from the merge that brought it, whatever its own commits' times.
A commit whose time lies before that of the one it follows was not there earlier, so it counts from the same time on.
"""

import datetime as dt
import functools
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from infra.backfilling.versions import Content, FeedVersion
from infra.errors import CommandFailed
from shared.runs import run_id_at

_ABSENT = "0" * 40


def is_repository(folder: Path) -> bool:
    """Whether this folder is the top of a clone, bare or not."""
    if (folder / ".git").exists():
        return True
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir()


def find_path(repository: Path, file_name: str) -> str:
    """Where a file of this name is, now or earlier; empty where it never was.

    Raises CommandFailed where there are several.
    """
    listed = _git(repository, "ls-tree", "-r", "-z", "--name-only", "HEAD").split("\0")
    found = _named(listed, file_name)
    if not found:
        past = _git(repository, "log", "--first-parent", "-m", "--pretty=format:", "--name-only", "-z", "HEAD")
        found = _named(past.replace("\n", "\0").split("\0"), file_name)
    if len(found) > 1:
        raise CommandFailed(
            f"{repository} has {file_name} at {', '.join(found[:5])}; PATHS=FEED=PATH says which one is meant"
        )
    return found[0] if found else ""


def feed_versions(repository: Path, paths: Mapping[str, str]) -> Iterator[FeedVersion]:
    """Feed -> its path; every version of each, in the order in which they came. Raises CommandFailed."""
    feeds = {path: feed for feed, path in paths.items()}
    latest = ""
    for commit, seconds, changes in _commits(repository, list(feeds)):
        time = run_id_at(dt.datetime.fromtimestamp(seconds, tz=dt.UTC))
        latest = max(latest, time)
        for path, blob in changes:
            content = None if blob == _ABSENT else Content(blob, functools.partial(_read_blob, repository, blob))
            yield FeedVersion(time=latest, feed=feeds[path], content=content, note=f"commit {commit[:12]}")


def _commits(repository: Path, paths: Sequence[str]) -> Iterator[tuple[str, int, Sequence[tuple[str, str]]]]:
    """(commit, its committer's time, (path, blob) of what it changed), oldest first."""
    text = _git(
        repository,
        *("log", "--first-parent", "-m", "--reverse", "--raw", "--no-abbrev", "--no-renames", "-z"),
        *("--pretty=format:%x01%H %ct", "HEAD", "--", *(f":(literal){path}" for path in paths)),
    )
    for block in text.split("\1")[1:]:
        head, *fields = [part for part in block.replace("\n", "\0").split("\0") if part]
        commit, seconds = head.split()
        changes = [(path, raw.split()[3]) for raw, path in zip(fields[::2], fields[1::2], strict=True)]
        yield commit, int(seconds), changes


def _named(paths: Sequence[str], file_name: str) -> list[str]:
    return sorted({path for path in paths if PurePosixPath(path).name == file_name})


def _read_blob(repository: Path, blob: str) -> bytes:
    return _run(repository, "cat-file", "blob", blob)


def _git(repository: Path, *arguments: str) -> str:
    return _run(repository, *arguments).decode(errors="surrogateescape")


def _run(repository: Path, *arguments: str) -> bytes:
    """What git prints. The repository is only read: no hook, no pager, no configuration of it decides anything."""
    command = ["git", "-C", str(repository), "--no-pager", "-c", "core.quotePath=false", *arguments]
    try:
        return subprocess.run(command, check=True, capture_output=True).stdout
    except FileNotFoundError:
        raise CommandFailed("git is needed to read a repository, and is not there") from None
    except subprocess.CalledProcessError as error:
        raise CommandFailed(f"git {arguments[0]} in {repository}: {error.stderr.decode().strip()[:300]}") from error
