"""The commands: `python -m infra COMMAND ...`. The Makefile's targets call these and hold no logic."""

import importlib
import sys

from botocore.exceptions import BotoCoreError, ClientError

from infra.errors import CommandFailed
from infra.stopping import stop_cleanly
from shared.printing import without_controls

COMMANDS = {
    "build": "infra.packaging.build:main",
    "grammar": "infra.packaging.grammar_docs:main",
    "deploy": "infra.deploying.deploy:main",
    "destroy": "infra.deploying.destroy:main",
    "run": "infra.local.run:main",
    "replay": "infra.local.replay:main",
    "check": "infra.local.check:main",
    "status": "infra.operating.commands:status",
    "trace": "infra.tracing.trace:main",
    "approve": "infra.operating.commands:approve",
    "redrive": "infra.operating.commands:redrive",
    "resend": "infra.operating.commands:resend",
    "annotate": "infra.operating.annotate:main",
    "refresh": "infra.operating.refresh:main",
    "smoke": "infra.operating.smoke:main",
    "start": "infra.operating.start_run:main",
    "subscribe": "infra.operating.subscribe:main",
    "rollback": "infra.operating.rollback:main",
    "backfill": "infra.backfilling.backfill:main",
    "restore": "infra.operating.restore:main",
    "measure": "infra.cost.measure:main",
    "cost": "infra.cost.cost:main",
}
"""Command -> module:function; a function takes the remaining arguments and gives the exit code.

Modules are imported when their command is asked for: a deployment needs no local cloud, and the other way round.
"""


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in COMMANDS:
        print(f"usage: python -m infra {{{'|'.join(COMMANDS)}}} ...", file=sys.stderr)
        return 2
    module, function = COMMANDS[arguments[0]].split(":")
    stop_cleanly()
    try:
        return int(getattr(importlib.import_module(module), function)(arguments[1:]))
    except CommandFailed as failed:
        print(without_controls(str(failed)), file=sys.stderr)
        return 1
    except (BotoCoreError, ClientError) as refused:
        print(without_controls(f"AWS: {refused}"), file=sys.stderr)
        return 1
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
