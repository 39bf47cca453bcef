"""The names of system catalogs in a statement, in whose place the master is asked for what the user may see of them.

The master's schema `catalogs` (manifests/master/migrations/0007-catalogs.sql) has a view for each catalog that knows of tables, functions
that take a table's name or OID, and the types regclass and regnamespace. What is written here are a statement's words, since PostgreSQL
reads more than sqlglot does: `OPERATOR(pg_catalog.~)` and whatever else tools send passes as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import TokenType
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import SqlglotError

from bdc.sql.pgwire.errors import NOT_SUPPORTED, SqlError

SCHEMA = "catalogs"
_AT_MASTER = "ask the master itself: bdc sql query -e master"

_PLAIN = frozenset({"pg_database", "pg_proc", "pg_stat_activity", "pg_type"})
"""Views that need not know what tables there are."""
_OF_TABLES = """
pg_attrdef pg_attribute pg_class pg_constraint pg_description pg_foreign_table pg_index pg_indexes pg_inherits pg_matviews pg_namespace
pg_partitioned_table pg_policies pg_policy pg_publication_rel pg_rewrite pg_rules pg_sequence pg_sequences pg_stat_all_indexes
pg_stat_all_tables pg_stat_sys_tables pg_stat_user_indexes pg_stat_user_tables pg_statio_all_indexes pg_statio_all_tables
pg_statio_user_indexes pg_statio_user_tables pg_statistic_ext pg_tables pg_trigger pg_views
"""
RELATIONS = _PLAIN | frozenset(_OF_TABLES.split())
_INFORMATION = """
administrable_role_authorizations applicable_roles attributes character_sets check_constraint_routine_usage check_constraints
collation_character_set_applicability collations column_column_usage column_domain_usage column_options column_privileges
column_udt_usage columns constraint_column_usage constraint_table_usage data_type_privileges domain_constraints domain_udt_usage
domains element_types enabled_roles foreign_data_wrapper_options foreign_data_wrappers foreign_server_options foreign_servers
foreign_table_options foreign_tables information_schema_catalog_name key_column_usage parameters referential_constraints
role_column_grants role_routine_grants role_table_grants role_udt_grants role_usage_grants routine_column_usage routine_privileges
routine_routine_usage routine_sequence_usage routine_table_usage routines schemata sequences table_constraints table_privileges tables
transforms triggered_update_columns triggers udt_privileges usage_privileges user_defined_types user_mapping_options user_mappings
view_column_usage view_routine_usage view_table_usage views
"""
INFORMATION = frozenset(_INFORMATION.split())
_WHO = frozenset({"current_user", "session_user", "current_role", "user"})
_OF_ROLES = """
has_database_privilege has_foreign_data_wrapper_privilege has_function_privilege has_language_privilege has_parameter_privilege
has_sequence_privilege has_server_privilege has_tablespace_privilege has_type_privilege pg_has_role current_schema current_schemas
set_config
"""
_PLAIN_FUNCTIONS = frozenset(_OF_ROLES.split())
"""Functions that are for who asks, and need not know what tables there are."""
_OF_NAMES = """
col_description has_any_column_privilege has_column_privilege has_schema_privilege has_table_privilege
obj_description pg_table_is_visible to_regclass to_regnamespace
"""
FUNCTIONS = _PLAIN_FUNCTIONS | frozenset(_OF_NAMES.split())
TYPES = frozenset({"regclass", "regnamespace"})
_OF_OTHERS = """
pg_cancel_backend pg_terminate_backend pg_stat_get_activity pg_stat_get_backend_activity
pg_advisory_lock pg_advisory_lock_shared pg_try_advisory_lock pg_try_advisory_lock_shared
"""
_OF_TEXT = """
cursor_to_xml cursor_to_xmlschema database_to_xml database_to_xml_and_xmlschema database_to_xmlschema query_to_xml
query_to_xml_and_xmlschema query_to_xmlschema schema_to_xml schema_to_xml_and_xmlschema schema_to_xmlschema table_to_xml
table_to_xml_and_xmlschema table_to_xmlschema ts_rewrite ts_stat
"""
_REFUSED = frozenset(_OF_OTHERS.split()) | frozenset(_OF_TEXT.split())
"""Functions that reach other clients' connections, which are of one role in the master, and those that run a text, in which no name could
be replaced."""
_BEFORE_TABLES = frozenset({"from", "join", ",", "(", "only", "table"})
_STRINGS = frozenset({
    TokenType.STRING, TokenType.BYTE_STRING, TokenType.UNICODE_STRING, TokenType.HEREDOC_STRING, TokenType.NATIONAL_STRING,
    TokenType.BIT_STRING, TokenType.HEX_STRING, TokenType.RAW_STRING, TokenType.NUMBER,
})  # fmt: skip


@dataclass(frozen=True)
class Shadowed:
    """A statement for the master. `tables`: whether it asks what tables there are; `literals` are its strings."""

    sql: str
    tables: bool
    literals: tuple[str, ...]


def shadowed(sql: str) -> Shadowed:
    """A statement that asks the views, functions and types of the schema `catalogs` in place of the system's. What isn't PostgreSQL's
    comes back as it is, for the master to say what is wrong. Raises SqlError for functions that nobody may call here."""
    try:
        words = Postgres().tokenize(sql)
    except SqlglotError:
        return Shadowed(sql, False, ())
    names = [None if word.token_type in _STRINGS else _name(word) for word in words]
    _check(words, names)
    changes = list(_changes(words, names))
    text = sql
    for start, end, new, _ in sorted(changes, reverse=True):
        text = text[:start] + new + text[end:]
    literals = tuple(word.text for word in words if word.token_type in _STRINGS)
    return Shadowed(text, any(tables for *_, tables in changes), literals)


def _check(words: Sequence[Any], names: Sequence[str | None]) -> None:
    """Raises SqlError for what is refused."""
    for at, name in enumerate(names):
        if name in _REFUSED and names[at + 1 : at + 2] == ["("] and (at < 2 or names[at - 1] != "." or names[at - 2] == "pg_catalog"):
            raise SqlError(f"{name}() can't be called here", NOT_SUPPORTED, _AT_MASTER, words[at].start + 1)
        if name == "u" and _escaped(words, at):
            raise SqlError('names in U&"..." can\'t be read here', NOT_SUPPORTED, 'write the name itself, in "..."', words[at].start + 1)


def _changes(words: Sequence[Any], names: Sequence[str | None]) -> Iterator[tuple[int, int, str, bool]]:
    """Where something else is to stand, what, and whether that asks what tables there are."""
    for at, name in enumerate(names):
        if name is None or words[at].token_type == TokenType.DOT:
            continue
        dotted = at > 1 and names[at - 1] == "."
        qualifier = names[at - 2] if dotted else None
        if dotted and qualifier not in ("pg_catalog", "information_schema"):
            continue
        start, end = words[at - 2 if dotted else at].start, words[at].end + 1
        called = at + 1 < len(words) and names[at + 1] == "("
        before = names[at - 3 if dotted else at - 1] if at > (2 if dotted else 0) else ""
        if qualifier == "information_schema":
            if name in INFORMATION and not called:
                yield start, end, f"{SCHEMA}.{name}", True
        elif name in TYPES and (before != "as" or _cast_ends(names, at)):
            yield from _literal(words, names, at - 2 if dotted else at)
            yield start, end, f"{SCHEMA}.{name}", True
        elif name in RELATIONS and not called and (dotted or _table_stands(before, names, at)):
            yield start, end, f"{SCHEMA}.{name}", name not in _PLAIN
        elif name in FUNCTIONS and called:
            yield start, end, f'{SCHEMA}."{name}"', name not in _PLAIN_FUNCTIONS
        elif not dotted and words[at].token_type != TokenType.IDENTIFIER and before != "as" and not called and _keyword(name):
            yield start, end, f'{SCHEMA}."{name}"()', False


def _escaped(words: Sequence[Any], at: int) -> bool:
    """Whether a U begins a name with escapes, U&"...", in which none of the names above could be found."""
    following = words[at + 1 : at + 3]
    return (
        [word.token_type for word in following] == [TokenType.AMP, TokenType.IDENTIFIER]
        and following[0].start == words[at].end + 1
        and following[1].start == following[0].end + 1
    )


def _name(word: Any) -> str:
    """A word as PostgreSQL takes it: quoted names as they are, others in lower case."""
    return str(word.text if word.token_type == TokenType.IDENTIFIER else word.text.lower())


def _keyword(name: str) -> bool:
    return name in _WHO or name == "current_schema"


def _table_stands(before: str | None, names: Sequence[str | None], at: int) -> bool:
    """Whether a name without a schema is where tables are named, and no other name's first part."""
    return before in _BEFORE_TABLES and (at + 1 == len(names) or names[at + 1] != ".")


def _cast_ends(names: Sequence[str | None], at: int) -> bool:
    """Whether what follows is the end of CAST(x AS type): else AS makes a title."""
    return at + 1 < len(names) and names[at + 1] in (")", "[")


def _literal(words: Sequence[Any], names: Sequence[str | None], at: int) -> Iterator[tuple[int, int, str, bool]]:
    """A string or a parameter that is cast to a name's type is text before: so its name is looked up, and the parameter is text."""
    if at < 2 or names[at - 1] not in ("::", "as"):
        return
    one = words[at - 2]
    parameter = one.token_type == TokenType.NUMBER and at > 2 and words[at - 3].token_type == TokenType.PARAMETER
    if one.token_type in (TokenType.STRING, TokenType.BYTE_STRING, TokenType.UNICODE_STRING, TokenType.HEREDOC_STRING) or parameter:
        yield one.end + 1, one.end + 1, "::text", False


_WORDS = re.compile(r"[^\W\d][\w$]*|\d{10}")


def mentioned(literals: Sequence[str]) -> frozenset[str]:
    """The words in a statement's strings and parameters, in lower case: names of tables may be among them, in patterns, too; and OIDs."""
    return frozenset(word.lower() for one in literals for word in _WORDS.findall(one.replace("\\", "")))
