"""A deployed stage as the commands see it: its ledger, its functions, its logs and its API, on AWS or locally."""

import datetime as dt
import functools
import itertools
import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infra.errors import CommandFailed
from infra.local.day_folders import declared_dataset
from infra.services import SERVICES, find_service
from shared import keys
from shared.dataset import Dataset
from shared.errors import SettingInvalid
from shared.ledger import Ledger
from shared.runs import parse_time
from shared.settings import Place

if TYPE_CHECKING:
    from infra.deploying.cloud import Cloud


class FunctionFailed(CommandFailed):
    """A function answered with an error; the message names the function."""

    def __init__(self, function: str, *, message: str) -> None:
        super().__init__(f"{function}: {message}")
        self.message = message
        """The error's own words."""


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One line that a function printed."""

    service: str
    function: str
    at_ms: int
    """Milliseconds since 1970."""
    text: str


def known_stages(ssm: Any) -> str:
    """The stages of an account and region in words, as far as the caller may list them."""
    from botocore.exceptions import ClientError  # deferred: as boto3 below

    try:
        pages = ssm.get_paginator("get_parameters_by_path").paginate(Path="/covid-stats", Recursive=True)
        found = sorted(
            {it["Name"].split("/")[2] for page in pages for it in page["Parameters"] if it["Name"].endswith("/bucket")}
        )
    except ClientError:
        return "which stages there are may not be listed"
    return f"there are {', '.join(found)}" if found else "there is none"


class Stage:
    """`Stage("prod")` on AWS, with the account and region of the environment; with `endpoint` in a local cloud."""

    def __init__(self, name: str, *, endpoint: str = "", dataset: str = "") -> None:
        self.name = name
        self.named = dataset
        """The dataset that was named; empty where none was."""
        self.endpoint = endpoint
        """Where all AWS services are; empty for AWS itself."""

    def of(self, dataset: str) -> "Stage":
        """The same stage as one of its datasets: whose ledger and views are meant. Empty: the first.

        `dataset` is a name, or the path of the declaration. Raises CommandFailed for a file that declares none.
        """
        name = declared_dataset(dataset).name if dataset.endswith(".toml") else dataset
        return Stage(self.name, endpoint=self.endpoint, dataset=name)

    @functools.cached_property
    def dataset(self) -> Dataset:
        """The one that is meant. Raises CommandFailed, listing what there is, for one that the stage does not have."""
        try:
            return self.place.find(self.named)
        except SettingInvalid as error:
            raise CommandFailed(f"DATASET={self.named}: {error}") from error

    @property
    def each(self) -> "list[Stage]":
        """The stage as each of its datasets: of the one that was named, else of all."""
        return [self] if self.named else [self.of(dataset.name) for dataset in self.place.datasets]

    @property
    def path(self) -> str:
        """Before each of its paths below the API's address: empty where the stage has no other dataset."""
        return f"/{self.dataset.name}" if len(self.place.datasets) > 1 else ""

    @functools.cached_property
    def cloud(self) -> "Cloud":
        from infra.deploying.cloud import (
            Cloud,  # deferred: brings boto3, a fifth of a second that `--help` need not take
        )

        return Cloud.local(self.endpoint) if self.endpoint else Cloud.aws()

    def client(self, service: str) -> Any:
        """The client for an AWS service, made once."""
        return self._functions if service == "lambda" else self.cloud.client(service)

    @functools.cached_property
    def _functions(self) -> Any:
        """A client that invokes a function once for one call, and waits for it as long as a function may take."""
        from botocore.config import Config

        config = Config(read_timeout=905, retries={"total_max_attempts": 1})
        return self.cloud.session.client("lambda", endpoint_url=self.endpoint or None, config=config)

    def now(self) -> dt.datetime:
        """The time by which ages are reckoned: the clock's; locally the newest run's, as days pass there at once."""
        if not self.endpoint:
            return dt.datetime.now(dt.UTC)
        ledgers = [self.of(dataset.name).ledger for dataset in self.place.datasets]
        newest = [run.run_id for ledger in ledgers for run in itertools.islice(ledger.newest_first(page=1), 1)]
        return parse_time(max(newest)) if newest else dt.datetime.now(dt.UTC)

    # --- what it is made of --------------------------------------------------------------------------------------

    @functools.cached_property
    def settings(self) -> Mapping[str, str]:
        """The environment of the merger, which has all the settings of the stage. Raises CommandFailed."""
        function = find_service("merger").function_name("operate", stage=self.name)
        client = self.client("lambda")
        try:
            reply = client.get_function_configuration(FunctionName=function)
        except client.exceptions.ResourceNotFoundException:
            raise CommandFailed(self._not_there(f"there is no function {function}")) from None
        variables: Mapping[str, str] = reply["Environment"]["Variables"]
        return variables

    @functools.cached_property
    def place(self) -> Place:
        """Its datasets, bucket and ledger table. Raises CommandFailed for a dataset that nothing here declares."""
        try:
            return Place.read(self.settings)
        except SettingInvalid as error:
            raise CommandFailed(
                f"stage {self.name} serves a dataset that is not declared in this checkout: {error};"
                " DATASET=path/name.toml gives its declaration"
            ) from error

    @functools.cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.client("dynamodb"), table=self.place.runs_table, dataset=self.dataset.name)

    def parameter(self, name: str) -> str:
        """What the stage publishes under `/covid-stats/{stage}/{name}`."""
        client = self.client("ssm")
        try:
            reply = client.get_parameter(Name=f"/covid-stats/{self.name}/{name}")
        except client.exceptions.ParameterNotFound:
            raise CommandFailed(self._not_there(f"there is no parameter {name}")) from None
        return str(reply["Parameter"]["Value"])

    def _not_there(self, why: str) -> str:
        """What is said of a stage that is not deployed: most often its name is mistyped."""
        where = self.endpoint or f"AWS ({self.cloud.region})"
        return f"STAGE={self.name} is not deployed in {where}: {why}; {known_stages(self.client('ssm'))}"

    @functools.cached_property
    def api_url(self) -> str:
        """The base address of its API, without a slash at the end."""
        return self.parameter("api-url").rstrip("/")

    @functools.cached_property
    def caller(self) -> str:
        """The ARN of whoever runs the command: what the ledger says of approvals."""
        return self.cloud.identity["Arn"]

    # --- what it does --------------------------------------------------------------------------------------------

    def invoke(self, service: str, function: str, event: Mapping[str, Any]) -> Any:
        """The answer of a function. Raises FunctionFailed where it raised."""
        name = find_service(service).function_name(function, stage=self.name)
        reply = self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
        answer = json.loads(reply["Payload"].read() or b"null")
        if "FunctionError" in reply:
            raise FunctionFailed(name, message=str(answer.get("errorMessage") if isinstance(answer, dict) else answer))
        return answer

    def get_table(self, path: str) -> bytes:
        """A JSON array whole: as it is answered, or its pages put together as one answer would be."""
        rows: list[bytes] = []
        target = path
        while target:
            page, following = self._get(target)
            if target == path and not following:
                return page
            rows.append(page.removeprefix(b"[\n").removesuffix(b"\n]\n"))
            target = f"{path.rpartition('/')[0]}/{following}" if following else ""
        return b"[\n" + b",\n".join(rows) + b"\n]\n"

    def get(self, path: str) -> bytes:
        """The bytes that API Gateway answers with. Raises CommandFailed for any status but 200."""
        return self._get(path)[0]

    def _get(self, path: str) -> tuple[bytes, str]:
        """The bytes, and where the next page is, relative to this one."""
        url = f"{self.api_url}{path}"
        # A process of the api may trust the pointer to the views for a second; what was just committed is wanted here.
        request = urllib.request.Request(url, headers={"Cache-Control": "no-cache"})  # noqa: S310  # our own address
        try:
            with _opener(loopback=bool(self.endpoint)).open(request, timeout=30) as reply:
                return bytes(reply.read()), _next_page(reply.headers.get("Link", ""))
        except urllib.error.HTTPError as error:
            body = error.read()[:500].decode(errors="replace")
            raise CommandFailed(f"GET {path}: HTTP {error.code}: {body}") from error
        except OSError as error:
            raise CommandFailed(f"GET {url}: {error}") from error

    def served_run(self) -> str:
        """The run whose views are served; empty before the first."""
        client = self.client("s3")
        try:
            reply = client.get_object(Bucket=self.place.bucket, Key=keys.current_views_key(self.dataset.name))
        except client.exceptions.NoSuchKey:
            return ""
        return str(json.load(reply["Body"])["run_id"])

    def change_set(self, run_id: str) -> bytes:
        """The change set of a committed run, as it is kept."""
        reply = self.client("s3").get_object(
            Bucket=self.place.bucket, Key=keys.change_set_key(self.dataset.name, run_id)
        )
        return bytes(reply["Body"].read())

    def log_lines(self, *, since_ms: int) -> list[LogLine]:
        """What all functions have printed since then, in order of time."""
        lines = [
            line
            for service in SERVICES.values()
            for function in service.functions
            for line in self._printed(service.name, function, since_ms)
        ]
        return sorted(lines, key=lambda line: line.at_ms)

    def _printed(self, service: str, function: str, since_ms: int) -> Iterator[LogLine]:
        group = f"/aws/lambda/{find_service(service).function_name(function, stage=self.name)}"
        client = self.client("logs")
        pages = client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since_ms)
        try:
            for page in pages:
                for event in page["events"]:
                    text = event["message"].rstrip()
                    yield LogLine(service=service, function=function, at_ms=event["timestamp"], text=text)
        except client.exceptions.ResourceNotFoundException:
            return  # it has never run


def _opener(*, loopback: bool) -> urllib.request.OpenerDirector:
    """Loopback is never reached through a proxy, whatever the environment says."""
    return urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if loopback else []))


def problems_in(lines: list[LogLine], *, last: int = 20) -> str:
    """What went wrong according to the logs: the last lines that report an error, or the last of all."""
    own = [line for line in lines if not line.text.startswith(_PLATFORM)]
    reporting = [line for line in own if _reports_an_error(line.text)] or own
    return "\n".join(f"  {line.service}.{line.function}: {_short(line.text)}" for line in reporting[-last:])


_PLATFORM = ("START RequestId:", "END RequestId:", "REPORT RequestId:", "INIT_START ")
"""Lines that Lambda adds around what a function prints."""


def _reports_an_error(text: str) -> bool:
    fields = _fields(text)
    return "error" in fields if fields else "Error" in text or "Traceback" in text or "Task timed out" in text


def _short(text: str) -> str:
    """A line for people: a canonical line without the declaration of its metrics."""
    fields = _fields(text)
    return json.dumps(fields, ensure_ascii=False) if fields else text[:2000]


def _fields(text: str) -> dict[str, Any]:
    """The fields of a canonical line; empty for any other line."""
    try:
        fields = json.loads(text)
    except ValueError:
        return {}
    return {name: value for name, value in fields.items() if name != "_aws"} if isinstance(fields, dict) else {}


def _next_page(link: str) -> str:
    """What a Link header says is next; empty where it says nothing."""
    return link.partition("<")[2].partition(">")[0] if 'rel="next"' in link else ""
