"""Cold starts and package sizes: a fresh interpreter with the unzipped package on its path, byte code not writable.

Ours is everything up to the end of the first event: the handler's import, its clients, and the event itself with
AWS's answers made up (for the fetcher without the event, which asks upstream). Every handler has a row but the
merger's `operate`, which nobody but an operator at a terminal waits for. The floor is `import boto3` and one
client in the same package; the plain way is its import alone. Seconds are the processor's: what else the machine
does in a cold start of a fifth of a second is not counted.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tests.bench import packages
from tests.bench.measuring import FLOOR, OURS, PLAIN, Figure, Measure, Target, take_turns
from tests.bench.packages import Package

_ROUNDS = 7
_COLD = {
    "cold_api": ("api", "api", "api_get_daily", Target(faster_than_plain=9, times_floor=1.15)),
    "cold_api_refresh": ("api", "refresh", "stream_committed", Target()),
    "cold_fetcher": ("fetcher", "fetcher", "scheduled", Target(faster_than_plain=7, times_floor=1.2)),
    "cold_notifier": ("notifier", "notifier", "stream_committed", Target(faster_than_plain=7, times_floor=1.2)),
    "cold_merger_unchanged": ("merger", "merger", "s3_object_created", Target(faster_than_plain=7, times_floor=1.2)),
    "cold_merger_watch": ("merger", "watch", "scheduled", Target(faster_than_plain=7, times_floor=1.2)),
}
"""Name of the figure -> service, which first event of it (`tests.shared.first_event`), the event, and the target."""
_ZIP = {"zip_fetcher": 3.0, "zip_notifier": 3.0, "zip_merger": 18.0, "zip_api": 45.0}
NAMES = (*_COLD, *_ZIP)

_TESTS = Path(__file__).resolve().parents[1]
_BOTO3 = "import boto3; boto3.client('s3')"
_TIMED = "import time; began = time.process_time()\n{}\nprint(time.process_time() - began)"


def measure(wanted: Iterable[str]) -> Iterator[Figure]:
    """The figures wanted."""
    chosen = set(wanted)
    with tempfile.TemporaryDirectory(prefix="covid-stats-bench-") as folder:
        below = Path(folder)
        services = {name.partition("_")[2].partition("_")[0] for name in chosen}
        ours = {service: packages.ours(service, below=below) for service in sorted(services)}
        plain = {service: _plain(service, below) for service in ours}
        if chosen & set(_COLD):
            runtime = packages.runtime(below=below)
            for name in (name for name in _COLD if name in chosen):
                service, first, event, target = _COLD[name]
                contenders = _contenders(first, event, ours[service], plain[service], runtime)
                yield Figure(name=name, unit="s", rounds=take_turns(contenders, rounds=_ROUNDS), target=target)
        for name in (name for name in _ZIP if name in chosen):
            service = name.partition("_")[2]
            sizes = {OURS: [ours[service].mib], PLAIN: [plain[service].mib]}
            yield Figure(name=name, unit="MiB", rounds=sizes, target=Target(at_most=_ZIP[name]))


def _plain(service: str, below: Path) -> Package:
    kind = "api" if service == "api" else "functions"
    return packages.plain(kind, below=below)


def _contenders(first: str, event: str, ours: Package, plain: Package, runtime: Path) -> Mapping[str, Measure]:
    program = str(_TESTS / "shared" / "first_event.py")
    arguments = [program, first, str(_TESTS / "events" / f"{event}.json")]

    def whole_first_event() -> float:
        response = json.loads(_run(arguments, ours, runtime))
        return float(response["import"] + response["clients"] + response["event"])

    return {
        OURS: whole_first_event,
        PLAIN: lambda: float(_run(["-c", _TIMED.format("import app")], plain, runtime)),
        FLOOR: lambda: float(_run(["-c", _TIMED.format(_BOTO3)], ours, runtime)),
    }


def _run(program: list[str], package: Package, runtime: Path) -> str:
    """The last line that a fresh interpreter prints."""
    environment = {
        "PATH": os.defpath,
        "HOME": str(package.folder),
        "PYTHONPATH": f"{package.folder}{os.pathsep}{runtime}",
        "LAMBDA_TASK_ROOT": str(package.folder),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "2048",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "STAGE": "bench",
        "BUCKET": "covid-stats-test-data",
        "RUNS_TABLE": "runs",
        "OBSERVATIONS_TABLE": "observations",
        "TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:digest",
        "RUNS_STREAM_ARN": "arn:aws:dynamodb:us-east-1:123456789012:table/runs/stream/2020-01-01T00:00:00.000",
    }
    run = subprocess.run(
        [sys.executable, "-P", "-S", "-B", *program],
        cwd=package.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise RuntimeError(f"{' '.join(program)[:200]} in {package.folder.name}:\n{run.stderr}")
    return run.stdout.splitlines()[-1]
