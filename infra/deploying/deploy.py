"""Deploy a stage, or one service of it: build, upload, change set. The same on AWS and on the local cloud."""

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from infra.deploying import stacks
from infra.deploying.cloud import Cloud
from infra.deploying.stage import check_stage, find_names, find_published, read_choices
from infra.deploying.templates import load_template
from infra.packaging.build import BUILD, CODE, Built, build
from infra.services import EXTRAS, ROOT, SERVICES, find_service, foundation_stack
from shared.datasets import DEFAULT

_AFTER_THE_API = "notifier"
"""Its mails link to the dashboard: it is built when the api's address is known."""

_PARAMETERS_OF_EXTRAS = {
    "DataBucket": "BUCKET",
    "ArtefactBucket": "ARTEFACTS",
    "Url": "DASHBOARD_URL",
    "ChangesStreamArn": "CHANGES_STREAM_ARN",
    "OperatorsTopicArn": "OPERATORS_TOPIC_ARN",
}
"""Parameter of an extra's template -> the stage's name that it takes."""

type Report = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """What a deployment did."""

    stage: str
    names: Mapping[str, str]
    """The stage's names, by setting: `BUCKET`, `RUNS_TABLE`, `TOPIC_ARN`, `DASHBOARD_URL` and so on."""
    changed: tuple[str, ...]
    """Stacks that were created, updated or removed (`foundation`, services, extras); the others had nothing to do."""


def deploy(
    stage: str,
    *,
    endpoint: str = "",
    cloud: Cloud | None = None,
    services: Sequence[str] | None = None,
    settings: Mapping[str, str] | None = None,
    parameters: Mapping[str, str] | None = None,
    out: Path = BUILD,
    root: Path = ROOT,
    report: Report = print,
) -> Deployed:
    """Deploy the foundation, all services and the extras, or only the `services` named (`foundation` and extras too).

    To AWS, to a local cloud's `endpoint`, or to a `cloud` with rights of its own. A whole deployment removes an extra
    that is not wanted any more.

    `settings` (environment variables) and `parameters` (of the templates) go before those in the stage's file.
    Raises PackagingFailed, DeploymentFailed (that stack alone was rolled back), CommandFailed for a service alone on a
    stage that has no foundation.
    """
    check_stage(stage)
    cloud = cloud or (Cloud.local(endpoint) if endpoint else Cloud.aws())
    choices = read_choices(stage)
    given = dict(choices.settings) | dict(settings or {})
    deployment = _Deployment(
        stage=stage,
        cloud=cloud,
        parameters=dict(choices.parameters) | dict(parameters or {}) | {"Stage": stage, "Cloud": cloud.kind},
        dataset=given.pop("DATASET", DEFAULT),
        settings=given,
        out=out,
        root=root,
        report=report,
    )
    wanted = ["foundation", *SERVICES, *EXTRAS] if services is None else list(services)
    changed = list(deployment.foundation()) if "foundation" in wanted else []
    changed += deployment.services([name for name in wanted if name != "foundation" and name not in EXTRAS])
    changed += deployment.extras([name for name in wanted if name in EXTRAS])
    return Deployed(stage=stage, names=deployment.names(), changed=tuple(changed))


@dataclass(frozen=True, kw_only=True)
class _Deployment:
    """One deployment under way. Its steps give the names of the stacks that they changed."""

    stage: str
    cloud: Cloud
    parameters: Mapping[str, str]
    """For every template; each is passed those that it declares."""
    dataset: str
    settings: Mapping[str, str]
    out: Path
    root: Path
    report: Report

    def names(self) -> dict[str, str]:
        """The stage's names as they are now. Raises CommandFailed where there is no foundation."""
        return find_names(self.stage, cloud=self.cloud, dataset=self.dataset)

    def foundation(self) -> Iterator[str]:
        template = (self.root / "infra" / "foundation.yaml").read_text()
        if self._apply("foundation", foundation_stack(self.stage), template):
            yield "foundation"

    def services(self, wanted: Sequence[str]) -> Iterator[str]:
        """Built two at a time, deployed in order."""
        ordered = sorted((find_service(name) for name in wanted), key=list(SERVICES.values()).index)
        names = self.names()
        from_foundation = {"OperatorsTopicArn": names["OPERATORS_TOPIC_ARN"], "LocalEndpoint": self.cloud.endpoint}
        with ThreadPoolExecutor(2) as pool:
            early = {it.name: pool.submit(self._build, it.name) for it in ordered if it.name != _AFTER_THE_API}
            for service in ordered:
                built = early[service.name].result() if service.name in early else self._build(service.name)
                template = self._with_code(built, bucket=names["ARTEFACTS"])
                if self._apply(service.name, service.stack(self.stage), template, from_foundation):
                    yield service.name

    def extras(self, wanted: Sequence[str]) -> Iterator[str]:
        """Those that are switched on are deployed, the others removed."""
        published = find_published(self.stage, cloud=self.cloud)
        known = {parameter: published.get(name, "") for parameter, name in _PARAMETERS_OF_EXTRAS.items()}
        for extra in (EXTRAS[name] for name in wanted):
            if extra.is_wanted(self.parameters):
                template = (self.root / "infra" / f"{extra.name}.yaml").read_text()
                done = self._apply(extra.name, extra.stack(self.stage), template, known)
            else:
                done = stacks.delete(extra.stack(self.stage), cloud=self.cloud)
            if done:
                yield extra.name

    def _build(self, service: str) -> Built:
        names = self.names()
        places = {"out": self.out, "root": self.root}
        return build(service, stage=self.stage, names=names, settings=self.settings, report=self.report, **places)

    def _with_code(self, built: Built, *, bucket: str) -> str:
        """Upload the package, unless it is there; the template with its address."""
        key = f"packages/{built.service}-{built.digest[:32]}.zip"
        client = self.cloud.client("s3")
        listed = client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
        if not listed.get("Contents"):
            client.upload_file(str(built.package), bucket, key)
        return built.template.read_text().replace(CODE, f"s3://{bucket}/{key}")

    def _apply(self, what: str, stack: str, template: str, more: Mapping[str, str] | None = None) -> bool:
        known = dict(self.parameters) | dict(more or {})
        declared = load_template(template).get("Parameters", {})
        published = find_published(self.stage, cloud=self.cloud)
        began = time.monotonic()
        done = stacks.apply(
            stack,
            template,
            parameters={name: value for name, value in known.items() if name in declared},
            stage=self.stage,
            cloud=self.cloud,
            bucket=published.get("ARTEFACTS", ""),
            role=published.get("CLOUDFORMATION_ROLE", ""),
        )
        self.report(f"{what}: deployed in {time.monotonic() - began:.1f} s" if done else f"{what}: nothing to do")
        return done


def main(arguments: list[str]) -> int:
    """Deploy a stage to the AWS account of the environment's credentials."""
    parser = argparse.ArgumentParser(prog="python -m infra deploy", description=main.__doc__)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--service", action="append", choices=["foundation", *SERVICES, *EXTRAS], help="this one alone")
    parser.add_argument("--endpoint", default="", help="a local cloud's address, instead of AWS")
    args = parser.parse_args(arguments)
    done = deploy(args.stage, endpoint=args.endpoint, services=args.service)
    print(f"stage {done.stage}: {', '.join(done.changed) or 'nothing'} changed; {done.names['DASHBOARD_URL']}")
    return 0
