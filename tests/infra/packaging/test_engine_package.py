"""The engine's code is a package that stands by itself, and is in no function's."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path

from infra.packaging.engine_package import engine_code


def test_the_same_sources_give_the_same_bytes_and_keys() -> None:
    one, other = engine_code("us-covid"), engine_code("us-covid")
    assert (one.code, one.code_key, one.script_key) == (other.code, other.code_key, other.script_key)
    assert engine_code("us-covid,us-states").code_key != one.code_key


def test_the_job_and_the_datasets_of_the_stage_are_in_it_and_nothing_of_other_parties() -> None:
    names = zipfile.ZipFile(io.BytesIO(engine_code("us-covid").code)).namelist()
    assert {name.split("/")[0] for name in names} == {"chalicelib", "shared", "spark_job"}
    assert "shared/datasets/compiled.py" in names
    assert names == sorted(names)


def test_it_imports_by_itself(tmp_path: Path) -> None:
    package = tmp_path / "engine.zip"
    package.write_bytes(engine_code("us-covid").code)
    check = (
        f"import sys; sys.path.insert(0, {str(package)!r});"
        "import spark_job.running, spark_job.app; from shared.datasets import find_dataset;"
        "print(spark_job.running.__file__, find_dataset('us-covid').name)"
    )
    run = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert run.stdout.split() == [f"{package}/spark_job/running.py", "us-covid"]
