"""AWS clients: low-level, made once, on first use.

botocore's session is used rather than boto3's: boto3 adds resources and s3transfer that no handler uses, and a
third to a cold start. Parameter validation is off: it costs more than the calls it guards, and every
call is exercised by a test.
"""

import functools
from typing import Any

import botocore.session
from botocore.config import Config

from shared.aws_calls import CallRecorder

_CONFIG = Config(
    parameter_validation=False,
    connect_timeout=3,
    read_timeout=20,
    retries={"mode": "standard", "max_attempts": 4},
    max_pool_connections=16,
)


@functools.cache
def _session() -> Any:
    session = botocore.session.get_session()
    CallRecorder().listen(session)
    return session


@functools.cache
def client(service: str) -> Any:
    """The one client of this process for a service (`s3`, `dynamodb`, `sns`)."""
    return _session().create_client(service, config=_CONFIG)
