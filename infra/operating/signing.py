"""How a command says who gives it: on AWS by a signed request to STS, in a local cloud by a name."""

from collections.abc import Mapping
from typing import Any

from infra.deploying.deployed import Stage
from infra.errors import CommandFailed
from shared.operator_identity import HEADER, QUERY, UNVERIFIED, command_header, sts_host

_SECONDS = 300
"""How long a signature is good; a command that is repeated is signed anew."""


def with_identity(event: Mapping[str, str], *, stage: Stage) -> dict[str, str]:
    """The command with what names its giver. Raises CommandFailed where there are no credentials."""
    if stage.endpoint:
        return {**event, "by": stage.caller}
    session = stage.cloud.session
    return {**event, "signed": signed_request(event, stage=stage.name, session=session)}


def recorded_name(stage: Stage) -> str:
    """Whom the ledger will name."""
    return stage.caller + (UNVERIFIED if stage.endpoint else "")


def signed_request(event: Mapping[str, str], *, stage: str, session: Any) -> str:
    """The address of a request to the region's STS, good for this command for minutes; `session` is boto3's."""
    from botocore.auth import SigV4QueryAuth  # deferred: `--help` need not take the time
    from botocore.awsrequest import AWSRequest

    credentials = session.get_credentials()
    if credentials is None:
        raise CommandFailed("there are no AWS credentials to sign the command with")
    headers = {HEADER: command_header(event, stage=stage)}
    request = AWSRequest("GET", f"https://{sts_host(session.region_name)}/", headers=headers, params=dict(QUERY))
    SigV4QueryAuth(credentials.get_frozen_credentials(), "sts", session.region_name, _SECONDS).add_auth(request)
    return str(request.url)
