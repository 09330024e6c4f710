"""The table of vintages with a million versions: the whole of it, and a part, asked of the API in the local cloud."""

import contextlib
import itertools
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from infra.deploying.deployed import Stage
from infra.local.local_cloud import LocalCloud
from shared.keys import view_key
from tests.bench import rivals
from tests.bench.measuring import FLOOR, OURS, Figure, Measure, Target, take_turns
from tests.bench.reading import Reader, several
from tests.bench.vintage_data import DATES, RUNS, days_of
from tests.bench.workers import ROOT
from tests.shared.declared import US_COVID

NAMES = ("vintages_whole_1e6", "vintages_part_1e6", "vintages_part_anew_1e6")

_DATES_OF_A_PART = 5


def measure(cloud: LocalCloud, stage: Stage) -> Iterator[Figure]:
    """Puts the large table in the place of that of the run which is served."""
    bucket, run_id = stage.parameter("bucket"), stage.ledger.head().head
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.bench.vintage_data", folder]
        environment = {"PYTHONPATH": ":".join(map(str, [ROOT, ROOT / "api"]))}
        subprocess.run(command, check=True, cwd=ROOT, env=environment)
        for file in Path(folder).iterdir():
            key = view_key(US_COVID.name, run_id, file.name)
            cloud.client("s3").put_object(Bucket=bucket, Key=key, Body=file.read_bytes())
    url = f"{stage.api_url}/vintages"
    yield _whole(cloud, f"{url}?format=csv", bucket=bucket, key=view_key(US_COVID.name, run_id, "vintages.csv.gz"))
    parts = [f"{url}?from={first}&to={last}" for first, last in _parts()]
    with contextlib.ExitStack() as stack:

        def reader(address: str) -> Reader:
            return stack.enter_context(Reader(address))

        size = len(reader(parts[0]).read())
        rival = rivals.constant_api(cloud, bucket=stage.parameter("artefacts"), size=size)
        constant = several(reader(f"{rival}/daily"), 20)
        note = f"{_DATES_OF_A_PART * RUNS:,} of {DATES * RUNS:,} versions, {size / 1000:.1f} kB gzipped"
        taken = take_turns({OURS: several(reader(parts[0]), 20), FLOOR: constant}, rounds=9)
        yield Figure(name="vintages_part_1e6", unit="ms", rounds=taken, target=Target(times_floor=1.3), note=note)
        others = itertools.cycle(parts[1:])
        anew = {OURS: lambda: _milliseconds(reader(next(others)).read), FLOOR: constant}
        yield Figure(
            name="vintages_part_anew_1e6",
            unit="ms",
            rounds=take_turns(anew, rounds=25),
            note=f"the same, another part each time: {note}",
        )


def _whole(cloud: LocalCloud, address: str, *, bucket: str, key: str) -> Figure:
    direct = cloud.client("s3").generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key})

    def read(url: str) -> Callable[[], bytes]:
        def run() -> bytes:
            with urllib.request.urlopen(url, timeout=60) as reply:  # the local cloud's
                body: bytes = reply.read()
                return body

        return run

    contenders: dict[str, Measure] = {
        OURS: lambda: _milliseconds(read(address)),
        FLOOR: lambda: _milliseconds(read(direct)),
    }
    size = len(read(address)()) / 1_000_000
    return Figure(
        name="vintages_whole_1e6",
        unit="ms",
        rounds=take_turns(contenders, rounds=9),
        note=(
            f"{size:.1f} MB of packed CSV: the API is asked, and S3 gives it by the address that it answers with; the"
            " floor is the same without asking"
        ),
    )


def _milliseconds(read: Callable[[], bytes]) -> float:
    began = time.perf_counter()
    read()
    return (time.perf_counter() - began) * 1000


def _parts() -> Iterator[tuple[str, str]]:
    """Far enough from one another that none lies in what was read for the one before."""
    return (days_of(place * 20, dates=_DATES_OF_A_PART) for place in range(DATES // _DATES_OF_A_PART // 20))
