"""How much is tried: a good part by `make test`, all of it by `make proof` and where it is searched for long."""

import os


def thorough() -> bool:
    """Whether everything is to be tried, whatever it takes."""
    return os.environ.get("HYPOTHESIS_PROFILE") == "search"
