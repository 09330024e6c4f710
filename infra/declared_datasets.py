"""Datasets as commands are given them: by name, or by a TOML file that declares one."""

from infra.errors import CommandFailed
from shared.dataset import Dataset
from shared.datasets import find_dataset, find_datasets, register
from shared.errors import PermanentError


def declared_dataset(name: str) -> Dataset:
    """The dataset of a name, or of a TOML file, from then on known by its name.

    Raises CommandFailed with what is wrong, in one line.
    """
    try:
        dataset = find_dataset(name)
    except PermanentError as error:
        raise CommandFailed(str(error)) from error
    register(dataset)
    return dataset


def declared_datasets(names: str) -> tuple[Dataset, ...]:
    """The datasets of a list with commas between. Raises CommandFailed."""
    found = tuple(declared_dataset(name.strip()) for name in names.split(",") if name.strip())
    try:
        return find_datasets(",".join(dataset.name for dataset in found))
    except PermanentError as error:
        raise CommandFailed(str(error)) from error
