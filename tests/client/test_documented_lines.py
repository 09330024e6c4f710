"""The lines for other languages in `infra/docs/vintages.md`, run as they stand there, where the language is at hand."""

import csv
import io
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.services import ROOT
from tests.api.serving import ApiApp, serve_http

AS_WRITTEN = "2020-10-25"
"""The day in the documented lines; here another, as the data are others."""


def line_of(language: str, *, base: str, day: str) -> str:
    page = Path(ROOT, "infra", "docs", "vintages.md").read_text()
    [line] = re.findall(rf"^\| {language} \| `(.*)` \|$", page, re.MULTILINE)
    return str(line).replace("https://…/", base).replace(AS_WRITTEN, day)


def versions(served: ApiApp) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(served.get("/vintages?format=csv").text)))


def test_the_line_for_pandas_reads_the_table(served: ApiApp) -> None:
    pandas = pytest.importorskip("pandas")
    with serve_http(served) as url:
        frame = eval(line_of("pandas", base=url, day=AS_WRITTEN), {"pd": pandas})  # a line of our own page
    assert len(frame) == len(versions(served))
    assert str(frame["known_from"].dtype).startswith("datetime64")
    assert frame["cases"].sum() == sum(int(it["cases"]) for it in versions(served))


def test_the_line_for_duckdb_gives_what_was_known(served: ApiApp, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    file = tmp_path / "vintages"
    file.write_text(served.get("/vintages?format=csv").text)
    line = line_of("DuckDB", base=f"{tmp_path}/", day="2020-03-03").replace("vintages?format=csv", "vintages")
    found = duckdb.connect().execute(line).fetchall()  # from a file: reading addresses is an extension of DuckDB's
    expected = [(it["date"], it["cases"]) for it in served.get("/data?as_of=2020-03-02").json]
    assert sorted((str(date), cases) for date, cases in found) == expected


def test_the_line_for_javascript_gives_what_was_known(served: ApiApp) -> None:
    if (node := shutil.which("node")) is None:
        pytest.skip("node is not installed")
    with serve_http(served) as url:
        line = line_of("JavaScript", base=url, day="2020-03-02")
        script = f"{line}\nconsole.log(JSON.stringify(rows));"
        command = [node, "--input-type=module", "--eval", script]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    found: Any = json.loads(done.stdout)
    assert found == served.get("/data?as_of=2020-03-02").json


def test_the_line_for_r_reads_the_table(served: ApiApp) -> None:
    if (rscript := shutil.which("Rscript")) is None:
        pytest.skip("R is not installed")
    with serve_http(served) as url:
        line = line_of("R", base=url, day=AS_WRITTEN)
        script = f"{line}; cat(nrow(vintages), sum(vintages$cases))"
        done = subprocess.run([rscript, "-e", script], capture_output=True, text=True, check=True, timeout=120)
    documented = versions(served)
    assert done.stdout.split() == [str(len(documented)), str(sum(int(it["cases"]) for it in documented))]
