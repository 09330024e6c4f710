"""The notebook does what it says, cell by cell, on a snapshot as the merger writes it."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.services import ROOT

NOTEBOOK = ROOT / "infra" / "notebooks" / "first_look.ipynb"

SNAPSHOT = """series,date,cases,recoveries,run_id
US,2020-03-01,10,,2020-03-08T17:00:00Z
US,2020-03-02,17,,2020-03-08T17:00:00Z
US,2020-03-03,24,1,2020-03-08T17:00:00Z
US,2020-03-04,31,4,2020-03-08T17:00:00Z
US,2020-03-05,38,4,2020-03-08T17:00:00Z
US,2020-03-06,45,9,2020-03-08T17:00:00Z
US,2020-03-07,52,9,2020-03-08T17:00:00Z
US,2020-03-08,66,9,2020-03-09T17:00:00Z
"""


def execute(notebook: Path) -> dict[str, Any]:
    """The names that the code cells leave behind, run in their order."""
    namespace: dict[str, Any] = {}
    for cell in json.loads(notebook.read_text())["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), f"{notebook.name}:{cell['id']}", "exec"), namespace)
    return namespace


def whole(values: Any) -> list[int | None]:
    """Numbers of a trace, None where there is none."""
    return [None if value != value else round(value) for value in values]


def test_the_notebook_draws_what_each_day_added_and_its_mean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = tmp_path / "snapshot.csv"
    snapshot.write_text(SNAPSHOT)
    monkeypatch.setenv("SNAPSHOT", str(snapshot))
    drawn = execute(NOTEBOOK)["figure"]
    assert {trace.name: whole(trace.y) for trace in drawn.data} == {
        "cases": [10, 7, 7, 7, 7, 7, 7, 14],
        "cases, mean of 7 days": [None] * 6 + [7, 8],
        "recoveries": [None, None, None, 3, 0, 5, 0, 0],
        "recoveries, mean of 7 days": [None] * 8,
    }
    assert [str(date)[:10] for date in drawn.data[0].x][::7] == ["2020-03-01", "2020-03-08"]


def test_the_notebook_is_kept_without_output() -> None:
    """Pictures of real numbers have no place in the project, and a diff of them says nothing."""
    notebook = json.loads(NOTEBOOK.read_text())
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert [(cell["outputs"], cell["execution_count"]) for cell in code] == [([], None)] * 3
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
