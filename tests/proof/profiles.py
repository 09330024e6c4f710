"""How much is tried: all of it in CI, a good part at the desk."""

import os


def thorough() -> bool:
    """Whether everything is to be tried, whatever it takes."""
    return bool(os.environ.get("CI")) or os.environ.get("HYPOTHESIS_PROFILE") in ("ci", "night")
