"""Deploy a stage, or one service of it: build, upload, change set. The same on AWS and on the local cloud."""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from infra import stacks
from infra.build import BUILD, CODE, Built, build
from infra.cloud import Cloud
from infra.services import EXTRAS, ROOT, SERVICES, find_service, foundation_stack
from infra.stage import check_stage, find_names, find_published, read_choices
from infra.templates import load_template

_AFTER_THE_API = "notifier"
"""Its mails link to the dashboard: it is built when the api's address is known."""

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
    services: Sequence[str] | None = None,
    settings: Mapping[str, str] | None = None,
    parameters: Mapping[str, str] | None = None,
    out: Path = BUILD,
    root: Path = ROOT,
    report: Report = print,
) -> Deployed:
    """Deploy the foundation, all services and the extras, or only the `services` named (`foundation` and extras too).

    To AWS, or to a local cloud's `endpoint`. A whole deployment removes an extra that is not wanted any more.

    `settings` (environment variables) and `parameters` (of the templates) go before those in the stage's file.
    Raises PackagingFailed, DeploymentFailed (that stack alone was rolled back), CommandFailed for a service alone on a
    stage that has no foundation.
    """
    check_stage(stage)
    cloud = Cloud.local(endpoint) if endpoint else Cloud.aws()
    choices = read_choices(stage)
    chosen = dict(choices.parameters) | dict(parameters or {}) | {"Stage": stage, "Cloud": cloud.kind}
    chosen_settings = dict(choices.settings) | dict(settings or {})
    dataset = chosen_settings.pop("DATASET", "us-covid")
    asked = ["foundation", *SERVICES, *EXTRAS] if services is None else list(services)
    wanted = [find_service(name).name for name in asked if name != "foundation" and name not in EXTRAS]
    changed = []
    if "foundation" in asked:
        template = (root / "infra" / "foundation.yaml").read_text()
        if _apply("foundation", foundation_stack(stage), template, chosen, stage=stage, cloud=cloud, report=report):
            changed.append("foundation")

    def build_for_stage(name: str) -> Built:
        names = find_names(stage, cloud=cloud, dataset=dataset)
        return build(name, stage=stage, names=names, out=out, settings=chosen_settings, root=root, report=report)

    names = find_names(stage, cloud=cloud, dataset=dataset)
    chosen |= {"OperatorsTopicArn": names["OPERATORS_TOPIC_ARN"], "LocalEndpoint": cloud.endpoint}
    with ThreadPoolExecutor(2) as pool:
        early = {name: pool.submit(build_for_stage, name) for name in wanted if name != _AFTER_THE_API}
        for name in sorted(wanted, key=list(SERVICES).index):
            built = early[name].result() if name in early else build_for_stage(name)
            template = _with_code(built, bucket=names["ARTEFACTS"], cloud=cloud)
            stack = find_service(name).stack(stage)
            if _apply(
                name, stack, template, chosen, stage=stage, cloud=cloud, report=report, bucket=names["ARTEFACTS"]
            ):
                changed.append(name)
    chosen |= _names_for_extras(stage, cloud=cloud)
    for extra in (EXTRAS[name] for name in asked if name in EXTRAS):
        if extra.is_wanted(chosen):
            template = (root / "infra" / f"{extra.name}.yaml").read_text()
            done = _apply(
                extra.name,
                extra.stack(stage),
                template,
                chosen,
                stage=stage,
                cloud=cloud,
                report=report,
                bucket=names["ARTEFACTS"],
            )
        else:
            done = stacks.delete(extra.stack(stage), cloud=cloud)
        if done:
            changed.append(extra.name)
    return Deployed(stage=stage, names=names | find_published(stage, cloud=cloud), changed=tuple(changed))


def _names_for_extras(stage: str, *, cloud: Cloud) -> dict[str, str]:
    """The parameters by which the extras' templates learn the stage's names."""
    published = find_published(stage, cloud=cloud)
    wanted = {
        "DataBucket": "BUCKET",
        "ArtefactBucket": "ARTEFACTS",
        "Url": "DASHBOARD_URL",
        "ChangesStreamArn": "CHANGES_STREAM_ARN",
    }
    return {parameter: published.get(name, "") for parameter, name in wanted.items()}


def _with_code(built: Built, *, bucket: str, cloud: Cloud) -> str:
    """Upload the package, unless it is there; the template with its address."""
    key = f"packages/{built.service}-{built.digest[:32]}.zip"
    client = cloud.client("s3")
    listed = client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
    if not listed.get("Contents"):
        client.upload_file(str(built.package), bucket, key)
    return built.template.read_text().replace(CODE, f"s3://{bucket}/{key}")


def _apply(
    what: str,
    stack: str,
    template: str,
    parameters: Mapping[str, str],
    *,
    stage: str,
    cloud: Cloud,
    report: Report,
    bucket: str = "",
) -> bool:
    declared = load_template(template).get("Parameters", {})
    passed = {name: value for name, value in parameters.items() if name in declared}
    role = find_published(stage, cloud=cloud).get("CLOUDFORMATION_ROLE", "")
    began = time.monotonic()
    done = stacks.apply(stack, template, parameters=passed, stage=stage, cloud=cloud, bucket=bucket, role=role)
    report(f"{what}: deployed in {time.monotonic() - began:.1f} s" if done else f"{what}: nothing to do")
    return done


def main(arguments: list[str]) -> int:
    """Deploy a stage to the AWS account of the environment's credentials."""
    parser = argparse.ArgumentParser(prog="python -m infra deploy", description=main.__doc__)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--service", action="append", choices=["foundation", *SERVICES, *EXTRAS], help="this one alone")
    parser.add_argument("--endpoint", default="", help="a local cloud's address, instead of AWS")
    asked = parser.parse_args(arguments)
    done = deploy(asked.stage, endpoint=asked.endpoint, services=asked.service)
    print(f"stage {done.stage}: {', '.join(done.changed) or 'nothing'} changed; {done.names['DASHBOARD_URL']}")
    return 0
