"""What FROM names: day folders, or clones of git repositories in which the feeds' files have a history."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.backfilling.git_history import feed_versions, find_path, is_repository
from infra.backfilling.versions import DatedCopy, FeedVersion, interleave, of_days
from infra.errors import CommandFailed
from infra.local.day_folders import read_days
from shared.dataset import Dataset
from shared.errors import EventMalformed
from shared.runs import parse_time


def read_versions(
    places: Sequence[str], dataset: Dataset, *, paths: Mapping[str, str], until: str = ""
) -> Sequence[DatedCopy]:
    """All versions of the places that are known before `until`, oldest first.

    `paths` are feed -> path, for feeds whose file has another name in the repository. Raises CommandFailed.
    """
    _check(paths, dataset, until)
    folders = [Path(place) for place in places]
    for folder in folders:
        if not folder.is_dir():
            raise CommandFailed(f"FROM: {str(folder)!r} is not a folder; day folders or a clone of git are expected")
    clones = [folder for folder in folders if is_repository(folder)]
    if clones and len(clones) < len(folders):
        raise CommandFailed("FROM names day folders and git repositories; one kind at a time can be read")
    if not clones and len(folders) > 1:
        raise CommandFailed(f"FROM names {len(folders)} folders of days; one is expected")
    found = (
        interleave(_of_clones(clones, dataset, paths)) if clones else of_days(read_days(folders[0], dataset), dataset)
    )
    return [version for version in found if not until or version.time < until]


def _of_clones(clones: Sequence[Path], dataset: Dataset, paths: Mapping[str, str]) -> list[FeedVersion]:
    """Each feed's history, from the one clone that has it."""
    found, homes = list[FeedVersion](), dict[str, Path]()
    for clone in clones:
        here = {feed.name: paths.get(feed.name) or find_path(clone, feed.file_name) for feed in dataset.feeds}
        mine = list(feed_versions(clone, {feed: path for feed, path in here.items() if path}))
        for feed in {version.feed for version in mine}:
            if feed in homes:
                raise CommandFailed(f"feed {feed} is in {homes[feed]} and in {clone}; name one of them")
            homes[feed] = clone
        found += mine
    missing = sorted(dataset.feed_names - homes.keys())
    if missing:
        names = ", ".join(f"{feed} ({dataset.feed(feed).file_name})" for feed in missing)
        raise CommandFailed(f"FROM has no history of {names}; PATHS=FEED=PATH says where its file is")
    return found


def _check(paths: Mapping[str, str], dataset: Dataset, until: str) -> None:
    unknown = sorted(paths.keys() - dataset.feed_names)
    if unknown:
        raise CommandFailed(f"PATHS names {unknown}; the feeds of {dataset.name} are {sorted(dataset.feed_names)}")
    if until:
        try:
            parse_time(until)
        except EventMalformed as error:
            raise CommandFailed(f"UNTIL: {error}") from error
