"""Where what a statement makes stays: the catalog `external` is made of definitions (docs/adr/0019), and Trino makes no view in the master.

What anybody else makes in `external` the reconciler removes within seconds, and what they drop comes back.
"""

from __future__ import annotations

import re

from bdc.errors import UsageError

_COMMENT = r"(?:\s|--[^\n]*\n|/\*.*?\*/)*"
_NAME = r'(?:"(?:[^"]|"")+"|\w+)'
_CHANGED = re.compile(
    rf"{_COMMENT}(?P<verb>CREATE(?:\s+OR\s+REPLACE)?|DROP|ALTER|TRUNCATE|COMMENT\s+ON)\s+"
    r"(?P<kind>MATERIALIZED\s+VIEW|VIEW|TABLE|SCHEMA|FUNCTION|COLUMN)\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?"
    rf"(?P<name>{_NAME}(?:\s*\.\s*{_NAME})*)",
    re.IGNORECASE | re.DOTALL,
)
_PARTS = {"SCHEMA": 2, "COLUMN": 4}


def check(sql: str, catalog: str) -> None:
    """Raises UsageError for a statement that makes, changes or drops what would not stay so; `catalog` is that of names without one."""
    found = _CHANGED.match(sql)
    if not found:
        return
    kind = " ".join(found["kind"].upper().split())
    names = [one.strip('"') for one in re.findall(_NAME, found["name"])]
    whole = len(names) == _PARTS.get(kind, 3)
    where = (names[0] if whole else catalog).lower()
    verb = found["verb"].upper().split()[0]
    if where == "external":
        raise UsageError(
            "the catalog external is made of the definitions of external tables: nothing else stays in it", _remedy(verb, kind, names)
        )
    if where == "master" and kind.endswith("VIEW") and verb == "CREATE":
        raise UsageError("a view of the master is made in PostgreSQL", "bdc sql query -e master 'CREATE VIEW ...'")


def _remedy(verb: str, kind: str, names: list[str]) -> str:
    if verb == "CREATE":
        return (
            f"CREATE {kind} lake.{'NAME' if kind == 'SCHEMA' else f'SCHEMA.{names[-1]}'}; CREATE EXTERNAL TABLE defines a table of a source"
        )
    return "DROP EXTERNAL TABLE, and CREATE EXTERNAL TABLE for another one; GRANT and REVOKE change who may read it"
