"""One local cloud for all tests of this folder; a stage of it for each module that wants one.

The tests of a module follow one another on its stage, as days do: each takes days that nobody had before.
"""

import io
from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import pytest
from rich.console import Console

from infra.local.chain import Chain
from infra.local.local_cloud import LocalCloud, ministack_python
from infra.local.local_system import deployed_chain
from infra.terminal import Terminal
from tests.cloud.stage_days import Days, Deploy

QUICK = {"FETCH_TIMEOUT_SECONDS": "2", "FETCH_ATTEMPTS": "2"}
"""A feed that hangs is given up after two seconds, not sixty."""


@pytest.fixture(scope="session")
def cloud() -> Iterator[LocalCloud]:
    if not ministack_python().exists():
        pytest.skip(f"the local cloud's environment is not there: {ministack_python()}")
    with LocalCloud(auth=True) as cloud:  # functions have the rights of their roles and no more
        yield cloud


@pytest.fixture(scope="module")
def deploy_chain(cloud: LocalCloud) -> Iterator[Deploy]:
    """`deploy_chain("name", SETTING="value")`: a stage of its own, with a feed server and a mailbox."""
    with ExitStack() as stack:

        def deploy(stage: str, **settings: str) -> Chain:
            chosen: Mapping[str, str] = QUICK | settings
            return stack.enter_context(deployed_chain(stage, cloud=cloud, settings=chosen, report=lambda _: None))

        yield deploy


@pytest.fixture(scope="session")
def steady(cloud: LocalCloud) -> Iterator[Chain]:
    """A stage with a first load, for tests that add days to it."""
    with deployed_chain("steady", cloud=cloud, settings=QUICK, report=lambda _: None) as chain:
        done = chain.carry(Days().first_load())
        assert done.problem == ""
        yield chain


@pytest.fixture(scope="session")
def _days() -> Days:
    return Days()


@pytest.fixture
def days(_days: Days) -> Days:
    """Fresh days for the stage `steady`."""
    return _days


@pytest.fixture
def terminal() -> Terminal:
    return Terminal(Console(file=io.StringIO(), width=100, highlight=False))
