"""`make annotate RUN=id TEXT=...` or `DATE=day [SERIES=name]`: write down for readers why a number is as it is."""

from infra.deploying.deployed import FunctionFailed, Stage
from infra.errors import CommandFailed
from infra.operating.commands import FindStage, find_stage, print_json, stage_parser
from infra.operating.signing import recorded_name, with_identity
from infra.terminal import Terminal
from shared.runs import run_id_at


def main(arguments: list[str], *, find: FindStage = find_stage) -> int:
    """Write a note about a run or a date: readers see it on the page, in the next digest and in the Atom feed."""
    parser = stage_parser("annotate", main.__doc__)
    about = parser.add_mutually_exclusive_group(required=True)
    about.add_argument("--run", default="", help="the run's id, such as 2020-10-25T17:00:00Z")
    about.add_argument("--date", default="", help="a date of the data, such as 2020-10-05")
    parser.add_argument("--series", default="", help="of that date, the one series that it is about")
    parser.add_argument("--text", required=True, help="at most 500 bytes")
    args = parser.parse_args(arguments)
    stage = find(args.stage).of(args.dataset)
    found = annotate(stage, {"run_id": args.run, "date": args.date, "series": args.series, "text": args.text})
    if args.json:
        print_json({"stage": stage.name, "dataset": stage.dataset.name, "about": found, "by": recorded_name(stage)})
    else:
        Terminal().say(f"stage {stage.name}: written down about {found}; the ledger names {recorded_name(stage)}")
    return 0


def annotate(stage: Stage, note: dict[str, str]) -> str:
    """What the note is about, as the ledger has it. Raises CommandFailed where the merger refuses it."""
    time = run_id_at(stage.now())
    command = {"command": "annotate", "dataset": stage.dataset.name, "time": time} | {
        name: value for name, value in note.items() if value
    }
    try:
        answer = stage.invoke("merger", "operate", with_identity(command, stage=stage))
    except FunctionFailed as error:
        raise CommandFailed(f"stage {stage.name} does not write it down: {error.message}") from error
    return str(answer["about"])
