"""Deploy a stage, or one service of it: build, upload, change set. The same on AWS and on the local cloud."""

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.deploying import releases, stacks
from infra.deploying.cloud import Cloud
from infra.deploying.stage import (
    STAGES,
    check_region,
    find_choices,
    find_names,
    find_published,
    keep_choices,
    kept_webhooks,
)
from infra.deploying.stage_names import check_stage
from infra.deploying.templates import VALUES, digests, load_template, parameters_behind
from infra.deploying.webhooks import Webhook
from infra.packaging.build import BUILD, CODE, Built, build
from infra.packaging.engine_package import engine_code
from infra.progress import Report
from infra.services import EXTRAS, ROOT, SERVICES, Service, find_service, foundation_stack
from shared.datasets import DEFAULT, find_datasets

_AFTER_THE_API = "notifier"
"""Its mails link to the dashboard: it is built when the api's address is known."""

_PARAMETERS_OF_EXTRAS = {
    "DataBucket": "BUCKET",
    "ArtefactBucket": "ARTEFACTS",
    "Url": "DASHBOARD_URL",
    "OperatorsTopicArn": "OPERATORS_TOPIC_ARN",
}
"""Parameter of an extra's template -> the stage's name that it takes."""


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
    files: Path = STAGES,
    report: Report = print,
) -> Deployed:
    """Deploy the foundation, all services and the extras, or only the `services` named (`foundation` and extras too).

    To AWS, to a local cloud's `endpoint`, or to a `cloud` with rights of its own. A whole deployment removes an extra
    that is not wanted any more.

    `settings` (environment variables) and `parameters` (of the templates) go before those in the stage's file, which is
    in the folder `files`, or else is what the stage keeps of it. A parameter that neither has keeps its value.
    Raises PackagingFailed, DeploymentFailed (that stack alone was rolled back), CommandFailed for a service alone on a
    stage that has no foundation.
    """
    check_stage(stage)
    cloud = cloud or (Cloud.local(endpoint) if endpoint else Cloud.aws())
    check_region(stage, cloud=cloud)
    choices = find_choices(stage, cloud=cloud, folder=files)
    given = dict(choices.settings) | dict(settings or {})
    datasets = chosen_datasets(settings or {}) or chosen_datasets(choices.settings) or DEFAULT
    deployment = _Deployment(
        stage=stage,
        cloud=cloud,
        parameters=dict(choices.parameters) | dict(parameters or {}) | {"Stage": stage, "Cloud": cloud.kind},
        datasets=datasets,
        settings={name: value for name, value in given.items() if name not in ("DATASET", "DATASETS")},
        out=out,
        root=root,
        report=report,
    )
    wanted = ["foundation", *SERVICES, *EXTRAS] if services is None else list(services)
    changed = list(deployment.foundation()) if "foundation" in wanted else []
    changed += deployment.services([name for name in wanted if name != "foundation" and name not in EXTRAS])
    changed += deployment.extras([name for name in wanted if name in EXTRAS])
    if "notifier" in wanted:  # its stack has what all webhooks need
        changed += deployment.webhooks(choices.webhooks, before=kept_webhooks(stage, cloud=cloud))
    keep_choices(stage, cloud=cloud, folder=files)
    for name in kept_datasets(cloud.client("s3"), deployment.names()):
        report(f"{name}: is none of the stage's datasets (any more); no run of it starts, and its data stay")
    return Deployed(stage=stage, names=deployment.names(), changed=tuple(changed))


@dataclass(frozen=True, kw_only=True)
class _Deployment:
    """One deployment under way. Its steps give the names of the stacks that they changed."""

    stage: str
    cloud: Cloud
    parameters: Mapping[str, str]
    """For every template; each is passed those that it declares."""
    datasets: str
    """Names, or files, with commas between; the first is the one that is meant where none is named."""
    settings: Mapping[str, str]
    out: Path
    root: Path
    report: Report

    def names(self) -> dict[str, str]:
        """The stage's names as they are now. Raises CommandFailed where there is no foundation."""
        return find_names(self.stage, cloud=self.cloud, datasets=self.datasets)

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
                if self._apply_service(service, built, names, from_foundation):
                    yield service.name

    def extras(self, wanted: Sequence[str]) -> Iterator[str]:
        """Those that are switched on are deployed, then the others removed.

        CloudWatch deletes no alarm that a rule names: before the engine goes, the operations let go of its alarm.
        """
        published = find_published(self.stage, cloud=self.cloud)
        known = {parameter: published.get(name, "") for parameter, name in _PARAMETERS_OF_EXTRAS.items()}
        chosen, unwanted = list[str](), list[str]()
        for name in wanted:
            (chosen if EXTRAS[name].is_wanted(self.parameters) else unwanted).append(name)
        unwanted = [it for it in unwanted if stacks.find_status(EXTRAS[it].stack(self.stage), cloud=self.cloud)]
        if "engine" in unwanted and EXTRAS["operations"].is_wanted(self.parameters) and "operations" not in chosen:
            chosen.append("operations")
        for extra in (EXTRAS[name] for name in chosen):
            template = (self.root / "infra" / f"{extra.name}.yaml").read_text()
            more = self._engine_code(published["ARTEFACTS"]) if extra.name == "engine" else {}
            if self._apply(extra.name, extra.stack(self.stage), template, known | more):
                yield extra.name
        for extra in (EXTRAS[name] for name in reversed(unwanted)):
            done = stacks.delete(extra.stack(self.stage), cloud=self.cloud)
            releases.forget(self.cloud.client("s3"), published["ARTEFACTS"], stack=extra.stack(self.stage))
            if done:
                yield extra.name

    def _engine_code(self, bucket: str) -> dict[str, str]:
        """Upload what the distributed engine runs; the parameters that say where."""
        made, client = engine_code(self.datasets, root=self.root), self.cloud.client("s3")
        client.put_object(Bucket=bucket, Key=made.script_key, Body=made.script)
        client.put_object(Bucket=bucket, Key=made.code_key, Body=made.code)
        return {"EngineScript": made.script_key, "EngineCode": made.code_key}

    def webhooks(self, wanted: Sequence[Webhook], *, before: Sequence[Webhook]) -> Iterator[str]:
        """A stack for each; those that are not wanted any more are removed. The local cloud has no such things."""
        if self.cloud.kind == "local":
            return
        names = self.names()
        of_stage = {
            "Role": f"arn:{names['PARTITION']}:iam::{names['ACCOUNT']}:role/covid-stats-{self.stage}-notifier-webhooks",
            "DeadLetters": f"arn:{names['PARTITION']}:sqs:{names['REGION']}:{names['ACCOUNT']}"
            f":covid-stats-{self.stage}-notifier-dead-letters",
        }
        datasets = [dataset.name for dataset in find_datasets(self.datasets)]
        template = (self.root / "infra" / "webhook.yaml").read_text()
        for webhook in wanted:
            given = of_stage | webhook.parameters(datasets=datasets)
            if self._apply(f"webhook {webhook.name}", webhook.stack(self.stage), template, given):
                yield f"webhook {webhook.name}"
        for name in {one.name for one in before} - {one.name for one in wanted}:
            [stack] = [one.stack(self.stage) for one in before if one.name == name]
            releases.forget(self.cloud.client("s3"), names["ARTEFACTS"], stack=stack)
            if stacks.delete(stack, cloud=self.cloud):
                yield f"webhook {name}"

    def _apply_service(
        self, service: Service, built: Built, names: Mapping[str, str], parameters: Mapping[str, str]
    ) -> bool:
        """On AWS the api has its own address as a setting, once there is one; locally every request has it."""
        template = self._with_code(built, bucket=names["ARTEFACTS"])
        done = self._apply(service.name, service.stack(self.stage), template, parameters)
        if service.name == "api" and self.cloud.kind == "aws" and not names["DASHBOARD_URL"]:
            template = self._with_code(self._build("api"), bucket=names["ARTEFACTS"])
            done |= self._apply(service.name, service.stack(self.stage), template, parameters)
        return done

    def _build(self, service: str) -> Built:
        names = self.names() | ({"DASHBOARD_URL": ""} if service == "api" and self.cloud.kind == "local" else {})
        places = {"out": self.out, "root": self.root}
        engine = {"ENGINE": "large"} if EXTRAS["engine"].is_wanted(self.parameters) else {}
        settings = {**engine, **self.settings}
        return build(service, stage=self.stage, names=names, settings=settings, report=self.report, **places)

    def _with_code(self, built: Built, *, bucket: str) -> str:
        """Upload the package, unless it is there; the template with its address."""
        key = f"packages/{built.service}-{built.digest[:32]}.zip"
        client = self.cloud.client("s3")
        listed = client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
        if not listed.get("Contents"):
            client.upload_file(str(built.package), bucket, key)
        return built.template.read_text().replace(CODE, f"s3://{bucket}/{key}")

    def _with_values(self, stack: str, template: str, values: Mapping[str, str]) -> str:
        """The template with the digests of the values that what is deployed by its text alone rests on.

        SAM makes a new deployment of an API when the text of its definition changes, not when a parameter's value does.
        """
        if VALUES not in template:
            return template
        loaded = load_template(template)
        names = set[str]()
        for resource in loaded["Resources"].values():
            if resource["Type"] == "AWS::Serverless::Api":
                names |= parameters_behind(resource["Properties"]["DefinitionBody"], loaded)
        before = stacks.outputs(stack, cloud=self.cloud).get("Values", "")
        return template.replace(VALUES, digests(names, values=values, before=before, defaults=loaded["Parameters"]))

    def _apply(self, what: str, stack: str, template: str, more: Mapping[str, str] | None = None) -> bool:
        known = dict(self.parameters) | dict(more or {})
        declared = load_template(template).get("Parameters", {})
        published = find_published(self.stage, cloud=self.cloud)
        known["PermissionsBoundary"] = published.get("PERMISSIONS_BOUNDARY", "")
        values = {name: value for name, value in known.items() if name in declared}
        bucket, text = published.get("ARTEFACTS", ""), self._with_values(stack, template, values)
        began = time.monotonic()
        done = stacks.apply(
            stack,
            text,
            given=values,
            stage=self.stage,
            cloud=self.cloud,
            bucket=bucket,
            role=published.get("CLOUDFORMATION_ROLE", ""),
        )
        if what != "foundation":
            releases.record(self.cloud.client("s3"), bucket, stack=stack, template=text)
        self.report(f"{what}: deployed in {time.monotonic() - began:.1f} s" if done else f"{what}: nothing to do")
        return done


def chosen_datasets(settings: Mapping[str, str]) -> str:
    """What settings say of datasets, with commas between; empty where they say nothing."""
    return settings.get("DATASETS") or settings.get("DATASET") or ""


def kept_datasets(s3: Any, names: Mapping[str, str]) -> list[str]:
    """Datasets of which the stage's bucket has files, and which the stage does not serve."""
    served = {dataset.name for dataset in find_datasets(names["DATASETS"])}
    listed = s3.list_objects_v2(Bucket=names["BUCKET"], Prefix="raw/", Delimiter="/")
    found = {entry["Prefix"].removeprefix("raw/").rstrip("/") for entry in listed.get("CommonPrefixes", [])}
    return sorted(found - served)


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
