"""The datasets that there are: one TOML file each in this folder, or any other file of the same grammar.

In a deployed package they are compiled to Python (`shared.declaration.compiled`) when it is built, so that no cold
start reads TOML; in a checkout they are read when they are asked for.
"""

import functools
from collections.abc import Mapping
from pathlib import Path

from shared.dataset import Dataset
from shared.errors import SettingInvalid

DEFAULT = "us-covid"
"""What is deployed where nobody chose another."""

RESERVED = frozenset(
    {"data", "daily", "weekly", "monthly", "series", "figures", "latest", "chart", "embed", "docs", "static"}
    | {"runs", "changes", "vintages", "revisions", "health", "datasets", "openapi", "visits", "datapackage"}
    | {"subscriptions"}
)
"""No dataset is called so: the API has routes of these names."""

FOLDER = Path(__file__).parent

_REGISTRY: dict[str, Dataset] = {}
"""Datasets of this process beside the declared ones, by name; see `register`."""


def dataset_names() -> list[str]:
    """What there is to choose from by name."""
    return sorted(_compiled() or (path.stem for path in FOLDER.glob("*.toml")))


def find_dataset(name: str) -> Dataset:
    """The dataset of this name, or, in a checkout, of this TOML file.

    Raises SettingInvalid, listing what there is, and DeclarationInvalid where a declaration cannot work.
    """
    return _REGISTRY.get(name) or _compiled().get(name) or _declared(name)


@functools.cache
def _declared(name: str) -> Dataset:
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file() or not (name.endswith(".toml") or name in dataset_names()):
        raise SettingInvalid(f"DATASET is {name!r}; known are {dataset_names()}, or the path of a .toml file")
    from shared.declaration import read_declaration  # deferred: a package has its datasets compiled

    return read_declaration(path)


def register(dataset: Dataset) -> None:
    """Have a dataset found by its name in this process: one that was read from a file elsewhere, or made by a test."""
    _REGISTRY[dataset.name] = dataset


def find_datasets(names: str) -> tuple[Dataset, ...]:
    """The datasets of a list with commas between. Raises as `find_dataset` does, and for one that is there twice."""
    found = tuple(find_dataset(name.strip()) for name in names.split(",") if name.strip())
    if not found:
        raise SettingInvalid("DATASETS is empty; at least one dataset is needed")
    if len({it.name for it in found}) < len(found):
        raise SettingInvalid(f"DATASETS is {names!r}; each dataset is allowed once")
    if taken := sorted(it.name for it in found if it.name in RESERVED):
        raise SettingInvalid(f"DATASETS has {taken}; the API has routes of that name, so no dataset can be called so")
    return found


@functools.cache
def _compiled() -> Mapping[str, Dataset]:
    """What the build has compiled into this package; nothing in a checkout."""
    try:
        from shared.datasets.compiled import DATASETS  # type: ignore[import-not-found,unused-ignore]
    except ModuleNotFoundError:
        return {}
    found: Mapping[str, Dataset] = DATASETS
    return found
