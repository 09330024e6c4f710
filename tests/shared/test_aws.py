"""AWS clients."""

from shared.aws import client
from tests.shared.in_memory import Cloud


def test_a_client_is_made_once_for_each_service(cloud: Cloud) -> None:
    assert client("s3") is client("s3")
    assert client("s3") is not client("dynamodb")
