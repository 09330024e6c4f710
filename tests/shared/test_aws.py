"""The clients that handlers work with: made of botocore's data, but not of all of it."""

import ast
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.loaders import Loader

from shared import aws

ROOT = Path(__file__).parents[2]
REGIONS = ("us-east-1", "eu-central-1", "ap-south-2", "cn-north-1", "us-gov-west-1", "eu-isoe-west-1", "eu-made-up-9")


class Trimmed(Loader):  # type: ignore[misc]
    """botocore's data with the list of endpoints that the build makes."""

    def load_data_with_path(self, name: str) -> tuple[Any, str]:
        data, path = super().load_data_with_path(name)
        return (aws.endpoints_of_services(data) if name == "endpoints" else data), path


def called(path: Path) -> set[str]:
    """The services for which a file asks for a client."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    named = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "client"]
    return {str(argument.value) for call in named for argument in call.args if isinstance(argument, ast.Constant)}


def test_the_services_are_those_that_the_composition_roots_ask_for() -> None:
    apps = [ROOT / service / "app.py" for service in ("fetcher", "merger", "notifier", "api")]
    assert {name for path in apps for name in called(path)} == set(aws.SERVICES)


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("service", aws.SERVICES)
def test_the_shorter_list_of_endpoints_leads_to_the_same_address_and_signature(service: str, region: str) -> None:
    def made(session: Any) -> dict[str, Any]:
        client = session.create_client(service, region, aws_access_key_id="a", aws_secret_access_key="b")
        url = client.generate_presigned_url if service == "s3" else None
        signer = client._request_signer
        return {
            "endpoint": client.meta.endpoint_url,
            "region": client.meta.region_name,
            "partition": client.meta.partition,
            "signed as": (signer.signing_name, signer.region_name, signer.signature_version),
            "signed for": url("get_object", Params={"Bucket": "b", "Key": "k"}).partition("?")[0] if url else "",
        }

    plain, trimmed = botocore.session.Session(), botocore.session.Session()
    trimmed.register_component("data_loader", Trimmed())
    assert made(plain) == made(trimmed)


def test_the_list_is_less_than_a_twentieth_of_the_whole() -> None:
    whole = Loader().load_data("endpoints")
    assert len(repr(aws.endpoints_of_services(whole))) * 20 < len(repr(whole))


def test_a_client_is_made_once() -> None:
    assert aws.client("s3") is aws.client("s3")
