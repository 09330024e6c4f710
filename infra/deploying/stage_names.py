"""What a stage may be called."""

import re

from infra.errors import CommandFailed

_NAME = re.compile(r"[a-z][a-z0-9-]{0,19}")


def check_stage(name: str) -> str:
    """The name. Raises CommandFailed for one that would not do as a part of every name."""
    if not _NAME.fullmatch(name):
        raise CommandFailed(f"STAGE is {name!r}; allowed are 1 to 20 of a-z, 0-9 and -, beginning with a letter")
    if "webhook" in name:
        raise CommandFailed(f"STAGE is {name!r}; a name with webhook in it could be that of another stage's webhook")
    return name
