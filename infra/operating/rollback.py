"""`make rollback STAGE=x`: deploy again what passed the smoke test last, after a release that does not do."""

from infra.deploying.releases import roll_back
from infra.operating.commands import FindStage, find_stage, print_json, stage_parser
from infra.terminal import Terminal


def main(arguments: list[str], *, find: FindStage = find_stage) -> int:
    """Put services back to the release that passed `make smoke` last. Data, settings and parameters stay."""
    parsed = stage_parser("rollback", main.__doc__).parse_args(arguments)
    stage = find(parsed.stage)
    report = (lambda _: None) if parsed.json else Terminal().say
    changed = roll_back(stage.name, cloud=stage.cloud, report=report)
    if parsed.json:
        print_json({"stage": stage.name, "rolled_back": changed})
    return 0
