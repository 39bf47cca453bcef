"""Sources as catalogs of Trino: a LOCATION taken apart, and which properties make a catalog of it.

No property holds a password: `${external:KEY}` is resolved by each server from the mounted Secret (images/trino, MountedSecretsPlugin).
So nothing that a user wrote may hold `${`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote, urlsplit

from bdc.errors import UsageError
from bdc.sql.external import pool
from bdc.sql.external.catalogs import Catalog, Relation, named
from bdc.sql.external.connectors import CONNECTORS, GENERIC, ODBC, Connector
from bdc.sql.external.definitions import DataSource, Rejects
from bdc.sql.external.files import folder
from bdc.sql.external.object_stores import PREFIXES, is_store, store
from bdc.sql.external.pool import is_pool
from bdc.sql.polybase.ddl import CreateFormat
from bdc.sql.quoting import bracketed

_JDBC_PUSHDOWN = ("join-pushdown.enabled", "aggregation-pushdown.enabled", "topn-pushdown.enabled")
_OPTION = re.compile(r"[A-Za-z][A-Za-z0-9_. ]*")
_HOST = re.compile(r"[A-Za-z0-9_.:\[\]-]+")
_NAME = re.compile(r"[A-Za-z0-9_$#@ -]+")
_PART = re.compile(r'\s*(?:\[((?:[^\]]|\]\])+)\]|"((?:[^"]|"")+)"|([^.\[\]"]+?))\s*(?:\.|$)')
_JDBC_URL = re.compile(r"jdbc:(?://)?(?P<kind>[a-z0-9+_-]+):(?P<rest>.+)", re.IGNORECASE)
_LOGIN_IN_URL = re.compile(r"\b(pass|passwd|password|pwd|secret|token|accesstoken|user|userid|username|uid)\s*=|//[^/?;]*@", re.IGNORECASE)
_OF_ODBC = frozenset({"driver", "servernode", "server", "host", "port", "dbcname"})
_SECRET_OPTIONS = frozenset({"password", "pwd", "user", "uid", "username", "userid"})
_NOT_YET = ("adl", "https", "http")


@dataclass(frozen=True)
class Address:
    """A LOCATION taken apart. `url`: the driver's, where that is what LOCATION says. `options`: CONNECTION_OPTIONS, less ODBC's own."""

    connector: Connector
    host: str
    port: int
    database: str
    url: str = ""
    options: str | None = None


def address(source: DataSource) -> Address:
    """Where a source is. Raises UsageError for what no connector takes."""
    if "${" in source.location + (source.options or ""):
        raise UsageError(f"source {source.name}: ${{ may stand neither in LOCATION nor in CONNECTION_OPTIONS")
    if url := _JDBC_URL.fullmatch(source.location):
        return _of_url(source, url["kind"].lower(), url["rest"])
    prefix, separator, _ = source.location.partition("://")
    prefix = prefix.lower()
    if prefix == "odbc":
        return address(_without_odbc(source))
    connector = CONNECTORS.get(prefix)
    if not separator or connector is None:
        if prefix in _NOT_YET:
            raise UsageError(
                f"source {source.name}: {prefix}:// is recognized but not supported yet", "files are on hdfs://, s3:// or abfss://"
            )
        known = ", ".join(f"{one}://" for one in (*CONNECTORS, "odbc", *PREFIXES, pool.PREFIX))
        raise UsageError(f"source {source.name}: its LOCATION {source.location!r} begins with none of {known}")
    if prefix == "jdbc":
        raise UsageError(
            f"source {source.name}: its LOCATION {source.location!r} is no URL of a driver", "such as jdbc:h2:tcp://host/sales"
        )
    return _split(source, connector)


def _of_url(source: DataSource, kind: str, rest: str) -> Address:
    """A driver's own URL, jdbc:kind:rest, which bdc doesn't take apart. `jdbc://kind:rest` means it, too."""
    if kind in CONNECTORS and CONNECTORS[kind].name != GENERIC:
        raise UsageError(f"source {source.name}: {CONNECTORS[kind].title} has a connector of its own", f"LOCATION = '{kind}://host:port'")
    if found := _LOGIN_IN_URL.search(rest):
        said = f"{found[1]}=" if found[1] else "a user"
        raise UsageError(f"source {source.name}: LOCATION has {said}", "CREATE DATABASE SCOPED CREDENTIAL keeps users and passwords")
    if source.options:
        raise UsageError(
            f"source {source.name}: CONNECTION_OPTIONS aren't taken beside jdbc:", "what the driver is to know stands in its URL, LOCATION"
        )
    return Address(CONNECTORS["jdbc"], "", 0, "", f"jdbc:{kind}:{rest}")


def _without_odbc(source: DataSource) -> DataSource:
    """The same source under the prefix that its ODBC driver stands for. LOCATION wins over ServerNode, Server and Port."""
    parts = [one.strip() for one in (source.options or "").split(";") if one.strip()]
    options = {key.strip().lower(): value.strip() for key, _, value in (one.partition("=") for one in parts)}
    driver = options.get("driver", "").strip("{}")
    prefix = next((prefix for words, prefix in ODBC if re.search(words, driver, re.IGNORECASE)), None)
    if prefix is None:
        said = f"no driver that is known here: {driver!r}" if driver else "no Driver"
        raise UsageError(
            f"source {source.name}: CONNECTION_OPTIONS name {said}",
            "Driver={...} has the name of one of " + ", ".join(sorted({CONNECTORS[one].title for _, one in ODBC}))
            + "; any other is reached by JDBC: LOCATION = 'jdbc:...'",
        )  # fmt: skip
    kept = ";".join(one for one in parts if one.partition("=")[0].strip().lower() not in _OF_ODBC)
    return replace(source, location=f"{prefix}{source.location[len('odbc') :]}", options=kept or None)


def _split(source: DataSource, connector: Connector) -> Address:
    try:
        parts = urlsplit(source.location)
        host, port = parts.hostname or "", connector.port if parts.port is None else parts.port
    except ValueError as error:
        raise UsageError(f"source {source.name}: its LOCATION can't be read: {error}") from error
    if parts.username is not None or parts.password is not None:
        raise UsageError(f"source {source.name}: LOCATION has a user", "CREATE DATABASE SCOPED CREDENTIAL keeps users and passwords")
    if parts.query or parts.fragment:
        raise UsageError(f"source {source.name}: LOCATION has ? or #", "what the driver is to know stands in CONNECTION_OPTIONS, 'k=v;k=v'")
    if not port:
        raise UsageError(f"source {source.name}: LOCATION has the port 0")
    if not _HOST.fullmatch(host):
        raise UsageError(
            f"source {source.name}: LOCATION names no host: {source.location!r}", "such as postgresql://db.example.com:5432/sales"
        )
    database = parts.path.strip("/")
    if database and not connector.per_database:
        raise UsageError(
            f"source {source.name}: LOCATION has the path {database!r}, and {connector.title} takes none", "name it in the tables' LOCATION"
        )
    return Address(connector, f"[{host}]" if ":" in host else host, port, database, options=source.options)


def check(source: DataSource) -> None:
    """Raises UsageError for a source that can't be one, without asking it. One that names no database may be one: its tables do."""
    if is_store(source):
        store(source)
        return
    if is_pool(source):
        pool.check(source)
        return
    at = address(source)
    database = _options(source, at).database
    if source.credential:
        check_identity(source.credential.identity)
    if at.database or database or not at.connector.per_database:
        catalog(source)


def check_identity(identity: str) -> None:
    """Raises UsageError for an IDENTITY that Trino would take for a reference."""
    if "${" in identity:
        raise UsageError("${ may not stand in IDENTITY")


def database_of(source: DataSource) -> str | None:
    """The database that a source names itself; None where it names none, or has none."""
    at = address(source)
    return at.database or _options(source, at).database


def is_database(source: DataSource) -> bool:
    """Whether a source is reached by a connector of Trino's for databases: it has no files, and isn't the data pool."""
    return not is_store(source) and not is_pool(source)


def own_catalog(source: DataSource) -> Catalog | None:
    """The catalog of the database that a source names itself; a store's are those of its tables. Raises UsageError."""
    if not is_database(source):
        return None
    needs = address(source).connector.per_database
    return catalog(source) if database_of(source) or not needs else None


def place(source: DataSource, location: str, form: CreateFormat | None = None, rejects: Rejects | None = None) -> Relation:
    """Where the object of a table's LOCATION is: database.schema.table, as far as its kind of source has them, or a path in a store."""
    if is_store(source):
        if form is None:
            raise UsageError(
                f"a table of {source.name} is of files, and needs a FILE_FORMAT",
                "CREATE EXTERNAL FILE FORMAT parquet WITH (FORMAT_TYPE = PARQUET)",
            )
        return folder(source, location, form, rejects)
    if form is not None:
        what = "the data pool" if is_pool(source) else "a database"
        raise UsageError(f"{source.name} is {what}: its tables have no FILE_FORMAT")
    names = split_name(location)
    if is_pool(source):
        if len(names) != len(("schema", "table")):
            raise UsageError(f"LOCATION {location!r} isn't schema.table, as the data pool has it", "CREATE EXTERNAL TABLE gives it none")
        return Relation(pool.LAKE, *names)
    at = address(source)
    if not names or len(names) > (3 if at.connector.per_database else 2):
        names_are = "[database.][schema.]table" if at.connector.per_database else "database.table"
        raise UsageError(f"LOCATION {location!r} isn't {names_are}, as {at.connector.title} has it")
    name = names[-1]
    schema = names[-2] if len(names) > 1 else _schema(source, at.connector, location)
    database = names[0] if len(names) > 2 else None
    return Relation(catalog(source, database), schema, name)


def _schema(source: DataSource, connector: Connector, location: str) -> str:
    if connector.default_schema:
        return connector.default_schema
    if connector.name == "oracle" and source.credential:
        return source.credential.identity
    raise UsageError(f"LOCATION {location!r} names no {'schema' if connector.per_database else 'database'}", "such as 'sales.orders'")


def split_name(text: str) -> list[str]:
    """The names of a.b.c, of which any may stand in [brackets] or "quotes"; empty where it is none."""
    names, at = [], 0
    while at < len(text):
        found = _PART.match(text, at)
        if not found or found.end() == at:
            return []
        bracketed, quoted, plain = found.groups()
        names.append(bracketed.replace("]]", "]") if bracketed else quoted.replace('""', '"') if quoted else plain)
        at = found.end()
    return [] if text.rstrip().endswith(".") else names


def written_name(name: str) -> str:
    """A name as `split_name` reads it."""
    return name if name.replace("_", "a").isalnum() else bracketed(name)


def catalog(source: DataSource, database: str | None = None) -> Catalog:
    """The catalog of a source, or of another database of it; a name has a hash of all that is in it, so that what changes is another."""
    at = address(source)
    connector, given = at.connector, _options(source, at)
    database = database or at.database or given.database or ""
    if connector.per_database and not database:
        raise UsageError(
            f"source {source.name}: no database is named",
            f"in its LOCATION ({source.location.rstrip('/')}/database) or in the table's ('database.schema.table')",
        )
    if database and not _NAME.fullmatch(database):
        raise UsageError(f"source {source.name}: {database!r} can't be a database's name")
    options = connector.start + connector.between.join(given.of_driver) + connector.end if given.of_driver else ""
    login = ""
    if source.credential and connector.name == "mongodb":
        secret = f":${{external:{source.credential.key}@url}}" if source.credential.key else ""
        login = f"{quote(source.credential.identity, safe='')}{secret}@"
    url = at.url or connector.url.format(host=at.host, port=at.port, database=database, options=options, login=login)
    properties = {"mongodb.connection-url" if connector.name == "mongodb" else "connection-url": url}
    if connector.name != "mongodb":
        properties |= _login(source)
        properties |= dict.fromkeys(_JDBC_PUSHDOWN, "false") if not source.pushdown else {}
    account = at.host.partition(".snowflakecomputing.")[0]
    properties |= {key: value.format(database=database, account=account) for key, value in connector.properties.items()}
    properties |= given.of_catalog
    return named(source.name, connector.name, properties)


def _login(source: DataSource) -> dict[str, str]:
    if not source.credential:
        return {}
    login = {"connection-user": source.credential.identity}
    return login | ({"connection-password": f"${{external:{source.credential.key}}}"} if source.credential.key else {})


@dataclass(frozen=True)
class _Options:
    """The database that CONNECTION_OPTIONS name, what the driver is to know as it spells it, and properties of the catalog."""

    database: str | None
    of_driver: Sequence[str]
    of_catalog: Mapping[str, str]


def _options(source: DataSource, at: Address) -> _Options:
    connector = at.connector
    database, found, settings = None, [], {}
    for one in filter(None, (part.strip() for part in (at.options or "").split(";"))):
        key, separator, value = (part.strip() for part in one.partition("="))
        short = key.lower().replace(" ", "")
        if not separator or not _OPTION.fullmatch(key):
            raise UsageError(f"source {source.name}: CONNECTION_OPTIONS has {key!r}, which is no k=v")
        if short in _SECRET_OPTIONS:
            raise UsageError(
                f"source {source.name}: CONNECTION_OPTIONS has {key}", "CREATE DATABASE SCOPED CREDENTIAL keeps users and passwords"
            )
        if short in ("database", "databasename", "initialcatalog", "servicename") and connector.per_database:
            database = value
        elif short in connector.options:
            found.append(f"{connector.options[short]}={_value(source, connector, value)}")
        elif short in connector.settings:
            settings[connector.settings[short]] = value
        else:
            raise UsageError(
                f"source {source.name}: {connector.title} takes no option {key} here",
                f"it takes {', '.join(sorted([*connector.options.values(), *connector.settings]))}",
            )
    return _Options(database, found, settings)


def _value(source: DataSource, connector: Connector, value: str) -> str:
    if connector.between == "&":
        return quote(value, safe="")
    if re.fullmatch(r"[A-Za-z0-9_.:-]*", value):
        return value
    if connector.name == "sqlserver":  # its driver takes braces around what could be mistaken
        return "{" + value.replace("}", "}}") + "}"
    raise UsageError(f"source {source.name}: CONNECTION_OPTIONS has {value!r}, which can't stand in the driver's URL")
