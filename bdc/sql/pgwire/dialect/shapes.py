"""Queries without their tables, so that a PostgreSQL that hasn't them says what types their parameters have.

Each table's name becomes that of a query which gives NULLs of the types that its columns have here; all else stays as it was written.
"""

from __future__ import annotations

from sqlglot import exp

from bdc.sql.pgwire.dialect.fragments import Node, name_of
from bdc.sql.pgwire.dialect.parsing import Columns, Tables, table_name, tables_of
from bdc.sql.pgwire.dialect.types import Kind
from bdc.sql.quoting import identifier


def without_tables(sql: str, tree: Node, tables: Tables) -> str:
    """The query `sql`, which was read as `tree`: its parameters have the types that PostgreSQL gives them, its columns are left out."""
    shapes: dict[tuple[str, ...], str] = {}
    changes: list[tuple[int, int, str]] = []
    for table in tables_of(tree):
        if (name := table_name(table)) not in tables.of:
            continue
        shapes.setdefault(name, f"table {len(shapes)}")
        alias = "" if table.args.get("alias") else f" AS {identifier(name[-1])}"
        changes.append((*_span(table.parts), identifier(shapes[name]) + alias))
    for column in tree.find_all(exp.Column):
        if column.args.get("db"):  # it is known by its table's last name
            *whole, table, _ = column.parts
            changes.append((_span([*whole, table])[0], _span([table])[1], identifier(name_of(table))))
    for start, end, text in sorted(changes, reverse=True):
        sql = sql[:start] + text + sql[end:]
    heads = ", ".join(f"{identifier(shape)} AS (SELECT {_nulls(tables.of[name][1])})" for name, shape in shapes.items())
    return f"{f'WITH {heads} ' if heads else ''}SELECT FROM ({sql}\n) AS query"


def _span(parts: list[Node]) -> tuple[int, int]:
    """Where a name begins and ends in the text."""
    return int(parts[0].meta["start"]), int(parts[-1].meta["end"]) + 1


def _nulls(columns: Columns) -> str:
    return ", ".join(f"CAST(NULL AS {_type(kind)}) AS {identifier(name)}" for name, kind in columns.items())


def _type(kind: Kind) -> str:
    return {"null": "text", "other": "json", "literal": "text", "char": "bpchar"}.get(kind.family) or (
        f"{_type(kind.of)}[]" if kind.of and not kind.of.of else _type(kind.of) if kind.of else str(kind)
    )
