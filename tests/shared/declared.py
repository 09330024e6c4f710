"""The declared datasets that tests work with."""

from shared.datasets import find_dataset

US_COVID = find_dataset("us-covid")
