"""What the table of vintages is called among a run's views."""

TABLE, DIRECTORY = "vintages.csv.gz", "vintages.json.gz"
"""The packed CSV, and what is where in it."""
