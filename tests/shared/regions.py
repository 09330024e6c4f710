"""A second dataset, with several series: what works for the first alone fails with this one."""

from shared.dataset import Dataset, Feed, Measure

REGIONS = Dataset(
    name="regions",
    title="Beds and tests by region",
    series="region",
    measures=(
        Measure(name="beds", label="Beds in use", cumulative=False, credit="Beds from the Board."),
        Measure(name="tests", label="Tests", cumulative=True, credit="Tests from the Lab."),
    ),
    feeds=(
        Feed(
            name="board",
            title="The Board",
            url="https://board.example/beds.csv",
            licence="CC0-1.0",
            date_column="day",
            series_column="region",
            measures={"beds": "beds"},
        ),
        Feed(
            name="lab",
            title="The Lab",
            url="https://lab.example/tests.csv",
            licence="CC0-1.0",
            date_column="date",
            series_column="area",
            measures={"tests": "n"},
        ),
    ),
)
