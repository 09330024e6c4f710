"""Whatever call a handler dies at, the end is that of a life without a crash.

Every third crash point: half before a call, half after one. `make proof` has them all.
"""

from collections.abc import Callable, Iterator

import pytest

from tests.proof.crash_points import Then, try_story
from tests.proof.profiles import thorough
from tests.proof.stories import SETTINGS, STORIES, Story
from tests.world import World, world


@pytest.fixture(scope="module")
def system() -> Iterator[World]:
    with world(SETTINGS) as made:
        yield made


@pytest.mark.parametrize("then", Then, ids=str)
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_no_crash_changes_the_end(
    system: World, story: Story, then: Then, record_property: Callable[[str, object], None]
) -> None:
    tried = list(try_story(system, story, then=then, to_the_end=False, every=1 if thorough() else 3))
    record_property("crash points", sum(bool(it.handler) for it in tried))
    assert [finding for it in tried for finding in it.findings] == []
