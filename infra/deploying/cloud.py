"""Where to deploy: an AWS account, or the local cloud. The code is the same, the endpoint is not."""

from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """An account in a region, and the clients for it."""

    kind: str
    """`aws` or `local`: the templates' parameter Cloud."""
    session: Any
    """boto3 session."""
    endpoint: str = ""
    """The local cloud's address, such as `http://127.0.0.1:4566`; empty on AWS."""
    _clients: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def aws(cls) -> "Cloud":
        """The account that the environment's credentials belong to."""
        return cls(kind="aws", session=boto3.session.Session())

    @classmethod
    def local(cls, endpoint: str, *, region: str = "us-east-1") -> "Cloud":
        """A local cloud; its administrator is test/test."""
        administrator = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        session = boto3.session.Session(**administrator, region_name=region)
        return cls(kind="local", session=session, endpoint=endpoint.rstrip("/"))

    @property
    def patience(self) -> float:
        """Seconds between two looks at something that is under way."""
        return 0.02 if self.kind == "local" else 2.0

    @property
    def region(self) -> str:
        return str(self.session.region_name)

    def client(self, service: str) -> Any:
        """The one client for a service."""
        if service not in self._clients:
            here = {"addressing_style": "path"} if self.endpoint else {}
            config = Config(retries={"mode": "standard", "max_attempts": 5}, s3=here)
            self._clients[service] = self.session.client(service, endpoint_url=self.endpoint or None, config=config)
        return self._clients[service]

    @property
    def identity(self) -> dict[str, str]:
        """Who is calling: `Account`, `Arn`."""
        reply = self.client("sts").get_caller_identity()
        return {"Account": reply["Account"], "Arn": reply["Arn"]}
