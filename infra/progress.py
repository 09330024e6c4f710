"""How a long command says how far it is, without knowing where that is shown."""

from collections.abc import Callable

type Report = Callable[[str], None]
"""Takes one line about what is being done now."""
