"""AWS clients: low-level, made once, on first use.

botocore's session is used rather than boto3's: boto3 adds resources and s3transfer that no handler uses, and a
third to a cold start. Parameter validation is off: it costs more than the calls it guards, and every
call is exercised by a test. Of botocore's data only what is needed is read: that halves the first client's cost.
"""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.loaders import JSONFileLoader, Loader

from shared.aws_calls import CallRecorder

SERVICES = ("cloudfront", "dynamodb", "events", "glue", "s3", "sns")
"""The services that handlers call."""

ENDPOINTS = Path(__file__).with_name("endpoints.json")
"""botocore's list of endpoints with these services alone; the build makes it, and it may be missing."""

_CONFIG = Config(
    parameter_validation=False,
    connect_timeout=3,
    read_timeout=20,
    retries={"mode": "standard", "max_attempts": 4},
    max_pool_connections=16,
)


_ONCE = Config(retries={"total_max_attempts": 1})
"""A mail whose answer is lost may be out: it is for the notifier to decide whether to publish it again."""


_ADDRESSES = Config(signature_version="s3v4")
"""Addresses that S3 gives a file by are signed as requests are: botocore would sign them the old way."""


class _Files(JSONFileLoader):  # type: ignore[misc]
    """botocore's own list of endpoints is a megabyte of JSON: a tenth of a cold start."""

    def load_file(self, file_path: str) -> Any:
        ours = Path(file_path).name == "endpoints" and super().load_file(str(ENDPOINTS.with_suffix("")))
        return ours or super().load_file(file_path)


class _Data(Loader):  # type: ignore[misc]
    """botocore would look into four hundred folders to find out which services there are."""

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002  # botocore's signature
        return list(SERVICES)


def endpoints_of_services(endpoints: Mapping[str, Any]) -> dict[str, Any]:
    """What ENDPOINTS holds: all partitions, and of their services those that handlers call."""
    partitions = [
        partition | {"services": {name: its for name, its in partition["services"].items() if name in SERVICES}}
        for partition in endpoints["partitions"]
    ]
    return {**endpoints, "partitions": partitions}


@functools.cache
def _session() -> Any:
    session = botocore.session.get_session()
    session.register_component("data_loader", _Data(file_loader=_Files()))
    CallRecorder().listen(session)
    return session


@functools.cache
def client(service: str) -> Any:
    """The one client of this process for one of SERVICES."""
    own = {"sns": _ONCE, "s3": _ADDRESSES}.get(service)
    return _session().create_client(service, config=_CONFIG.merge(own) if own else _CONFIG)
