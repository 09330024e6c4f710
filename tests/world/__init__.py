"""The whole system in one process, for tests: the four real apps over an AWS in memory.

`with world() as system:` founds a stage (founding); `system` takes events and delivers them (system) as the platforms
do (platform, platform_events, stream_filters). Every AWS call can be seen, counted, crashed (`tests.shared.calls`) and
made to wait (pausing), and all that is remembered be saved and brought back (memory).
"""

from tests.world.feeds import Feeds, file_address
from tests.world.founding import world
from tests.world.pausing import Sleep, Slow
from tests.world.platform import STREAM_RETRIES, Announced, Pending, PublishedMail
from tests.world.platform_events import object_created
from tests.world.stage_environment import ANN, ANN_RECORDED, BUCKET, ENVIRONMENT, OBSERVATIONS, RUNS_TABLE
from tests.world.system import World

__all__ = [
    "ANN",
    "ANN_RECORDED",
    "BUCKET",
    "ENVIRONMENT",
    "OBSERVATIONS",
    "RUNS_TABLE",
    "STREAM_RETRIES",
    "Announced",
    "Feeds",
    "Pending",
    "PublishedMail",
    "Sleep",
    "Slow",
    "World",
    "file_address",
    "object_created",
    "world",
]
