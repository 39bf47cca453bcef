"""Sources as catalogs of Trino: what stands behind each prefix of a LOCATION, and which properties make a catalog of it.

The properties are Trino's: https://trino.io/docs/476/connector.html. None of them holds a password: `${external:KEY}` is resolved by
each server from the mounted Secret (images/trino, MountedSecretsPlugin). So nothing that a user wrote may hold `${`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from bdc.errors import UsageError
from bdc.sql.external.definitions import Source

PREFIX = "ext_"
"""What names of sources' catalogs begin with."""

_JDBC = {"case-insensitive-name-matching": "true", "unsupported-type-handling": "CONVERT_TO_VARCHAR"}
_JDBC_PUSHDOWN = ("join-pushdown.enabled", "aggregation-pushdown.enabled", "topn-pushdown.enabled")
_OPTION = re.compile(r"[A-Za-z][A-Za-z0-9_. ]*")
_HOST = re.compile(r"[A-Za-z0-9_.:\[\]-]+")
_NAME = re.compile(r"[A-Za-z0-9_$#@ -]+")
_PART = re.compile(r'\s*(?:\[((?:[^\]]|\]\])+)\]|"((?:[^"]|"")+)"|([^.\[\]"]+?))\s*(?:\.|$)')
_SECRET_OPTIONS = frozenset({"password", "pwd", "user", "uid", "username", "userid"})


@dataclass(frozen=True)
class Connector:
    """How one kind of source becomes catalogs.

    `name` is Trino's connector. `url` has {host}, {port}, {database}, {login} and {options}, which begin with `start` and are joined by
    `between`. `per_database`: a catalog sees one database, the first of three names of a table's location; else a location has two names.
    `default_schema` may be left out of it. `options`: the CONNECTION_OPTIONS that the driver takes, by their names in lower case.
    """

    name: str
    port: int
    url: str
    title: str
    start: str = "?"
    between: str = "&"
    per_database: bool = False
    default_schema: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)


def _known(*names: str) -> dict[str, str]:
    return {name.lower(): name for name in names}


_POSTGRESQL = _known(
    "sslmode", "ssl", "connectTimeout", "socketTimeout", "loginTimeout", "ApplicationName", "targetServerType", "tcpKeepAlive",
    "preferQueryMode", "prepareThreshold", "readOnly", "options", "gssEncMode", "channelBinding",
)  # fmt: skip
_MYSQL = _known(
    "sslMode", "useSSL", "requireSSL", "connectTimeout", "socketTimeout", "tcpKeepAlive", "serverTimezone", "connectionTimeZone"
)
_MARIADB = _known("sslMode", "useSsl", "connectTimeout", "socketTimeout", "tcpKeepAlive", "timezone")
_SQLSERVER = _known(
    "encrypt", "trustServerCertificate", "hostNameInCertificate", "loginTimeout", "socketTimeout", "applicationName", "applicationIntent",
    "multiSubnetFailover", "failoverPartner", "instanceName", "integratedSecurity", "authenticationScheme", "domain", "packetSize",
)  # fmt: skip
_MONGODB = _known(
    "authSource", "authMechanism", "replicaSet", "tls", "ssl", "readPreference", "readConcernLevel", "connectTimeoutMS", "socketTimeoutMS",
    "serverSelectionTimeoutMS", "directConnection", "retryReads", "retryWrites", "maxPoolSize", "appName",
)  # fmt: skip

CONNECTORS: dict[str, Connector] = {
    "postgresql": Connector(
        "postgresql", 5432, "jdbc:postgresql://{host}:{port}/{database}{options}", "PostgreSQL", per_database=True, default_schema="public",
        options=_POSTGRESQL, properties={**_JDBC, "postgresql.array-mapping": "AS_ARRAY"},
    ),
    "mysql": Connector("mysql", 3306, "jdbc:mysql://{host}:{port}{options}", "MySQL", options=_MYSQL, properties=_JDBC),
    "mariadb": Connector(
        "mariadb", 3306, "jdbc:mariadb://{host}:{port}/{options}", "MariaDB", options=_MARIADB, properties=_JDBC,
    ),
    "sqlserver": Connector(
        "sqlserver", 1433, "jdbc:sqlserver://{host}:{port};databaseName={database}{options}", "SQL Server", ";", ";", per_database=True,
        default_schema="dbo", options=_SQLSERVER, properties=_JDBC,
    ),
    "oracle": Connector(
        "oracle", 1521, "jdbc:oracle:thin:@//{host}:{port}/{database}{options}", "Oracle", per_database=True, properties=_JDBC,
        options=_known("oracle.net.CONNECT_TIMEOUT", "oracle.jdbc.ReadTimeout"),
    ),
    "clickhouse": Connector(
        "clickhouse", 8123, "jdbc:clickhouse://{host}:{port}/{options}", "ClickHouse", properties=_JDBC,
        options=_known("ssl", "sslmode", "socket_timeout", "connect_timeout", "compress"),
    ),
    "mongodb": Connector(
        "mongodb", 27017, "mongodb://{login}{host}:{port}/{options}", "MongoDB", options=_MONGODB,
        properties={"mongodb.case-insensitive-name-matching": "true"},
    ),
}  # fmt: skip
"""By the prefix of LOCATION."""

_FILES = ("hdfs", "s3", "s3a", "abfs", "abfss", "wasb", "wasbs", "adl", "adls", "sqlhdfs", "sqldatapool", "https", "http")


@dataclass(frozen=True)
class Catalog:
    """A catalog of Trino that stands for a source, or for one database of it."""

    name: str
    connector: str
    properties: Mapping[str, str]

    def create(self) -> str:
        """The statement that makes it; Trino logs it whole, and it has no secret."""
        inside = ", ".join(f'"{key}" = {literal(value)}' for key, value in self.properties.items())
        return f'CREATE CATALOG IF NOT EXISTS "{self.name}" USING {self.connector} WITH ({inside})'


@dataclass(frozen=True)
class Place:
    """Where an object is: its source's catalog, and schema and name in it."""

    catalog: Catalog
    schema: str
    name: str

    @property
    def relation(self) -> str:
        """The object as Trino names it."""
        return f'"{self.catalog.name}".{identifier(self.schema.lower())}.{identifier(self.name.lower())}'


@dataclass(frozen=True)
class Address:
    """A LOCATION taken apart."""

    connector: Connector
    host: str
    port: int
    database: str


def identifier(name: str) -> str:
    """A name as Trino's SQL quotes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A string as Trino's SQL quotes it."""
    return "'" + value.replace("'", "''") + "'"


def address(source: Source) -> Address:
    """Where a source is. Raises UsageError for what no connector takes."""
    if "${" in source.location + (source.options or ""):
        raise UsageError(f"source {source.name}: ${{ may stand neither in LOCATION nor in CONNECTION_OPTIONS")
    prefix, separator, _ = source.location.partition("://")
    prefix = prefix.lower()
    connector = CONNECTORS.get(prefix)
    if not separator or connector is None:
        if prefix in _FILES:
            raise UsageError(
                f"source {source.name}: {prefix}:// is understood, but not run yet", "this version of bdc has no external files"
            )
        known = ", ".join(f"{one}://" for one in CONNECTORS)
        raise UsageError(f"source {source.name}: its LOCATION {source.location!r} begins with none of {known}")
    return _split(source, connector)


def _split(source: Source, connector: Connector) -> Address:
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
    return Address(connector, f"[{host}]" if ":" in host else host, port, database)


def check(source: Source) -> None:
    """Raises UsageError for a source that can't be one, without asking it. One that names no database may be one: its tables do."""
    at = address(source)
    database, _ = _options(source, at.connector)
    if source.credential:
        check_identity(source.credential.identity)
    if at.database or database or not at.connector.per_database:
        catalog(source)


def check_identity(identity: str) -> None:
    """Raises UsageError for an IDENTITY that Trino would take for a reference."""
    if "${" in identity:
        raise UsageError("${ may not stand in IDENTITY")


def database_of(source: Source) -> str | None:
    """The database that a source names itself; None where it names none, or has none."""
    at = address(source)
    return at.database or _options(source, at.connector)[0]


def place(source: Source, location: str) -> Place:
    """Where the object of a table's LOCATION is: database.schema.table, as far as its kind of source has them."""
    at = address(source)
    names = split_name(location)
    if not names or len(names) > (3 if at.connector.per_database else 2):
        form = "[database.][schema.]table" if at.connector.per_database else "database.table"
        raise UsageError(f"LOCATION {location!r} isn't {form}, as {at.connector.title} has it")
    name = names[-1]
    schema = names[-2] if len(names) > 1 else _schema(source, at.connector, location)
    database = names[0] if len(names) > 2 else None
    return Place(catalog(source, database), schema, name)


def _schema(source: Source, connector: Connector, location: str) -> str:
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


def catalog(source: Source, database: str | None = None) -> Catalog:
    """The catalog of a source, or of another database of it; a name has a hash of all that is in it, so that what changes is another."""
    at = address(source)
    connector, (database_option, options) = at.connector, _options(source, at.connector)
    database = database or at.database or database_option or ""
    if connector.per_database and not database:
        raise UsageError(
            f"source {source.name}: no database is named",
            f"in its LOCATION ({source.location.rstrip('/')}/database) or in the table's ('database.schema.table')",
        )
    if database and not _NAME.fullmatch(database):
        raise UsageError(f"source {source.name}: {database!r} can't be a database's name")
    given = connector.start + connector.between.join(options) if options else ""
    login = ""
    if source.credential and connector.name == "mongodb":
        secret = f":${{external:{source.credential.key}@url}}" if source.credential.key else ""
        login = f"{quote(source.credential.identity, safe='')}{secret}@"
    url = connector.url.format(host=at.host, port=at.port, database=database, options=given, login=login)
    properties = {"mongodb.connection-url" if connector.name == "mongodb" else "connection-url": url}
    if connector.name != "mongodb":
        properties |= _login(source)
        properties |= dict.fromkeys(_JDBC_PUSHDOWN, "false") if not source.pushdown else {}
    properties |= connector.properties
    text = json.dumps([connector.name, properties], sort_keys=True)
    slug = re.sub(r"[^a-z0-9]+", "_", source.name.lower()).strip("_")[:32]
    return Catalog(f"{PREFIX}{slug}_{hashlib.sha256(text.encode()).hexdigest()[:10]}", connector.name, properties)


def _login(source: Source) -> dict[str, str]:
    if not source.credential:
        return {}
    login = {"connection-user": source.credential.identity}
    return login | ({"connection-password": f"${{external:{source.credential.key}}}"} if source.credential.key else {})


def _options(source: Source, connector: Connector) -> tuple[str | None, Sequence[str]]:
    """The database that CONNECTION_OPTIONS name, and the rest as the driver spells them."""
    database, found = None, []
    for one in filter(None, (part.strip() for part in (source.options or "").split(";"))):
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
            found.append(f"{connector.options[short]}={_value(connector, value)}")
        else:
            raise UsageError(
                f"source {source.name}: {connector.title} takes no option {key} here",
                f"it takes {', '.join(sorted(connector.options.values()))}",
            )
    return database, found


def _value(connector: Connector, value: str) -> str:
    if connector.between == ";":  # SQL Server's driver takes braces around what could be mistaken
        return value if re.fullmatch(r"[A-Za-z0-9_.:-]*", value) else "{" + value.replace("}", "}}") + "}"
    return quote(value, safe="")
