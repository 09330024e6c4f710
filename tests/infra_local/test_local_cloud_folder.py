from pathlib import Path

import pytest

from infra.local_cloud import find_memory


def test_a_cloud_lies_where_tmpdir_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/somewhere")
    assert find_memory() is None


def test_without_a_file_system_in_memory_it_lies_on_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)
    assert find_memory(str(tmp_path / "none")) is None
