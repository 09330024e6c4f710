"""The vocabulary of the four services: what a dataset, a run and a change set are, and where they are kept."""
