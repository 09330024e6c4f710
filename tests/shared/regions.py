"""A second dataset, with several series: what works for the first alone fails with this one."""

from shared.dataset import Aggregate, Dataset, Feed, Join, Kind, Measure, Series

REGIONS = Dataset(
    name="regions",
    title="Beds and tests by region",
    join=Join.INNER,
    series=Series(label="Region"),
    measures=(
        Measure(name="beds", label="Beds in use", kind=Kind.LEVEL, aggregate=Aggregate.LAST, minimum=0),
        Measure(name="tests", label="Tests", kind=Kind.TOTAL, minimum=0),
    ),
    feeds=(
        Feed(
            name="board",
            title="The Board",
            url="https://board.example/beds.csv",
            licence="CC0-1.0",
            credit="Beds from the Board.",
            date=("day",),
            series=("region",),
            measures={"beds": "beds"},
        ),
        Feed(
            name="lab",
            title="The Lab",
            url="https://lab.example/tests.csv",
            licence="CC0-1.0",
            credit="Tests from the Lab.",
            date=("date",),
            series=("area",),
            measures={"tests": "n"},
        ),
    ),
)
