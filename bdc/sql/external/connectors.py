"""What stands behind each prefix of a LOCATION: Trino's connector, and how the driver's URL is written.

The properties are Trino's: https://trino.io/docs/476/connector.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bdc.config.names import DRIVERS, NAMESERVICE

GENERIC = "generic_jdbc"
"""The connector of images/trino for any database with a JDBC driver."""

POSTGRESQL = "postgresql_whole"
"""The connector of images/trino for PostgreSQL: Trino's, with all columns."""

_JDBC = {"case-insensitive-name-matching": "true", "unsupported-type-handling": "CONVERT_TO_VARCHAR"}
SCALE = 20
"""Digits after the point of a number whose source says none, or more than 38 in all: PostgreSQL's avg() has 20 below 1, and 18 are left
before the point. A value with more fails its query: no digit is cut off."""

_DECIMAL = {"decimal-mapping": "ALLOW_OVERFLOW", "decimal-default-scale": str(SCALE), "decimal-rounding-mode": "UNNECESSARY"}
_DECIMAL_SCALE = {"decimalscale": "decimal-default-scale"}
_GENERIC = {**_JDBC, "drivers.folder": f"hdfs://{NAMESERVICE}{DRIVERS}"}


@dataclass(frozen=True)
class Connector:
    """How one kind of source becomes catalogs.

    `name` is Trino's connector. `url` has {host}, {port}, {database}, {login} and {options}, which begin with `start`, are joined by
    `between` and end with `end`. `per_database`: a catalog sees one database, the first of three names of a table's location; else a
    location has two names. `default_schema` may be left out of it. `options`: the CONNECTION_OPTIONS that the driver takes, by their names
    in lower case; `settings`: those that are properties of the catalog. `properties` may have {database} and {account}, the host's first
    label.
    """

    name: str
    port: int
    url: str
    title: str
    start: str = "?"
    between: str = "&"
    end: str = ""
    per_database: bool = False
    default_schema: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
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
_SNOWFLAKE = {"warehouse": "snowflake.warehouse", "role": "snowflake.role"}
_REDSHIFT = _known("ssl", "sslmode", "loginTimeout", "socketTimeout", "tcpKeepAlive", "ApplicationName")
_TERADATA = _known("CHARSET", "TMODE", "ENCRYPTDATA", "SSLMODE", "LOGMECH", "CONNECT_FAILURE_TTL", "SESSIONS")
_DB2 = _known("sslConnection", "loginTimeout", "blockingReadConnectionTimeout", "currentSchema", "retrieveMessagesFromServerOnGetMessage")
_MONGODB = _known(
    "authSource", "authMechanism", "replicaSet", "tls", "ssl", "readPreference", "readConcernLevel", "connectTimeoutMS", "socketTimeoutMS",
    "serverSelectionTimeoutMS", "directConnection", "retryReads", "retryWrites", "maxPoolSize", "appName",
)  # fmt: skip

CONNECTORS: dict[str, Connector] = {
    "postgresql": Connector(
        POSTGRESQL, 5432, "jdbc:postgresql://{host}:{port}/{database}{options}", "PostgreSQL", per_database=True, default_schema="public",
        options=_POSTGRESQL, properties={**_JDBC, **_DECIMAL, "postgresql.array-mapping": "AS_ARRAY"}, settings=_DECIMAL_SCALE,
    ),
    "mysql": Connector(
        "mysql", 3306, "jdbc:mysql://{host}:{port}{options}", "MySQL", options=_MYSQL,
        properties=_JDBC | _DECIMAL, settings=_DECIMAL_SCALE,
    ),
    "mariadb": Connector(
        "mariadb", 3306, "jdbc:mariadb://{host}:{port}/{options}", "MariaDB", options=_MARIADB,
        properties=_JDBC | _DECIMAL, settings=_DECIMAL_SCALE,
    ),
    "sqlserver": Connector(
        "sqlserver", 1433, "jdbc:sqlserver://{host}:{port};databaseName={database}{options}", "SQL Server", ";", ";", per_database=True,
        default_schema="dbo", options=_SQLSERVER, properties=_JDBC,
    ),
    "oracle": Connector(
        "oracle", 1521, "jdbc:oracle:thin:@//{host}:{port}/{database}{options}", "Oracle", per_database=True,
        properties={**_JDBC, "oracle.number.default-scale": str(SCALE), "oracle.number.rounding-mode": "UNNECESSARY"},
        settings={"decimalscale": "oracle.number.default-scale"},
        options=_known("oracle.net.CONNECT_TIMEOUT", "oracle.jdbc.ReadTimeout"),
    ),
    "clickhouse": Connector(
        "clickhouse", 8123, "jdbc:clickhouse://{host}:{port}/{options}", "ClickHouse",
        properties=_JDBC | _DECIMAL, settings=_DECIMAL_SCALE,
        options=_known("ssl", "sslmode", "socket_timeout", "connect_timeout", "compress"),
    ),
    "mongodb": Connector(
        "mongodb", 27017, "mongodb://{login}{host}:{port}/{options}", "MongoDB", options=_MONGODB,
        properties={"mongodb.case-insensitive-name-matching": "true"},
    ),
    "snowflake": Connector(
        "snowflake", 443, "jdbc:snowflake://{host}:{port}/?loginTimeout=20{options}", "Snowflake", "&", per_database=True,
        options=_known("networkTimeout"), settings=_SNOWFLAKE,
        properties={**_JDBC, "snowflake.account": "{account}", "snowflake.database": "{database}"},
    ),
    "redshift": Connector(
        "redshift", 5439, "jdbc:redshift://{host}:{port}/{database}{options}", "Redshift", per_database=True, default_schema="public",
        options=_REDSHIFT, properties=_JDBC,
    ),
    "teradata": Connector(
        GENERIC, 1025, "jdbc:teradata://{host}/DBS_PORT={port}{options}", "Teradata", ",", ",", options=_TERADATA, properties=_GENERIC,
    ),
    "db2": Connector(
        GENERIC, 50000, "jdbc:db2://{host}:{port}/{database}{options}", "Db2", ":", ";", ";", per_database=True, options=_DB2,
        properties=_GENERIC,
    ),
    "jdbc": Connector(GENERIC, 0, "", "a JDBC driver of your own", properties=_GENERIC),
}  # fmt: skip
"""By the prefix of LOCATION."""

ODBC: tuple[tuple[str, str], ...] = (
    ("sql ?server|freetds", "sqlserver"), ("postgre", "postgresql"), ("redshift", "redshift"), ("mariadb", "mariadb"), ("mysql", "mysql"),
    ("oracle", "oracle"), ("mongo", "mongodb"), ("clickhouse", "clickhouse"), ("snowflake", "snowflake"), ("teradata", "teradata"),
    ("db2", "db2"),
)  # fmt: skip
"""What names of ODBC drivers have in them, and the prefix that means the same."""
