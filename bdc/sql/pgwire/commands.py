"""The statements that aren't queries: transactions, settings, cursors, COPY. What is none of them goes on to the planner as it is.

https://www.postgresql.org/docs/17/sql-commands.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bdc.sql import quoting
from bdc.sql.pgwire import copying
from bdc.sql.pgwire.errors import NOT_SUPPORTED, READ_ONLY, SYNTAX_ERROR, SqlError

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
    """SAVEPOINT, RELEASE, ROLLBACK TO, which the tag tells apart: what is kept are settings. A failed transaction goes on by the last."""

    tag: Literal["SAVEPOINT", "RELEASE", "ROLLBACK"]
    name: str


@dataclass(frozen=True)
class Set:
    """SET name TO value; None is its default, RESET ALL has the name `all`. `local` is for this transaction."""

    name: str
    value: str | None
    tag: str = "SET"
    local: bool = False


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
class NoOp:
    """What has nothing to do here: DISCARD, UNLISTEN, LISTEN."""

    tag: str


@dataclass(frozen=True)
class Copy:
    """COPY (query) TO STDOUT."""

    sql: str
    form: copying.Format


@dataclass(frozen=True)
class Explain:
    """EXPLAIN of a query; with ANALYZE it runs."""

    sql: str
    analyze: bool


@dataclass(frozen=True)
class Query:
    """A query."""

    sql: str


Command = Begin | End | Savepoint | Set | Show | Declare | Fetch | CloseCursor | Deallocate | NoOp | Copy | Explain | Query


def command(sql: str) -> Command:
    """One statement, without comments before it. Raises SqlError for what can't be done here."""
    text = sql.strip()
    word = found[0].upper() if (found := re.match(r"[A-Za-z]+|\(", text)) else ""
    if word in ("SELECT", "WITH", "VALUES", "TABLE", "("):
        return Query(text)
    if word in _WRITES:
        raise SqlError(f"cannot execute {word} in a read-only transaction", READ_ONLY, _WRITERS)
    if word not in _READERS:
        raise SqlError(f'syntax error at or near "{text.split()[0][:60] if text.split() else ""}"', SYNTAX_ERROR, position=1)
    if len(text) > _LONGEST and word not in _WITH_QUERY:
        raise SqlError(f"this {word} is too long", SYNTAX_ERROR)
    for form, make in _READERS[word]:
        if found := form.fullmatch(text):
            return make(found)
    raise SqlError(f"this form of {word} isn't supported", NOT_SUPPORTED)


_WRITERS = "the gateway reads; bdc sql, psql on the master and Spark write"
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


_VALUE = re.compile(r"""\s*(?P<text>E'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|[+-]?[\w.$]+)\s*(?P<more>,|\Z)""", re.IGNORECASE)
_LISTS = frozenset({"search_path", "datestyle", "temp_tablespaces", "session_preload_libraries", "local_preload_libraries"})
"""Settings that are lists; others have one value."""


def _value(name: str, text: str) -> str | None:
    """What SET gives a setting: strings and names in quotes as they are, words in lower case; None is its default. Raises SqlError."""
    text = text.strip()
    if text.upper() == "DEFAULT":
        return None
    found, at = list[str](), 0
    while True:
        if not (item := _VALUE.match(text, at)):
            raise SqlError(f'syntax error at or near "{text[at:].strip()[:60]}"', SYNTAX_ERROR)
        found.append(_plain(item["text"]))
        at = item.end()
        if not item["more"]:
            break
    if name not in _LISTS:
        if len(found) > 1:
            raise SqlError(f"SET {name} takes only one argument", "22023")
        return found[0]
    return ", ".join(map(identifier, found) if name != "datestyle" else found)


def _plain(text: str) -> str:
    if text[0] in "eE" and text[1:2] == "'":
        return re.sub(r"\\(.)", r"\1", text[2:-1].replace("''", "'"))
    if text[0] == "'":
        return text[1:-1].replace("''", "'")
    return name(text)


def identifier(text: str) -> str:
    """A name as it is written: in quotes where it needs them."""
    return text if re.fullmatch(r"[a-z_][a-z0-9_$]*", text) else quoting.identifier(text)


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
    return Copy(sql, copying.options(found["options"] or ""))


def _copy_elsewhere(found: re.Match[str]) -> Copy:
    if found["way"].upper() == "FROM":
        raise SqlError("cannot execute COPY FROM in a read-only transaction", READ_ONLY, _WRITERS)
    raise SqlError("COPY to a file or a program isn't supported", NOT_SUPPORTED, "COPY ... TO STDOUT; psql has \\copy")


def _explain(found: re.Match[str]) -> Explain:
    options = f"{found['options'] or ''} {found['words'] or ''}"
    return Explain(found["sql"], re.search(r"\bANALYZE\b(?!\s*(false|off|0))", options, _FLAGS) is not None)


def _isolation(found: re.Match[str]) -> Set:
    level = re.search(r"ISOLATION\s+LEVEL\s+(SERIALIZABLE|REPEATABLE\s+READ|READ\s+COMMITTED|READ\s+UNCOMMITTED)", found[0], _FLAGS)
    if re.search(r"READ\s+WRITE", found[0], _FLAGS):
        raise SqlError("cannot set transaction read-write mode", READ_ONLY, _WRITERS)
    local = "CHARACTERISTICS" not in found[0].upper()
    return Set("transaction_isolation", " ".join(level[1].lower().split()) if level else None, local=local)


def _setting(found: re.Match[str]) -> Set:
    setting = name(found["name"]).lower()
    return Set(setting, _value(setting, found["value"]), local=_local(found))


def _named_setting(setting: str) -> Callable[[re.Match[str]], Set]:
    """SET with words of its own for a setting, such as SET NAMES."""
    return lambda found: Set(setting, _value(setting, found["value"] or "DEFAULT"), local=_local(found))


def _local(found: re.Match[str]) -> bool:
    return (found["scope"] or "").strip().upper() == "LOCAL"


def _zone(found: re.Match[str]) -> Set:
    """SET TIME ZONE, which has hours, intervals and LOCAL, too."""
    value = found["value"].strip()
    if offset := re.fullmatch(r"INTERVAL\s*'\s*([+-]?\d\d?(?::\d\d)?)\s*'(?:\s*HOUR\s+TO\s+MINUTE)?", value, _FLAGS):
        value = f"'{offset[1]}'"
    return Set("timezone", _value("timezone", "DEFAULT" if value.upper() == "LOCAL" else value), local=_local(found))


_SCOPE = r"SET (?P<scope>LOCAL |SESSION )?"
_SETTING = r'(?P<name>"[\w.]+"|[\w.]+)'
_LEVEL = r"ISOLATION LEVEL (?:SERIALIZABLE|REPEATABLE READ|READ COMMITTED|READ UNCOMMITTED)"
_MODES = rf"(?:(?: WORK| TRANSACTION)?(?:~,?~(?:{_LEVEL}|READ ONLY|(?:NOT )?DEFERRABLE))*)"
_CHAIN = r"(?: WORK| TRANSACTION)?(?P<chain> AND (?P<no>NO )?CHAIN)?"
_SCROLL = r"(?P<options>(?: BINARY| ASENSITIVE| INSENSITIVE| NO SCROLL| SCROLL)*)"
_HOW = r"NEXT|ALL|FORWARD ALL|FORWARD \d+|FORWARD|\d+|BACKWARD.*|PRIOR|FIRST|LAST|ABSOLUTE.*|RELATIVE.*"
_STEP = (_form(rf"(?P<tag>FETCH|MOVE)(?: (?P<how>{_HOW}))?(?: FROM| IN)? {_NAME}"), _fetch)
_TO_STDOUT = r"~TO STDOUT(?P<options>\W.*)?"
_TABLE = r'(?:\w+|"(?:[^"]|"")+")(?:~\.~(?:\w+|"(?:[^"]|"")+"))*'


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
        (_form(rf"ROLLBACK(?: WORK| TRANSACTION)? TO(?: SAVEPOINT)? {_NAME}"), lambda found: Savepoint("ROLLBACK", name(found["name"]))),
    ],
    "SAVEPOINT": [(_form(rf"SAVEPOINT {_NAME}"), lambda found: Savepoint("SAVEPOINT", name(found["name"])))],
    "RELEASE": [(_form(rf"RELEASE(?: SAVEPOINT)? {_NAME}"), lambda found: Savepoint("RELEASE", name(found["name"])))],
    "SET": [
        (_form(r"SET (?:LOCAL |SESSION )?TRANSACTION .*|SET SESSION CHARACTERISTICS AS TRANSACTION .*"), _isolation),
        (_form(rf"{_SCOPE}TIME ZONE (?P<value>.+)"), _zone),
        (_form(rf"{_SCOPE}NAMES(?: (?P<value>.+))?"), _named_setting("client_encoding")),
        (_form(rf"{_SCOPE}SCHEMA (?P<value>.+)"), _named_setting("search_path")),
        (_form(rf"{_SCOPE}ROLE (?P<value>.+)"), _named_setting("role")),
        (_form(rf"{_SCOPE}SESSION AUTHORIZATION (?P<value>.+)"), _named_setting("session_authorization")),
        (_form(rf"{_SCOPE}{_SETTING}(?:~=~| TO )(?P<value>.+)"), _setting),
    ],
    "RESET": [
        (_form(r"RESET TIME ZONE"), lambda _: Set("timezone", None, "RESET")),
        (_form(r"RESET SESSION AUTHORIZATION"), lambda _: Set("session_authorization", None, "RESET")),
        (_form(rf"RESET {_SETTING}"), lambda found: Set(name(found["name"]).lower(), None, "RESET")),
    ],
    "SHOW": [
        (_form(r"SHOW TRANSACTION ISOLATION LEVEL"), lambda _: Show("transaction_isolation")),
        (_form(r"SHOW TIME ZONE"), lambda _: Show("timezone")),
        (_form(r"SHOW SESSION AUTHORIZATION"), lambda _: Show("session_authorization")),
        (_form(rf"SHOW {_SETTING}"), lambda found: Show(name(found["name"]).lower())),
    ],
    "DECLARE": [
        (_form(rf"DECLARE {_NAME}{_SCROLL} CURSOR(?P<hold> WITH HOLD| WITHOUT HOLD)? FOR (?P<sql>.+)"), _declare),
    ],
    "FETCH": [_STEP],
    "MOVE": [_STEP],
    "CLOSE": [(_form(rf"CLOSE {_NAME}"), lambda found: CloseCursor(_named(found)))],
    "DEALLOCATE": [(_form(rf"DEALLOCATE(?: PREPARE)? {_NAME}"), lambda found: Deallocate(_named(found)))],
    "DISCARD": [(_form(r"DISCARD (?P<what>ALL|PLANS|SEQUENCES|TEMPORARY|TEMP)"), lambda found: NoOp(f"DISCARD {found['what'].upper()}"))],
    "LISTEN": [(_form(rf"LISTEN {_NAME}"), lambda _: NoOp("LISTEN"))],
    "UNLISTEN": [(_form(r"UNLISTEN .+"), lambda _: NoOp("UNLISTEN"))],
    "COPY": [
        (_form(rf"COPY~\((?P<sql>.+)\){_TO_STDOUT}(?P<table>)(?P<columns>)"), _copy),
        (_form(rf"COPY (?P<table>{_TABLE})~(?:\((?P<columns>[^)]*)\))?{_TO_STDOUT}(?P<sql>)"), _copy),
        (_form(rf"COPY (?:BINARY )?(?:\(.+\)|{_TABLE}~(?:\([^)]*\))?)~(?P<way>FROM|TO) .+"), _copy_elsewhere),
    ],
    "EXPLAIN": [(_form(r"EXPLAIN(?: ?\((?P<options>[^)]*)\))?(?P<words>(?: ANALYZE| VERBOSE)*)~(?P<sql>.+)"), _explain)],
}  # fmt: skip
