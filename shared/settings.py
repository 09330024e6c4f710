"""Settings are read once, at the edge, from a mapping (the environment), and fail by their name."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.dataset import Dataset
from shared.datasets import DEFAULT, find_datasets
from shared.errors import SettingInvalid


class Source:
    """Typed reads from a mapping; every failure names the setting, what was seen and what is allowed."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def text(self, name: str, *, default: str | None = None) -> str:
        value = self._values.get(name, "") or default
        if value is None:
            raise SettingInvalid(f"the setting {name} is missing or empty")
        return value

    def number(self, name: str, *, default: float, least: float = 0) -> float:
        text = self._values.get(name, "")
        try:
            value = float(text) if text else default
        except ValueError:
            raise SettingInvalid(f"the setting {name} is {text!r}; a number is needed") from None
        if not least <= value < float("inf"):
            raise SettingInvalid(f"the setting {name} is {text!r}; at least {least} is needed")
        return value

    def optional_number(self, name: str, *, least: float = 0) -> float | None:
        """None where the setting is absent or empty."""
        return self.number(name, default=least, least=least) if self._values.get(name) else None

    def whole(self, name: str, *, default: int, least: int = 0) -> int:
        value = self.number(name, default=default, least=least)
        if value != int(value):
            raise SettingInvalid(f"the setting {name} is {value}; a whole number is needed")
        return int(value)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where this stage keeps its things: read from the environment by every service."""

    stage: str
    datasets: tuple[Dataset, ...]
    """What the stage serves; the first is the one that is meant where none is named."""
    bucket: str
    """The data bucket's name."""
    runs_table: str
    """The ledger's table name."""

    @property
    def dataset(self) -> Dataset:
        """The first dataset."""
        return self.datasets[0]

    def find(self, name: str) -> Dataset:
        """The stage's dataset of this name, the first where it is empty. Raises SettingInvalid for any other."""
        for dataset in self.datasets:
            if name in ("", dataset.name):
                return dataset
        raise SettingInvalid(f"this stage has no dataset {name[:60]!r}; it has {[it.name for it in self.datasets]}")

    @classmethod
    def read(cls, values: Mapping[str, str]) -> "Place":
        source = Source(values)
        return cls(
            stage=source.text("STAGE"),
            datasets=find_datasets(source.text("DATASETS", default=source.text("DATASET", default=DEFAULT))),
            bucket=source.text("BUCKET"),
            runs_table=source.text("RUNS_TABLE"),
        )
