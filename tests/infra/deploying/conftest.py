"""One local cloud for all tests of this folder, with IAM enforced: functions have the rights of their roles alone."""

from collections.abc import Iterator

import pytest

from infra.local.local_cloud import LocalCloud, ministack_python
from infra.local.local_system import deployed_chain
from tests.cloud.stage_days import Days
from tests.infra.deploying.direct_calls import DirectCalls
from tests.infra.deploying.rights import Rights


@pytest.fixture(scope="session")
def guarded() -> Iterator[LocalCloud]:
    if not ministack_python().exists():
        pytest.skip(f"the local cloud's environment is not there: {ministack_python()}")
    with LocalCloud(auth=True) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def calls(guarded: LocalCloud) -> Iterator[DirectCalls]:
    """A stage with a first load whose events reach nobody any more."""
    with deployed_chain("duties", cloud=guarded, settings={}, report=lambda _: None) as chain:
        days = Days()
        done = chain.carry(days.first_load())
        assert done.problem == ""
        chain.await_views()
        calls = DirectCalls(chain, days)
        calls.silence()
        yield calls


@pytest.fixture(scope="session")
def rights(calls: DirectCalls) -> Rights:
    return Rights(calls.stage)
