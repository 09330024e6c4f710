"""A deployment in one process (`tests.world`) as the operator's commands see a stage."""

import contextlib
import io
from collections.abc import Iterator, Mapping
from typing import Any, Self

from shared.dataset import Dataset
from shared.ledger import Ledger
from shared.settings import Place
from tests.shared.declared import US_COVID
from tests.shared.in_memory import one_call_at_a_time
from tests.world import ENVIRONMENT, RUNS_TABLE, World, world


class WorldStage:
    """What of `infra.deploying.deployed.Stage` a backfill uses."""

    name = "test"

    def __init__(self, made: World) -> None:
        self.world = made
        self.settings: Mapping[str, str] = ENVIRONMENT | {"DATASET": made.dataset.name}
        self.place = Place.read(self.settings)
        self.dataset = made.dataset
        self.ledger = Ledger(made.dynamodb, table=RUNS_TABLE, dataset=made.dataset.name)

    def of(self, dataset: str) -> Self:
        assert dataset == self.dataset.name
        return self

    def client(self, service: str) -> Any:
        return {"s3": self.world.s3, "dynamodb": self.world.dynamodb}[service]

    def invoke(self, service: str, function: str, event: Mapping[str, Any]) -> Any:
        assert (service, function) == ("api", "refresh_views")
        with contextlib.redirect_stdout(io.StringIO()):
            return self.world.invoke(function, event, request_id=self.world.new_request_id())


@contextlib.contextmanager
def stage_in_memory(dataset: Dataset = US_COVID) -> Iterator[WorldStage]:
    with one_call_at_a_time(), world(dataset=dataset) as made:
        yield WorldStage(made)
