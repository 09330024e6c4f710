"""The services' `app.py`, each loaded by path: their module names are all the same."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]


def load_app(service: str) -> ModuleType:
    """A fresh copy of a service's app module, which reads the environment as it is now."""
    spec = importlib.util.spec_from_file_location(f"{service}_app", ROOT / service / "app.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def modules_of(service: str, *, environment: Mapping[str, str]) -> frozenset[str]:
    """The top-level names of all modules that are there once a fresh interpreter has imported the app."""
    code = "import app, json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT / service}{os.pathsep}{ROOT}", **environment},
        check=True,
        capture_output=True,
        text=True,
    )
    return frozenset(json.loads(found.stdout))


HEAVY = frozenset({"boto3", "s3transfer", "aws_xray_sdk", "pandas", "numpy", "plotly", "requests", "asyncio", "jinja2"})
"""Packages that cost a cold start more than a handler's own code does."""
