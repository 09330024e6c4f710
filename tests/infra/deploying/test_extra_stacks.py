"""The stacks beside the services: in which order they come and go."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

import pytest

from infra.deploying import deploy
from infra.services import EXTRAS, ROOT


class Account:
    """Remembers what is deployed and deleted, in place of CloudFormation; both extras are there already."""

    def __init__(self) -> None:
        self.done = list[str]()

    def apply(self, stack: str, _text: str, *, given: dict[str, str], **_: Any) -> bool:
        rule = {"operations": f", engine {given.get('Engine', 'no')}"}.get(stack.rpartition("-")[2], "")
        self.done.append(f"{stack}{rule}")
        return True

    def delete(self, stack: str, **_: Any) -> bool:
        self.done.append(f"no {stack}")
        return True


def extras(wanted: list[str], **parameters: str) -> list[str]:
    """What is done to the stacks where the stage has these parameters."""
    account = Account()
    deployment = deploy._Deployment(
        stage="dev",
        cloud=cast("Any", SimpleNamespace(kind="aws", client=lambda _: None)),
        parameters={"Cloud": "aws", **parameters},
        datasets="us-covid",
        settings={},
        out=Path(),
        root=ROOT,
        report=lambda _: None,
    )
    there: dict[str, Any] = {
        "apply": account.apply,
        "delete": account.delete,
        "find_status": lambda *_, **__: "CREATE_COMPLETE",
    }
    with (
        mock.patch.multiple("infra.deploying.stacks", **there),
        mock.patch.multiple("infra.deploying.releases", forget=mock.DEFAULT, record=mock.DEFAULT),
        mock.patch.object(deploy, "find_published", return_value={"ARTEFACTS": "bucket"}),
        mock.patch.object(deploy._Deployment, "_engine_code", return_value={}),
    ):
        list(deployment.extras(wanted))
    return account.done


def test_the_engine_is_there_before_the_light_names_its_alarm() -> None:
    assert extras(list(EXTRAS), Engine="yes") == [
        "covid-stats-dev-engine",
        "covid-stats-dev-operations, engine yes",
        "no covid-stats-dev-analytics",
    ]


@pytest.mark.parametrize("wanted", [list(EXTRAS), ["engine"]])
def test_the_light_lets_go_of_the_alarm_before_the_engine_goes(wanted: list[str]) -> None:
    """CloudWatch deletes no alarm that a rule names."""
    done = extras(wanted, Engine="no")
    assert [it for it in done if "analytics" not in it] == [
        "covid-stats-dev-operations, engine no",
        "no covid-stats-dev-engine",
    ]


def test_without_operations_the_engine_just_goes() -> None:
    assert extras(["engine"], Engine="no", Operations="no") == ["no covid-stats-dev-engine"]
