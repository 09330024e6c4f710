"""A system for each test of a file that makes one `deployment` for them all."""

from typing import Any

import pytest

from tests.world import World


@pytest.fixture
def system(deployment: tuple[World, Any]) -> World:
    """As the file's `deployment` left it: a world, and what it saved of itself once it was loaded."""
    made, loaded = deployment
    made.restore(loaded)
    return made
