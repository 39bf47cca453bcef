"""The reference of external data is complete: sources and their options, views of `sys`, procedures, options of statements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from bdc.sql.external.connectors import CONNECTORS
from bdc.sql.external.object_stores import PREFIXES

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "docs" / "reference" / "external-data.md").read_text(encoding="utf-8")
MIGRATIONS = "\n".join(
    path.read_text(encoding="utf-8") for path in sorted((CHECKOUT / "manifests" / "master" / "migrations").glob("*.sql"))
)
GRAMMAR = (CHECKOUT / "bdc" / "sql" / "polybase" / "grammar.lark").read_text(encoding="utf-8")


def section(title: str) -> str:
    return re.split(r"^#+ ", PAGE.partition(f" {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def row(title: str, first: str) -> list[str]:
    """What a section's table has in code beside this first cell."""
    line = next((one for one in section(title).splitlines() if one.startswith(f"| `{first}` |")), "")
    return re.findall(r"`(\w[\w.]*)`", line.partition("` |")[2])


def views() -> Iterator[tuple[str, list[str]]]:
    for name, select in re.findall(r"CREATE VIEW (sys\.\w+) AS\n(.*?)(?: OFFSET 0)?;", MIGRATIONS, re.DOTALL):
        query = sqlglot.parse_one(select, dialect="postgres")
        assert isinstance(query, exp.Select)
        yield name, query.named_selects


def procedures() -> dict[str, list[str]]:
    """Names of arguments by the procedure; the last form that a migration makes has those of the ones before."""
    made = re.findall(r"CREATE PROCEDURE (polybase\.\w+)\(\s*(.*?)\s*\)\s*LANGUAGE", MIGRATIONS, re.DOTALL)
    return {name: [argument.split()[0] for argument in re.split(r",\s*", arguments)] for name, arguments in made}


@pytest.mark.parametrize("prefix", CONNECTORS)
def test_a_connector_is_there_with_its_options(prefix: str) -> None:
    connector = CONNECTORS[prefix]
    assert f"`{prefix}:" in section("Sources")
    options = {*map(str.lower, connector.options), *connector.settings}
    assert {option.lower() for option in row("Connection options", prefix)} == options


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_store_is_there(prefix: str) -> None:
    assert f"`{prefix}" in PAGE or f"{prefix}://" in PAGE


@pytest.mark.parametrize(("view", "columns"), list(views()))
def test_a_view_is_there_with_its_columns(view: str, columns: list[str]) -> None:
    assert row("Catalog views", view) == columns


@pytest.mark.parametrize(("procedure", "arguments"), list(procedures().items()))
def test_a_procedure_is_there_with_its_arguments(procedure: str, arguments: list[str]) -> None:
    assert row("Procedures", procedure) == arguments


@pytest.mark.parametrize("option", sorted(set(re.findall(r'([A-Z_]+) "="', GRAMMAR)) - {"VARIABLE"}))
def test_an_option_of_a_statement_is_there(option: str) -> None:
    assert f"`{option}`" in PAGE
