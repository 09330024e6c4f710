"""Whatever call a handler dies at, the end is that of a life without a crash."""

from collections.abc import Iterator

import pytest

from tests.proof.crash_points import try_story
from tests.proof.stories import SETTINGS, STORIES, Story
from tests.world import World, world


@pytest.fixture(scope="module")
def system() -> Iterator[World]:
    with world(SETTINGS) as made:
        yield made


@pytest.mark.parametrize("late", [False, True], ids=["delivered again at once", "taken up when leases have run out"])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_no_crash_changes_the_end(system: World, story: Story, late: bool) -> None:
    tally = try_story(system, story, late=late, to_the_end=False)
    assert tally.differences == []
