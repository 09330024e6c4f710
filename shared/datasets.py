"""The datasets this system ships with. The setting DATASET chooses one by name."""

from shared.dataset import Dataset, Feed, Measure
from shared.errors import SettingInvalid

_NYT = "Data from The New York Times, based on reports from state and local health agencies."
_JHU = (
    "Recoveries from the COVID-19 Data Repository by the Center for Systems Science and Engineering (CSSE)"
    " at Johns Hopkins University."
)

US_COVID = Dataset(
    name="us-covid",
    title="COVID-19 in the United States",
    series="US",
    measures=(
        Measure(name="cases", label="Cases", cumulative=True, credit=_NYT),
        Measure(name="deaths", label="Deaths", cumulative=True, credit=_NYT),
        Measure(name="recoveries", label="Recoveries", cumulative=True, credit=_JHU),
    ),
    feeds=(
        Feed(
            name="nyt",
            title="The New York Times, US national",
            url="https://raw.githubusercontent.com/nytimes/covid-19-data/master/us.csv",
            licence="Free for non-commercial use with credit",
            date_column="date",
            measures={"cases": "cases", "deaths": "deaths"},
        ),
        Feed(
            name="jhu",
            title="Johns Hopkins University CSSE",
            url="https://raw.githubusercontent.com/datasets/covid-19/main/data/time-series-19-covid-combined.csv",
            licence="ODC-PDDL 1.0",
            date_column="Date",
            measures={"recoveries": "Recovered"},
            where={"Country/Region": "US", "Province/State": ""},
        ),
    ),
)

_REGISTRY = {dataset.name: dataset for dataset in (US_COVID,)}


DEFAULT = US_COVID.name
"""What is deployed where nobody chose another."""


def dataset_names() -> list[str]:
    """What there is to choose from."""
    return sorted(_REGISTRY)


def find_dataset(name: str) -> Dataset:
    """The registered dataset of this name. Raises SettingInvalid, listing what there is."""
    try:
        return _REGISTRY[name]
    except KeyError:
        raise SettingInvalid(f"DATASET is {name!r}; known are {dataset_names()}") from None
