"""Five days through every handler, on whichever botocore is found first; what came out, as JSON on standard output.

Run in a process of its own: a process has one botocore.
"""

import json
import sys

import botocore

from tests.proof.small_feeds import nyt, pair
from tests.proof.stories import a_day, carry, command
from tests.world import World, world

_PATHS = ("/data", "/daily?format=csv", "/data?as_of=2020-03-01", "/vintages", "/runs", "/series", "/changes.atom", "/")


def main() -> None:
    """A first load, a feed that does not come, a day that makes up for it, one that is approved, and one more."""
    with world({}) as made:
        carry(made, [*a_day(1, pair(12)), *a_day(2, {"nyt": nyt(13)}), *a_day(3, pair(13))])
        carry(made, [*a_day(4, pair(3)), command("approve", 4, 4), *a_day(5, pair(14))])
        json.dump(_outcome(made), sys.stderr)


def _outcome(made: World) -> dict[str, object]:
    return {
        "botocore": botocore.__version__,
        "states": {run.run_id: str(run.state) for run in made.runs()},
        "mails": [mail.kind for mail in made.platform.mails],
        "views": [run.views for run in made.runs()],
        "rows": len(made.rows()),
        "answers": {path: made.get(path).status for path in _PATHS},
        "errors": [str(error) for error in made.platform.errors],
        "dead_letters": len(made.platform.dead_letters),
    }


if __name__ == "__main__":
    main()
