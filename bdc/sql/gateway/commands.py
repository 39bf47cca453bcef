"""The statements that aren't queries: transactions, settings, cursors, COPY. What is none of them goes on to the planner as it is.

https://www.postgresql.org/docs/17/sql-commands.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bdc.sql.gateway.errors import NOT_SUPPORTED, READ_ONLY, SYNTAX_ERROR, SqlError

_FLAGS = re.IGNORECASE | re.DOTALL
_NAME = r'(?P<name>"(?:[^"]|"")+"|[^\W\d][\w$]*)'


@dataclass(frozen=True)
class Begin:
    """BEGIN, START TRANSACTION."""

    tag: str


@dataclass(frozen=True)
class End:
    """COMMIT or ROLLBACK; `chained` begins the next one at once."""

    tag: Literal["COMMIT", "ROLLBACK"]
    chained: bool = False


@dataclass(frozen=True)
class Savepoint:
    """SAVEPOINT, RELEASE, ROLLBACK TO: nothing was written, so there is nothing to keep. `heals`: a failed transaction goes on."""

    tag: str
    heals: bool = False


@dataclass(frozen=True)
class Set:
    """SET name TO value; None is its default, RESET ALL has the name `all`."""

    name: str
    value: str | None
    tag: str = "SET"


@dataclass(frozen=True)
class Show:
    """SHOW name."""

    name: str


@dataclass(frozen=True)
class Declare:
    """A cursor of a query."""

    name: str
    sql: str
    hold: bool
    binary: bool


@dataclass(frozen=True)
class Fetch:
    """The next rows of a cursor; None is all that are left. MOVE leaves them out."""

    name: str
    most: int | None
    tag: Literal["FETCH", "MOVE"]


@dataclass(frozen=True)
class CloseCursor:
    """CLOSE; None is all."""

    name: str | None


@dataclass(frozen=True)
class Deallocate:
    """DEALLOCATE; None is all."""

    name: str | None


@dataclass(frozen=True)
class Done:
    """What has nothing to do here: DISCARD, UNLISTEN, LISTEN."""

    tag: str


@dataclass(frozen=True)
class Copy:
    """COPY (query) TO STDOUT."""

    sql: str
    csv: bool = False
    header: bool = False
    separator: str = "\t"
    null: str = "\\N"


@dataclass(frozen=True)
class Explain:
    """EXPLAIN of a query; with ANALYZE it runs."""

    sql: str
    analyze: bool


@dataclass(frozen=True)
class Ask:
    """A query."""

    sql: str


Command = Begin | End | Savepoint | Set | Show | Declare | Fetch | CloseCursor | Deallocate | Done | Copy | Explain | Ask


def command(sql: str) -> Command:
    """One statement, without comments before it. Raises SqlError for what can't be done here."""
    text = sql.strip()
    word = found[0].upper() if (found := re.match(r"[A-Za-z]+|\(", text)) else ""
    if word in ("SELECT", "WITH", "VALUES", "TABLE", "("):
        return Ask(text)
    if word in _WRITES:
        raise SqlError(
            f"cannot execute {word} in a read-only transaction", READ_ONLY, "the gateway reads; bdc sql, psql on the master and Spark write"
        )
    if word not in _READERS:
        raise SqlError(f'syntax error at or near "{text.split()[0][:60] if text.split() else ""}"', SYNTAX_ERROR, position=1)
    if len(text) > _LONGEST and word not in _WITH_QUERY:
        raise SqlError(f"this {word} is too long", SYNTAX_ERROR)
    for form, make in _READERS[word]:
        if found := form.fullmatch(text):
            return make(found)
    raise SqlError(f"this form of {word} isn't supported", NOT_SUPPORTED)


_WITH_QUERY = frozenset({"DECLARE", "COPY", "EXPLAIN"})
_LONGEST = 10_000
"""Characters that a statement without a query may have: the patterns take more than linear time."""
_WRITES = frozenset({
    "INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "CREATE", "ALTER", "DROP", "GRANT", "REVOKE", "COMMENT", "VACUUM", "ANALYZE",
    "REINDEX", "CLUSTER", "REFRESH", "LOCK", "NOTIFY", "CALL", "DO", "IMPORT", "REASSIGN", "SECURITY", "PREPARE", "EXECUTE", "LOAD",
    "CHECKPOINT",
})  # fmt: skip


def name(text: str) -> str:
    """An identifier: as it is in quotes, in lower case without."""
    return text[1:-1].replace('""', '"') if text.startswith('"') else text.lower()


def _value(text: str) -> str | None:
    text = text.strip()
    if text.upper() == "DEFAULT":
        return None
    parts = re.findall(r"""\s*('(?:[^']|'')*'|"(?:[^"]|"")*"|[^,]+?)\s*(?:,|\Z)""", text)
    return ", ".join(part[1:-1].replace("''", "'") if part.startswith("'") else part for part in parts)


def _form(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace(" ", r"\s+").replace("~", r"\s*"), _FLAGS)


def _fetch(found: re.Match[str]) -> Fetch:
    tag: Literal["FETCH", "MOVE"] = "FETCH" if found["tag"].upper() == "FETCH" else "MOVE"
    how = " ".join((found["how"] or "").upper().split()).removeprefix("FORWARD").strip()
    if how not in ("", "NEXT", "ALL") and not how.isdecimal():
        raise SqlError("cursor can only scan forward", "55000")
    most = None if how == "ALL" else int(how) if how.isdecimal() else 1
    return Fetch(name(found["name"]), most, tag)


def _declare(found: re.Match[str]) -> Declare:
    options = (found["options"] or "").upper()
    if "SCROLL" in options and "NO SCROLL" not in " ".join(options.split()):
        raise SqlError("cursors that scroll backward aren't supported", NOT_SUPPORTED, "DECLARE name NO SCROLL CURSOR FOR ...")
    return Declare(name(found["name"]), found["sql"], "WITH" in (found["hold"] or "").upper(), "BINARY" in options)


def _copy(found: re.Match[str]) -> Copy:
    sql = found["sql"] or f"SELECT {found['columns'] or '*'} FROM {found['table']}"  # noqa: S608 it is the client's own statement
    options = found["options"] or ""
    csv = re.search(r"\bCSV\b", options, _FLAGS) is not None
    if re.search(r"\bBINARY\b|\bFORCE_|\bENCODING\b|\bESCAPE\b|\bQUOTE\b", options, _FLAGS):
        raise SqlError("COPY TO STDOUT has the formats text and csv here, with HEADER, DELIMITER and NULL", NOT_SUPPORTED)
    header = re.search(r"\bHEADER\b(?!\s*(false|off|0))", options, _FLAGS) is not None
    given = {key: re.search(rf"\b{key}\s+(?:AS\s+)?'((?:[^']|'')*)'", options, _FLAGS) for key in ("DELIMITER", "NULL")}
    separator = given["DELIMITER"][1] if given["DELIMITER"] else "," if csv else "\t"
    if len(separator.encode()) != 1:
        raise SqlError("COPY delimiter must be a single one-byte character", "22023")
    null = given["NULL"][1].replace("''", "'") if given["NULL"] else "" if csv else "\\N"
    return Copy(sql, csv, header, separator, null)


def _explain(found: re.Match[str]) -> Explain:
    options = f"{found['options'] or ''} {found['words'] or ''}"
    return Explain(found["sql"], re.search(r"\bANALYZE\b(?!\s*(false|off|0))", options, _FLAGS) is not None)


def _isolation(found: re.Match[str]) -> Set:
    level = re.search(r"ISOLATION\s+LEVEL\s+(SERIALIZABLE|REPEATABLE\s+READ|READ\s+COMMITTED|READ\s+UNCOMMITTED)", found[0], _FLAGS)
    if re.search(r"READ\s+WRITE", found[0], _FLAGS):
        raise SqlError(
            "cannot set transaction read-write mode", READ_ONLY, "the gateway reads; bdc sql, psql on the master and Spark write"
        )
    return Set("transaction_isolation", " ".join(level[1].lower().split()) if level else None)


def _setting(found: re.Match[str]) -> Set:
    return Set(found["name"].lower(), _value(found["value"]))


_LEVEL = r"ISOLATION LEVEL (?:SERIALIZABLE|REPEATABLE READ|READ COMMITTED|READ UNCOMMITTED)"
_MODES = rf"(?:(?: WORK| TRANSACTION)?(?:~,?~(?:{_LEVEL}|READ ONLY|(?:NOT )?DEFERRABLE))*)"
_CHAIN = r"(?: WORK| TRANSACTION)?(?P<chain> AND (?P<no>NO )?CHAIN)?"
_SCROLL = r"(?P<options>(?: BINARY| ASENSITIVE| INSENSITIVE| NO SCROLL| SCROLL)*)"
_HOW = r"NEXT|ALL|FORWARD ALL|FORWARD \d+|FORWARD|\d+|BACKWARD.*|PRIOR|FIRST|LAST|ABSOLUTE.*|RELATIVE.*"
_STEP = (_form(rf"(?P<tag>FETCH|MOVE)(?: (?P<how>{_HOW}))?(?: FROM| IN)? {_NAME}"), _fetch)
_TO_STDOUT = r"~TO STDOUT(?: ?(?:WITH )?(?P<options>.*))?"


def _named(found: re.Match[str]) -> str | None:
    """The name in CLOSE or DEALLOCATE; None is all."""
    return None if found["name"].upper() == "ALL" else name(found["name"])


def _chained(found: re.Match[str]) -> bool:
    return bool(found["chain"]) and not found["no"]


_READERS: dict[str, list[tuple[re.Pattern[str], Callable[[re.Match[str]], Command]]]] = {
    "BEGIN": [(_form(rf"BEGIN{_MODES}"), lambda _: Begin("BEGIN"))],
    "START": [(_form(rf"START{_MODES}"), lambda _: Begin("START TRANSACTION"))],
    "COMMIT": [(_form(rf"COMMIT{_CHAIN}"), lambda found: End("COMMIT", _chained(found)))],
    "END": [(_form(r"END(?: WORK| TRANSACTION)?"), lambda _: End("COMMIT"))],
    "ABORT": [(_form(r"ABORT(?: WORK| TRANSACTION)?"), lambda _: End("ROLLBACK"))],
    "ROLLBACK": [
        (_form(rf"ROLLBACK{_CHAIN}"), lambda found: End("ROLLBACK", _chained(found))),
        (_form(rf"ROLLBACK(?: WORK| TRANSACTION)? TO(?: SAVEPOINT)? {_NAME}"), lambda _: Savepoint("ROLLBACK", heals=True)),
    ],
    "SAVEPOINT": [(_form(rf"SAVEPOINT {_NAME}"), lambda _: Savepoint("SAVEPOINT"))],
    "RELEASE": [(_form(rf"RELEASE(?: SAVEPOINT)? {_NAME}"), lambda _: Savepoint("RELEASE"))],
    "SET": [
        (_form(r"SET (?:LOCAL |SESSION )?TRANSACTION .*|SET SESSION CHARACTERISTICS AS TRANSACTION .*"), _isolation),
        (_form(r"SET (?:LOCAL |SESSION )?TIME ZONE (?P<value>.+)"), lambda found: Set("timezone", _value(found["value"]))),
        (_form(r"SET (?:LOCAL |SESSION )?NAMES (?P<value>.+)"), lambda found: Set("client_encoding", _value(found["value"]))),
        (_form(r"SET (?:LOCAL |SESSION )?(?P<name>[\w.]+)(?:~=~| TO )(?P<value>.+)"), _setting),
    ],
    "RESET": [
        (_form(r"RESET TIME ZONE"), lambda _: Set("timezone", None, "RESET")),
        (_form(r"RESET (?P<name>[\w.]+)"), lambda found: Set(found["name"].lower(), None, "RESET")),
    ],
    "SHOW": [
        (_form(r"SHOW TRANSACTION ISOLATION LEVEL"), lambda _: Show("transaction_isolation")),
        (_form(r"SHOW TIME ZONE"), lambda _: Show("timezone")),
        (_form(r"SHOW (?P<name>[\w.]+)"), lambda found: Show(found["name"].lower())),
    ],
    "DECLARE": [
        (_form(rf"DECLARE {_NAME}{_SCROLL} CURSOR(?P<hold> WITH HOLD| WITHOUT HOLD)? FOR (?P<sql>.+)"), _declare),
    ],
    "FETCH": [_STEP],
    "MOVE": [_STEP],
    "CLOSE": [(_form(rf"CLOSE {_NAME}"), lambda found: CloseCursor(_named(found)))],
    "DEALLOCATE": [(_form(rf"DEALLOCATE(?: PREPARE)? {_NAME}"), lambda found: Deallocate(_named(found)))],
    "DISCARD": [(_form(r"DISCARD (?P<what>ALL|PLANS|SEQUENCES|TEMPORARY|TEMP)"), lambda found: Done(f"DISCARD {found['what'].upper()}"))],
    "LISTEN": [(_form(rf"LISTEN {_NAME}"), lambda _: Done("LISTEN"))],
    "UNLISTEN": [(_form(r"UNLISTEN .+"), lambda _: Done("UNLISTEN"))],
    "COPY": [
        (_form(rf"COPY~\((?P<sql>.+)\){_TO_STDOUT}(?P<table>)(?P<columns>)"), _copy),
        (_form(rf"COPY (?P<table>[\w.\"]+)~(?:\((?P<columns>[^)]*)\))?{_TO_STDOUT}(?P<sql>)"), _copy),
    ],
    "EXPLAIN": [(_form(r"EXPLAIN(?: ?\((?P<options>[^)]*)\))?(?P<words>(?: ANALYZE| VERBOSE)*)~(?P<sql>.+)"), _explain)],
}  # fmt: skip
