"""What is vendored: locked, fitting, pruned, byte-compiled the same way every time."""

import importlib.util
import re
import struct
import sys
from pathlib import Path

import pytest

from infra.packaging.vendoring import IN_THE_RUNTIME, PackagingFailed, check_fit, compile_to_byte_code, prune
from infra.services import ROOT, SERVICES

LOCKS = ROOT / "infra" / "locks"


def library(*, machine: int = 62, needs: bytes = b"GLIBC_2.17") -> bytes:
    """The beginning of an ELF file: class, byte order and the machine at offset 18."""
    return b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 3, machine) + b"\0libc.so.6\0" + needs + b"\0"


def test_a_library_for_the_glibc_of_lambda_fits(tmp_path: Path) -> None:
    (tmp_path / "fine.so").write_bytes(library(needs=b"GLIBC_2.34"))
    check_fit(tmp_path)


def test_a_library_that_needs_a_newer_glibc_fails_by_name(tmp_path: Path) -> None:
    (tmp_path / "new.so").write_bytes(library(needs=b"GLIBC_2.17\0GLIBC_2.38"))
    with pytest.raises(PackagingFailed, match=r"new\.so needs glibc 2\.38; Lambda has 2\.34"):
        check_fit(tmp_path)


def test_a_library_for_another_processor_fails_by_name(tmp_path: Path) -> None:
    (tmp_path / "arm.so").write_bytes(library(machine=183))
    with pytest.raises(PackagingFailed, match=r"arm\.so is not for Linux on x86-64"):
        check_fit(tmp_path)


def test_pruning_leaves_modules_and_licences(tmp_path: Path) -> None:
    kept = ["lib/__init__.py", "lib/data.json", "lib-1.dist-info/METADATA", "lib-1.dist-info/licenses/LICENSE"]
    pruned = ["lib/tests/test_it.py", "lib/fast.pyx", "lib/__init__.pyi", "lib-1.dist-info/RECORD", "bin/tool"]
    for name in kept + pruned:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    prune(tmp_path)
    assert sorted(kept) == sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())


def test_byte_code_is_unchecked_and_the_same_each_time(tmp_path: Path) -> None:
    source = 'WORDS = ["one", "two"]\n\n\ndef has(word):\n    return word in {"six", "seven", "eight"}\n'
    compiled = []
    for folder in (tmp_path / "first", tmp_path / "second"):
        folder.mkdir()
        (folder / "words.py").write_text(source)
        compile_to_byte_code(folder)
        compiled.append(Path(importlib.util.cache_from_source(str(folder / "words.py"))).read_bytes())
    assert compiled[0] == compiled[1]
    assert compiled[0][:8] == importlib.util.MAGIC_NUMBER + b"\x01\0\0\0", "hash-based, and not checked at import"
    assert b"/var/task/words.py" in compiled[0], "tracebacks name the file as it is in Lambda"


@pytest.mark.parametrize("lock", sorted(path.stem for path in LOCKS.glob("*.txt")))
def test_every_locked_package_has_a_hash_and_no_lock_names_a_host(lock: str) -> None:
    text = (LOCKS / f"{lock}.txt").read_text()
    entries = re.split(r"\n(?=\S)", text.strip())
    assert [entry.split("\n")[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert re.search(r"https?://|--index-url|--find-links", text) is None


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_lock_holds_what_the_service_requires(service: str) -> None:
    required = re.findall(r"^([A-Za-z0-9_.-]+)", (ROOT / service / "requirements.txt").read_text(), re.MULTILINE)
    locked = re.findall(r"^([A-Za-z0-9_.-]+)==", (LOCKS / f"{service}.txt").read_text(), re.MULTILINE)
    assert [name for name in required if name not in locked] == []


def test_the_local_cloud_offers_functions_what_lambda_offers_them() -> None:
    locked = re.findall(r"^([A-Za-z0-9_.-]+)==", (LOCKS / "ministack.txt").read_text(), re.MULTILINE)
    assert [name for name in sorted(IN_THE_RUNTIME) if name not in locked] == []
    assert [name for name in ("aws-xray-sdk", "numpy", "pandas", "chalice") if name in locked] == []


def test_this_interpreter_is_of_a_line_that_lambda_has() -> None:
    assert sys.version_info >= (3, 12)
