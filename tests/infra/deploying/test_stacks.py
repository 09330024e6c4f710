"""One stack by change set, under CloudFormation's rules: names are unique, a first failure leaves a stack in review."""

from typing import Any

import pytest

from infra.deploying import stacks
from tests.infra.deploying.change_sets import CloudFormation, cloud_with

TEMPLATE = "Parameters: {Stage: {Type: String}, Emails: {Type: String, Default: ''}, New: {Type: String, Default: ''}}"


def apply(cloudformation: CloudFormation, **parameters: str) -> bool:
    cloud = cloud_with(cloudformation)
    return stacks.apply("covid-stats-x-api", TEMPLATE, given=parameters, stage="x", cloud=cloud)


def given(change_set: dict[str, Any]) -> dict[str, str | bool]:
    """Parameter -> its value; True where it keeps the one it has."""
    return {it["ParameterKey"]: it.get("ParameterValue", True) for it in change_set["Parameters"]}


def test_a_first_change_set_that_failed_is_not_in_the_way_of_the_next() -> None:
    cloudformation = CloudFormation()
    cloudformation.refuse = "Template error"
    for _ in range(2):
        with pytest.raises(stacks.DeploymentFailed, match="Template error"):
            apply(cloudformation, Stage="x")
    assert (cloudformation.status, cloudformation.sets) == ("REVIEW_IN_PROGRESS", {})
    cloudformation.refuse = ""
    assert apply(cloudformation, Stage="x") is True
    assert cloudformation.status == "CREATE_COMPLETE"


def test_a_change_set_that_an_interrupted_deployment_left_is_not_in_the_way() -> None:
    cloudformation = CloudFormation(status="REVIEW_IN_PROGRESS")
    cloudformation.sets["deploy"] = {"type": "CREATE", "refused": "", "Parameters": []}
    assert apply(cloudformation, Stage="x") is True
    assert [it["type"] for it in cloudformation.executed] == ["CREATE"]


def test_a_stack_whose_creation_was_rolled_back_is_made_anew() -> None:
    cloudformation = CloudFormation(status="ROLLBACK_COMPLETE")
    assert apply(cloudformation, Stage="x") is True
    assert (cloudformation.deleted, cloudformation.status) == (1, "CREATE_COMPLETE")


def test_a_parameter_that_is_not_given_keeps_its_value() -> None:
    cloudformation = CloudFormation(status="CREATE_COMPLETE", parameters={"Stage": "x", "Emails": "a@example.org"})
    apply(cloudformation, Stage="x")
    assert given(cloudformation.executed[0]) == {"Stage": "x", "Emails": True}
    apply(cloudformation, Stage="x", Emails="")
    assert given(cloudformation.executed[1]) == {"Stage": "x", "Emails": ""}


def test_a_parameter_that_the_template_no_longer_has_is_not_kept() -> None:
    cloudformation = CloudFormation(status="UPDATE_COMPLETE", parameters={"Stage": "x", "Old": "1"})
    apply(cloudformation, Stage="x")
    assert given(cloudformation.executed[0]) == {"Stage": "x"}


def test_an_account_that_cloudfront_does_not_serve_is_advised_to_go_without() -> None:
    cloudformation = CloudFormation()
    cloudformation.fails_with = "Access denied: Your account must be verified before you can add CloudFront resources"
    with pytest.raises(stacks.DeploymentFailed, match='Edge = "no"'):
        apply(cloudformation, Stage="x")
