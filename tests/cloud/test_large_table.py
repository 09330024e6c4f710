"""A table of a hundred megabytes, as whoever types curl gets it: from the local cloud's S3, whole."""

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.config import Config

from chalicelib.view_store.large_files import PART_BYTES, LargeFiles
from infra.local.local_cloud import REGION, LocalCloud

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("cloud")]

BUCKET = "large-tables"
SIZE = 100_000_000


def pieces() -> Iterator[str]:
    """Blocks of lines, as a whole table is put together of them."""
    yield "date,series,cases,deaths\n"
    block = "".join(f"2020-03-{n % 28 + 1:02},County {n:05}; Côte d'Or,{n * 31},{n}\n" for n in range(20_000))
    for _ in range(SIZE // len(block) + 1):
        yield block


def signing_as_the_api_does(cloud: LocalCloud) -> Any:
    return botocore.session.get_session().create_client(
        "s3",
        region_name=REGION,
        endpoint_url=cloud.endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # the local cloud's
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )


def test_a_table_of_a_hundred_megabytes_is_fetched_whole_by_curl(cloud: LocalCloud, tmp_path: Path) -> None:
    s3 = signing_as_the_api_does(cloud)
    s3.create_bucket(Bucket=BUCKET)
    wanted, size = hashlib.sha256(), 0
    for piece in pieces():
        wanted.update(piece.encode())
        size += len(piece.encode())
    assert size > SIZE > 10 * PART_BYTES
    address = LargeFiles(s3, bucket=BUCKET).address("whole/daily.csv", pieces(), file_name="daily.csv")
    try:
        command = ["curl", "--silent", "--show-error", "--fail", "--output", str(tmp_path / "daily.csv")]
        subprocess.run([*command, address], check=True, timeout=60)
        with (tmp_path / "daily.csv").open("rb") as file:
            assert hashlib.file_digest(file, "sha256").hexdigest() == wanted.hexdigest()
    finally:
        s3.delete_object(Bucket=BUCKET, Key="whole/daily.csv")
