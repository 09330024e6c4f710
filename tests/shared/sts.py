"""An STS in memory: it answers GetCallerIdentity as AWS does, and no request whose signature is another's."""

import json
from typing import Any
from urllib.parse import parse_qs

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from chalicelib.runs.caller_identity import SignedRequest, StsResponse


class FakeSts:
    """Knows one user, and records what was asked of it."""

    def __init__(self, *, credentials: Credentials, arn: str, region: str) -> None:
        self._credentials, self._arn, self._region = credentials, arn, region
        self.requests = list[SignedRequest]()

    def __call__(self, request: SignedRequest) -> StsResponse:
        self.requests.append(request)
        if not self._is_signed(request):
            return _reply(403, {"Error": {"Code": "SignatureDoesNotMatch", "Message": "...", "Type": "Sender"}})
        result = {"Account": "123456789012", "Arn": self._arn, "UserId": "AIDA"}
        return _reply(200, {"GetCallerIdentityResponse": {"GetCallerIdentityResult": result}})

    def _is_signed(self, request: SignedRequest) -> bool:
        """Whether the signature is that of this request by the one user."""
        target, _, signature = request.target.rpartition("&X-Amz-Signature=")
        values = parse_qs(target.partition("?")[2])
        names = values["X-Amz-SignedHeaders"][0].split(";")
        headers = {name: value for name, value in request.headers.items() if name in names}
        again = AWSRequest("GET", f"https://{request.host}{target}", headers=headers)
        again.context["timestamp"] = values["X-Amz-Date"][0]
        auth = SigV4QueryAuth(self._credentials, "sts", self._region)
        text = auth.string_to_sign(again, auth.canonical_request(again))
        return bool(auth.signature(text, again) == signature)


def _reply(status: int, answer: Any) -> StsResponse:
    return StsResponse(status=status, body=json.dumps(answer).encode())
