"""CloudFormation's own rules for change sets, as far as a deployment meets them, without a cloud."""

import datetime as dt
from typing import Any

from botocore.exceptions import ClientError

from infra.deploying.cloud import Cloud


class CloudFormation:
    """Stacks and their change sets. `refuse` says why each next change set fails; empty lets it pass."""

    class exceptions:  # noqa: N801  # botocore's name
        ClientError = ClientError

    def __init__(self, *, status: str = "", parameters: dict[str, str] | None = None) -> None:
        self.status = status
        self.parameters = dict(parameters or {})
        self.outputs = dict[str, str]()
        self.refuse = ""
        self.fails_with = ""
        """Why the execution of a change set fails; empty lets it pass."""
        self.sets = dict[str, dict[str, Any]]()
        self.executed = list[dict[str, Any]]()
        self.deleted = 0

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803
        if not self.status:
            raise _error("ValidationError", f"Stack with id {StackName} does not exist")
        shown = [{"ParameterKey": name, "ParameterValue": value} for name, value in self.parameters.items()]
        outputs = [{"OutputKey": name, "OutputValue": value} for name, value in self.outputs.items()]
        return {"Stacks": [{"StackStatus": self.status, "Parameters": shown, "Outputs": outputs}]}

    def create_change_set(self, *, ChangeSetName: str, ChangeSetType: str, **arguments: Any) -> None:  # noqa: N803
        if ChangeSetName in self.sets:
            raise _error("AlreadyExistsException", f"ChangeSet {ChangeSetName} already exists")
        if ChangeSetType == "CREATE" and self.status not in ("", "REVIEW_IN_PROGRESS"):
            raise _error("ValidationError", "Stack already exists and cannot be created again")
        if ChangeSetType == "UPDATE" and self.status in ("", "REVIEW_IN_PROGRESS"):
            raise _error("ValidationError", "Stack does not exist or is in REVIEW_IN_PROGRESS state")
        previous = [it["ParameterKey"] for it in arguments["Parameters"] if it.get("UsePreviousValue")]
        if set(previous) - set(self.parameters):
            raise _error("ValidationError", f"Invalid input for parameter keys {previous}: no previous value")
        self.status = self.status or "REVIEW_IN_PROGRESS"
        self.sets[ChangeSetName] = {"type": ChangeSetType, "refused": self.refuse, **arguments}

    def describe_change_set(self, *, StackName: str, ChangeSetName: str) -> dict[str, Any]:  # noqa: N803
        refused = self.sets[ChangeSetName]["refused"]
        return {"Status": "FAILED" if refused else "CREATE_COMPLETE", "StatusReason": refused}

    def delete_change_set(self, *, StackName: str, ChangeSetName: str) -> None:  # noqa: N803
        self.sets.pop(ChangeSetName, None)

    def execute_change_set(self, *, StackName: str, ChangeSetName: str) -> None:  # noqa: N803
        done = self.sets.pop(ChangeSetName)
        self.sets.clear()  # the others of the stack are deleted by it
        self.executed.append(done)
        if self.fails_with:
            self.status = "ROLLBACK_COMPLETE" if done["type"] == "CREATE" else "UPDATE_ROLLBACK_COMPLETE"
            return
        given = {it["ParameterKey"]: it["ParameterValue"] for it in done["Parameters"] if "ParameterValue" in it}
        self.parameters |= given
        self.status = f"{done['type']}_COMPLETE"

    def delete_stack(self, *, StackName: str) -> None:  # noqa: N803
        self.status, self.deleted = "", self.deleted + 1

    def describe_stack_events(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803
        failed = {"ResourceStatus": "CREATE_FAILED", "LogicalResourceId": "It", "ResourceStatusReason": self.fails_with}
        return {"StackEvents": [failed | {"Timestamp": dt.datetime.now(dt.UTC)}]}


def _error(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Any")


def cloud_with(cloudformation: CloudFormation) -> Cloud:
    """A cloud of which only CloudFormation is there."""

    class One(Cloud):
        def client(self, service: str) -> Any:
            assert service == "cloudformation"
            return cloudformation

    return One(kind="local", session=None)
