"""The saved queries, asked of files as the services write them.

They are in Athena's dialect (Trino); here they are translated and run on DuckDB, over the same files by the tables'
own definitions. What Athena itself makes of them is not known.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from infra.deploying.templates import load_template
from infra.services import ROOT
from shared.changes import ChangeSet
from shared.keys import change_set_key, index_key, raw_key, snapshot_key
from tests.shared.declared import US_COVID

TEMPLATE = load_template((ROOT / "infra" / "analytics.yaml").read_text())

DAY = "2020-10-{}T17:00:00Z"

type Ask = Callable[[str], list[tuple[Any, ...]]]


def properties(kind: str) -> dict[str, dict[str, Any]]:
    return {name: it["Properties"] for name, it in TEMPLATE["Resources"].items() if it["Type"] == kind}


QUERIES = {query["Name"]: str(query["QueryString"]) for query in properties("AWS::Athena::NamedQuery").values()}
TABLES: dict[str, Mapping[str, Any]] = {
    table["TableInput"]["Name"]: table["TableInput"] for table in properties("AWS::Glue::Table").values()
}


def columns(table: str) -> dict[str, str]:
    return {column["Name"]: column["Type"] for column in TABLES[table]["StorageDescriptor"]["Columns"]}


# --- the tables ------------------------------------------------------------------------------------------------------


def test_the_columns_are_those_of_the_declaration() -> None:
    measures = dict.fromkeys(US_COVID.measure_names, "bigint")
    assert columns("snapshots") == {"series": "string", "date": "date"} | measures | {"run_id": "string"}
    row = f"array<struct<date:string,{','.join(f'{name}:bigint' for name in measures)}>>"
    revised = "array<struct<date:string,fields:map<string,struct<old:bigint,new:bigint>>>>"
    assert columns("changesets") == {
        "run_id": "string",
        "base_run_id": "string",
        "added": row,
        "changed": revised,
        "removed": row,
    }
    assert columns("raw") == {"line": "string"}


def test_the_tables_lie_over_the_keys_that_the_services_write() -> None:
    lies = {name: table["StorageDescriptor"]["Location"]["Fn::Sub"] for name, table in TABLES.items()}
    keys = {
        "snapshots": snapshot_key("us-covid", "RUN"),
        "changesets": change_set_key("us-covid", "RUN"),
        "raw": raw_key("us-covid", "RUN", "nyt"),
    }
    assert lies == {name: f"s3://${{DataBucket}}/{key.split('/')[0]}/" for name, key in keys.items()}


def test_what_is_private_beside_the_snapshots_has_a_name_that_athena_passes_over() -> None:
    assert Path(index_key("us-covid", "RUN")).parent == Path(snapshot_key("us-covid", "RUN")).parent
    assert Path(index_key("us-covid", "RUN")).name.startswith("_")


# --- the queries -----------------------------------------------------------------------------------------------------


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Runs a saved query over three runs: a first load, a revision, a day on which one feed lagged."""
    write(
        tmp_path,
        snapshot_key("us-covid", DAY.format(20)),
        "series,date,cases,deaths,recoveries,run_id\nUS,2020-10-19,7,1,,r\n",
    )
    rows = [f"US,2020-10-{day},{10 * day},{day},{'' if day == 10 else 5 * day},r" for day in range(10, 20)]
    write(
        tmp_path,
        snapshot_key("us-covid", DAY.format(21)),
        "\n".join(["series,date,cases,deaths,recoveries,run_id", *rows]),
    )
    for day, old, new in ((20, 100, 110), (21, 110, 90)):
        changes = ChangeSet(
            run_id=DAY.format(day),
            base_run_id=DAY.format(day - 1),
            added=[],
            changed=[
                {"date": "2020-10-10", "fields": {"cases": {"old": old, "new": new}}},
                {"date": "2020-10-11", "fields": {"deaths": {"old": 1, "new": 2}, "cases": {"old": 5, "new": 9}}},
            ][: 2 if day == 20 else 1],
            removed=[],
        )
        write(tmp_path, change_set_key("us-covid", changes.run_id), changes.to_json().decode())
    write(tmp_path, raw_key("us-covid", DAY.format(20), "nyt"), "date,cases,deaths\n2020-10-18,1,1\n2020-10-19,2,1\n")
    jhu = "Date,Country/Region,Recovered\n2020-10-17,US,5\n2020-10-16,US,4\n"
    write(tmp_path, raw_key("us-covid", DAY.format(20), "jhu"), jhu)
    connection = duckdb.connect()
    for name in TABLES:
        connection.execute(f"CREATE VIEW {name} AS {relation(name, tmp_path)}")
    return lambda query: connection.execute(translate(QUERIES[query])).fetchall()


def write(root: Path, key: str, text: str) -> None:
    path = root / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def relation(table: str, root: Path) -> str:
    """A table as its definition has it, with the path of each row's file in the column "$path"."""
    files = f"{root}/{TABLES[table]['StorageDescriptor']['Location']['Fn::Sub'].split('/', 3)[3]}**"
    names = json.dumps({name: duck(kind) for name, kind in columns(table).items()}).replace('"', "'")
    if TABLES[table]["Parameters"]["classification"] == "json":
        return f"SELECT *, filename AS \"$path\" FROM read_json('{files}/*.json', columns={names}, filename=true)"
    delimiter = TABLES[table]["StorageDescriptor"]["SerdeInfo"]["Parameters"]["field.delim"]
    skipped = TABLES[table]["Parameters"].get("skip.header.line.count", "0")
    return (
        f"SELECT * EXCLUDE filename, filename AS \"$path\" FROM read_csv('{files}/*.csv', header=false,"
        f" skip={skipped}, delim='{delimiter}', quote='', escape='', columns={names}, filename=true)"
    )


def duck(kind: str) -> str:
    """The DuckDB type of a Hive one."""
    if kind.startswith("array<"):
        return f"{duck(kind[6:-1])}[]"
    if kind.startswith("map<string,"):
        return f"MAP(VARCHAR, {duck(kind[11:-1])})"
    if kind.startswith("struct<"):
        parts = (part.split(":", 1) for part in split(kind[7:-1]))
        return f"STRUCT({', '.join(f'{name} {duck(of)}' for name, of in parts)})"
    return {"string": "VARCHAR", "bigint": "BIGINT", "date": "DATE"}[kind]


def split(text: str) -> list[str]:
    """At the commas that are within no brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "<") - (letter == ">")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def translate(query: str) -> str:
    """From Athena's dialect to DuckDB's, which spreads rows and maps over columns only when told to."""
    tree = sqlglot.parse_one(query, read="athena")
    for unnest in tree.find_all(exp.Unnest):
        [spread], alias = unnest.expressions, unnest.args["alias"]
        of_map = spread.name == "fields"
        inner = f"map_entries({spread.sql('duckdb')})" if of_map else spread.sql("duckdb")
        names = ", ".join(column.name for column in alias.columns)
        lateral = f"SELECT unnest({inner}, max_depth := 2)"
        unnest.replace(
            exp.maybe_parse(f"LATERAL ({lateral}) AS {alias.name}({names})", into=exp.Lateral, dialect="duckdb")
        )
    return tree.sql("duckdb")


def test_the_seven_day_mean_is_of_the_newest_snapshots_increments(ask: Ask) -> None:
    rows = ask("The seven-day mean by date")
    assert len(rows) == 10
    assert [tuple(map(str, row)) for row in (rows[0], rows[-1])] == [
        ("2020-10-19", "10", "1", "10.0", "1.0"),
        ("2020-10-10", "None", "None", "None", "None"),
    ]


def test_what_was_revised_most_comes_first(ask: Ask) -> None:
    assert ask("What was revised most") == [
        ("2020-10-10", "cases", 2, 30, 100, 90),
        ("2020-10-11", "cases", 1, 4, 5, 9),
        ("2020-10-11", "deaths", 1, 1, 1, 2),
    ]


def test_recoveries_against_cases_leaves_out_what_was_not_reported(ask: Ask) -> None:
    rows = ask("Recoveries against cases")
    assert [(str(date), cases, recoveries, share) for date, cases, recoveries, share in rows[:1]] == [
        ("2020-10-19", 190, 95, 50.0)
    ]
    assert len(rows) == 9


def test_how_late_each_feed_was_counts_from_the_newest_date_in_its_file(ask: Ask) -> None:
    assert ask("How late each feed was") == [
        (DAY.format(20), "jhu", "2020-10-17", 3),
        (DAY.format(20), "nyt", "2020-10-19", 1),
    ]


def test_no_saved_query_is_untried() -> None:
    assert set(QUERIES) == {
        "The seven-day mean by date",
        "What was revised most",
        "Recoveries against cases",
        "How late each feed was",
    }
