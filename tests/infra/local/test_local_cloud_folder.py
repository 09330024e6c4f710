import sys
import tempfile
from pathlib import Path

import pytest

from infra.local.local_cloud import LocalCloud, find_memory


def test_a_cloud_lies_where_tmpdir_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/somewhere")
    assert find_memory() is None


def test_without_a_file_system_in_memory_it_lies_on_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)
    assert find_memory(str(tmp_path / "none")) is None


def test_nothing_is_left_where_not_even_the_warden_starts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    cloud = LocalCloud(python=Path(sys.executable))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    with pytest.raises(FileNotFoundError):
        cloud.start()
    assert list(tmp_path.iterdir()) == []
