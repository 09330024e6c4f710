"""What a backfill reads: day folders, and the histories of git repositories."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from infra.backfilling.sources import read_versions
from infra.backfilling.versions import DatedCopy
from infra.errors import CommandFailed
from tests.shared.declared import US_COVID

NYT, JHU = (feed.file_name for feed in US_COVID.feeds)


class Repository:
    """A git repository in the making."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str, time: str = "2020-01-01T00:00:00Z") -> None:
        identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org"}
        identity |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org"}
        dated = {"GIT_COMMITTER_DATE": time, "GIT_AUTHOR_DATE": time}
        subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(self.folder), **identity, **dated},
            check=True,
            capture_output=True,
        )

    def commit(self, time: str, files: Mapping[str, bytes | None]) -> None:
        for name, data in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if data is None:
                path.unlink()
            else:
                path.write_bytes(data)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=x", time=time)


def contents(versions: list[DatedCopy]) -> list[tuple[str, dict[str, bytes]]]:
    return [(it.time, {feed: content.read() for feed, content in it.files.items()}) for it in versions]


def read(*places: Path, until: str = "", **paths: str) -> list[tuple[str, dict[str, bytes]]]:
    return contents(list(read_versions([str(place) for place in places], US_COVID, paths=paths, until=until)))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "clone")


def test_a_day_folder_is_known_from_its_day_at_17(tmp_path: Path) -> None:
    for day, files in {"2020-10-02": {NYT: b"n2", JHU: b"j2"}, "2020-10-01": {NYT: b"n1"}}.items():
        (tmp_path / day).mkdir()
        for name, data in files.items():
            (tmp_path / day / name).write_bytes(data)
    assert read(tmp_path) == [
        ("2020-10-01T17:00:00Z", {"nyt": b"n1"}),
        ("2020-10-02T17:00:00Z", {"nyt": b"n2", "jhu": b"j2"}),
    ]


def test_each_commit_that_touches_a_feed_is_a_version_of_all_feeds(repository: Repository) -> None:
    repository.commit("2020-10-01T05:00:00Z", {NYT: b"n1", "README": b"x"})
    repository.commit("2020-10-01T06:00:00Z", {f"data/{JHU}": b"j1"})
    repository.commit("2020-10-01T07:00:00Z", {"README": b"y"})
    repository.commit("2020-10-02T05:00:00+02:00", {NYT: b"n2", f"data/{JHU}": b"j2"})
    assert read(repository.folder) == [
        ("2020-10-01T05:00:00Z", {"nyt": b"n1"}),
        ("2020-10-01T06:00:00Z", {"nyt": b"n1", "jhu": b"j1"}),
        ("2020-10-02T03:00:00Z", {"nyt": b"n2", "jhu": b"j2"}),
    ]


def test_a_branch_counts_from_its_merge_with_what_the_merge_made_of_it(repository: Repository) -> None:
    repository.commit("2020-10-01T05:00:00Z", {NYT: b"n1", JHU: b"j1"})
    repository.git("checkout", "--quiet", "-b", "side")
    repository.commit("2020-10-02T05:00:00Z", {NYT: b"side"})
    repository.git("checkout", "--quiet", "main")
    repository.commit("2020-10-03T05:00:00Z", {JHU: b"j2"})
    repository.git("merge", "--quiet", "--no-ff", "--message=m", "side", time="2020-10-04T05:00:00Z")
    assert read(repository.folder) == [
        ("2020-10-01T05:00:00Z", {"nyt": b"n1", "jhu": b"j1"}),
        ("2020-10-03T05:00:00Z", {"nyt": b"n1", "jhu": b"j2"}),
        ("2020-10-04T05:00:00Z", {"nyt": b"side", "jhu": b"j2"}),
    ]


def test_a_commit_that_is_dated_before_the_one_it_follows_counts_from_the_same_time(repository: Repository) -> None:
    repository.commit("2020-10-02T05:00:00Z", {NYT: b"n1", JHU: b"j1"})
    repository.commit("2020-10-01T05:00:00Z", {NYT: b"n2"})
    assert read(repository.folder) == [("2020-10-02T05:00:00Z", {"nyt": b"n2", "jhu": b"j1"})]


def test_a_file_that_was_taken_away_is_not_there(repository: Repository) -> None:
    repository.commit("2020-10-01T05:00:00Z", {NYT: b"n1", JHU: b"j1"})
    repository.commit("2020-10-02T05:00:00Z", {NYT: None})
    assert read(repository.folder)[-1] == ("2020-10-02T05:00:00Z", {"jhu": b"j1"})


def test_feeds_of_two_repositories_are_interleaved_and_until_ends_them(tmp_path: Path) -> None:
    one, other = Repository(tmp_path / "one"), Repository(tmp_path / "other")
    one.commit("2020-10-01T05:00:00Z", {NYT: b"n1"})
    one.commit("2020-10-03T05:00:00Z", {NYT: b"n2"})
    other.commit("2020-10-02T05:00:00Z", {"x/y.csv": b"j1"})
    other.commit("2020-10-04T05:00:00Z", {"x/y.csv": b"j2"})
    assert read(one.folder, other.folder, jhu="x/y.csv", nyt=NYT, until="2020-10-04T00:00:00Z") == [
        ("2020-10-01T05:00:00Z", {"nyt": b"n1"}),
        ("2020-10-02T05:00:00Z", {"nyt": b"n1", "jhu": b"j1"}),
        ("2020-10-03T05:00:00Z", {"nyt": b"n2", "jhu": b"j1"}),
    ]


def test_what_cannot_be_read_is_named(repository: Repository, tmp_path: Path) -> None:
    repository.commit("2020-10-01T05:00:00Z", {f"a/{NYT}": b"n", f"b/{NYT}": b"n"})
    with pytest.raises(CommandFailed, match=r"has us.csv at a/us.csv, b/us.csv; PATHS=FEED=PATH says which"):
        read(repository.folder)
    with pytest.raises(CommandFailed, match="no history of jhu"):
        read(repository.folder, nyt=f"a/{NYT}")
    with pytest.raises(CommandFailed, match="PATHS names \\['x'\\]; the feeds of us-covid are"):
        read(repository.folder, x="y")
    with pytest.raises(CommandFailed, match="UNTIL: 'soon' is not a time"):
        read(repository.folder, nyt=f"a/{NYT}", until="soon")
    with pytest.raises(CommandFailed, match="is not a folder"):
        read(tmp_path / "nowhere")
