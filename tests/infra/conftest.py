"""The four services, built once with the names of no account."""

from collections.abc import Mapping
from typing import Any

import pytest

from infra.deploying.templates import load_template
from infra.packaging.build import Built, build, example_names
from infra.services import SERVICES

type Template = Mapping[str, Any]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Built]:
    out, names = tmp_path_factory.mktemp("built"), example_names("dev")
    return {name: build(name, stage="dev", names=names, out=out) for name in SERVICES}


@pytest.fixture(scope="session")
def templates(built: Mapping[str, Built]) -> Mapping[str, Template]:
    """Service -> its template as it is deployed."""
    return {name: load_template(service.template.read_text()) for name, service in built.items()}
