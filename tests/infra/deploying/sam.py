"""The services' templates as CloudFormation gets them: SAM's own translator, run by the local cloud's interpreter."""

import copy
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from infra.local.local_cloud import ministack_python
from infra.packaging.build import CODE

_TRANSLATOR = Path(__file__).with_name("translate_sam.py")

type Template = dict[str, Any]


def translate(wanted: Sequence[tuple[Mapping[str, Any], Mapping[str, str]]]) -> list[Template]:
    """(template, parameters) each -> the translated template. Fails with SAM's words where it refuses one."""
    if not ministack_python().exists():
        pytest.skip(f"the local cloud's environment, which has the SAM translator, is not there: {ministack_python()}")
    sent = [{"template": _with_code(template), "parameters": dict(parameters)} for template, parameters in wanted]
    run = subprocess.run(
        [str(ministack_python()), str(_TRANSLATOR)], input=json.dumps(sent), capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    answers: list[Template] = json.loads(run.stdout)
    assert [it["refused"] for it in answers if "refused" in it] == []
    return answers


def _with_code(template: Mapping[str, Any]) -> Mapping[str, Any]:
    text = json.dumps(copy.deepcopy(template)).replace(CODE, "s3://artefacts/packages/it.zip")
    return dict(json.loads(text))
