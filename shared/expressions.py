"""Pieces of DynamoDB expressions, with the names and values that they refer to."""

from collections.abc import Mapping

from shared.attributes import Value


def assignments(values: Mapping[str, Value]) -> tuple[str, dict[str, str], dict[str, Value]]:
    """`SET` clauses, names and values for attributes of any name, reserved words among them."""
    names = {f"#n{n}": name for n, name in enumerate(values)}
    placed = {f":v{n}": value for n, value in enumerate(values.values())}
    sets = ", ".join(f"{name} = {value}" for name, value in zip(names, placed, strict=True))
    return sets, names, placed


def clauses_while(values: Mapping[str, Value | None]) -> tuple[str, dict[str, str], dict[str, Value]]:
    """`AND` clauses, names and values that hold while the attributes are these; None: not there."""
    names = {f"#s{n}": name for n, name in enumerate(values)}
    placed: dict[str, Value] = {f":s{n}": value for n, value in enumerate(values.values()) if value is not None}
    clauses = (
        f" AND #s{n} = :s{n}" if value is not None else f" AND attribute_not_exists(#s{n})"
        for n, value in enumerate(values.values())
    )
    return "".join(clauses), names, placed
