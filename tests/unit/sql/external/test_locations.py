from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bdc.errors import UsageError
from bdc.sql.external.catalogs import PREFIX, Catalog
from bdc.sql.external.connectors import CONNECTORS, GENERIC, POSTGRESQL
from bdc.sql.external.definitions import Credential, DataSource
from bdc.sql.external.locations import address, catalog, check, place, split_name

ANNA = Credential("reader", "anna", "k1")
LOCATIONS = {
    "postgresql": "postgresql://db/sales", "mysql": "mysql://db", "mariadb": "mariadb://db", "sqlserver": "sqlserver://db/sales",
    "oracle": "oracle://db/sales", "clickhouse": "clickhouse://db", "mongodb": "mongodb://db",
    "snowflake": "snowflake://acme-eu1.snowflakecomputing.com/sales", "redshift": "redshift://db/sales", "teradata": "teradata://db",
    "db2": "db2://db/sales", "jdbc": "jdbc:h2:tcp://db/sales",
}  # fmt: skip


def url_of(made: Catalog) -> str:
    return next(value for key, value in made.properties.items() if key.endswith("connection-url"))


@pytest.mark.parametrize(
    ("location", "options", "table", "connector", "url", "relation"),
    [
        ("postgresql://db/sales", None, "Orders", POSTGRESQL, "jdbc:postgresql://db:5432/sales", '"public"."orders"'),
        ("POSTGRESQL://DB:7/sales/", "SSLMode = require;", "a.b", POSTGRESQL, "jdbc:postgresql://db:7/sales?sslmode=require", '"a"."b"'),
        (
            "postgresql://[::1]/sales", "ssl=true;options=-c a=b&c", "b", POSTGRESQL,
            "jdbc:postgresql://[::1]:5432/sales?ssl=true&options=-c%20a%3Db%26c", '"public"."b"',
        ),
        ("mysql://db", "sslMode=REQUIRED;socketTimeout=9", "shop.t", "mysql", "jdbc:mysql://db:3306?sslMode=REQUIRED&socketTimeout=9",
         '"shop"."t"'),
        ("mariadb://db", "usessl=true", "shop.t", "mariadb", "jdbc:mariadb://db:3306/?useSsl=true", '"shop"."t"'),
        ("sqlserver://db", "Database=sales", "t", "sqlserver", "jdbc:sqlserver://db:1433;databaseName=sales", '"dbo"."t"'),
        (
            "sqlserver://db/sales", "encrypt=true;Application Name=a}b;Packet Size=4096", "x.t", "sqlserver",
            "jdbc:sqlserver://db:1433;databaseName=sales;encrypt=true;applicationName={a}}b};packetSize=4096", '"x"."t"',
        ),
        ("oracle://db", "Service Name=pdb1", "hr.t", "oracle", "jdbc:oracle:thin:@//db:1521/pdb1", '"hr"."t"'),
        ("oracle://db/pdb1", "oracle.jdbc.readtimeout=5", "t", "oracle", "jdbc:oracle:thin:@//db:1521/pdb1?oracle.jdbc.ReadTimeout=5",
         '"anna"."t"'),
        ("redshift://db/sales", "ssl=true", "t", "redshift", "jdbc:redshift://db:5439/sales?ssl=true", '"public"."t"'),
        ("teradata://db", None, "hr.t", GENERIC, "jdbc:teradata://db/DBS_PORT=1025", '"hr"."t"'),
        ("teradata://db:7", "tmode=TERA", "hr.t", GENERIC, "jdbc:teradata://db/DBS_PORT=7,TMODE=TERA", '"hr"."t"'),
        ("db2://db/hr", "sslconnection=true", "x.t", GENERIC, "jdbc:db2://db:50000/hr:sslConnection=true;", '"x"."t"'),
        ("jdbc:h2:tcp://db:9092/hr;IFEXISTS=TRUE", None, "x.t", GENERIC, "jdbc:h2:tcp://db:9092/hr;IFEXISTS=TRUE", '"x"."t"'),
        ("JDBC://Derby://db:1527/hr", None, "x.t", GENERIC, "jdbc:derby://db:1527/hr", '"x"."t"'),
        (
            "odbc://db:1400", "Driver={ODBC Driver 17 for SQL Server}; ServerNode = db:1400; Database=hr; Encrypt=yes", "t", "sqlserver",
            "jdbc:sqlserver://db:1400;databaseName=hr;encrypt=yes", '"dbo"."t"',
        ),
        ("odbc://db/hr", "Driver={PostgreSQL Unicode(x64)};SSLMode=require", "t", POSTGRESQL,
         "jdbc:postgresql://db:5432/hr?sslmode=require", '"public"."t"'),
        ("odbc://db", "driver=Teradata Database ODBC Driver 16.20", "hr.t", GENERIC, "jdbc:teradata://db/DBS_PORT=1025", '"hr"."t"'),
        ("odbc://db", "Driver={MySQL ODBC 8.0 Unicode Driver}", "hr.t", "mysql", "jdbc:mysql://db:3306", '"hr"."t"'),
        ("clickhouse://db", "ssl=true", "shop.t", "clickhouse", "jdbc:clickhouse://db:8123/?ssl=true", '"shop"."t"'),
        ("mongodb://db", "authsource=admin", "shop.t", "mongodb", "mongodb://anna:${external:k1@url}@db:27017/?authSource=admin",
         '"shop"."t"'),
    ],
)  # fmt: skip
def test_a_location_becomes_a_catalog_and_a_relation_in_it(
    location: str, options: str | None, table: str, connector: str, url: str, relation: str
) -> None:
    source = DataSource("My Sales!", location, options, ANNA)
    check(source)
    found = place(source, table)
    assert (found.catalog.connector, url_of(found.catalog)) == (connector, url)
    assert found.catalog.name.startswith(f"{PREFIX}my_sales_")
    assert found.relation == f'"{found.catalog.name}".{relation}'


@pytest.mark.parametrize("prefix", CONNECTORS)
def test_passwords_are_references(prefix: str) -> None:
    made = catalog(DataSource("s", LOCATIONS[prefix], None, ANNA))
    if prefix == "mongodb":
        assert url_of(made) == "mongodb://anna:${external:k1@url}@db:27017/"
        assert set(made.properties) == {"mongodb.connection-url", "mongodb.case-insensitive-name-matching"}
    else:
        assert made.properties["connection-user"] == "anna"
        assert made.properties["connection-password"] == "${external:k1}"


@pytest.mark.parametrize("prefix", CONNECTORS)
def test_without_a_password_there_is_no_reference(prefix: str) -> None:
    source = DataSource("s", LOCATIONS[prefix])
    assert not {"connection-user", "connection-password"} & set(catalog(source).properties)
    named = catalog(replace(source, credential=Credential("reader", "anna")))
    assert "${" not in named.create()
    assert "anna" in named.create()


def test_snowflake_is_told_account_database_role_and_warehouse_by_properties() -> None:
    source = DataSource("s", "snowflake://acme-eu1.snowflakecomputing.com/sales", "Warehouse=small;role=reader;networkTimeout=9", ANNA)
    properties = place(source, "public.t").catalog.properties
    assert properties["connection-url"] == "jdbc:snowflake://acme-eu1.snowflakecomputing.com:443/?loginTimeout=20&networkTimeout=9"
    assert {key: value for key, value in properties.items() if key.startswith("snowflake.")} == {
        "snowflake.account": "acme-eu1", "snowflake.database": "sales", "snowflake.role": "reader", "snowflake.warehouse": "small",
    }  # fmt: skip


@pytest.mark.parametrize("prefix", [name for name, one in CONNECTORS.items() if one.name == GENERIC])
def test_drivers_are_in_a_folder_of_hdfs(prefix: str) -> None:
    assert catalog(DataSource("s", LOCATIONS[prefix])).properties["drivers.folder"] == "hdfs://bdc/drivers"


@pytest.mark.parametrize(
    ("location", "options", "said", "remedy"),
    [
        ("jdbc:postgresql://db/x", None, "PostgreSQL has a connector of its own", "postgresql://host:port"),
        ("jdbc:h2:tcp://db/x;PASSWORD=secret", None, "PASSWORD=", "CREDENTIAL"),
        ("jdbc:db2://db/x:user = me;", None, "user=", "CREDENTIAL"),
        ("jdbc:derby://me:secret@db/x", None, "has a user", "CREDENTIAL"),
        ("jdbc:derby://db/x;token=secret", None, "has token=", "CREDENTIAL"),
        ("jdbc:h2:tcp://db/x", "a=b", "aren't taken beside jdbc:", "in its URL"),
        ("jdbc:h2", None, "begins with none of", ""),
        ("jdbc://h2", None, "no URL of a driver", "jdbc:h2:"),
        ("odbc://db", None, "name no Driver", "Driver={...}"),
        ("odbc://db", "Driver={Excel Files}", "no driver that is known here: 'Excel Files'", "SQL Server"),
        ("odbc://db", "Driver={Oracle in OraClient19Home1};UID=me", "has UID", "CREDENTIAL"),
        ("teradata://db", "charset=UTF8,x", "'UTF8,x', which can't stand", ""),
        ("db2://db", "sslconnection=true;x=y", "Db2 takes no option x", "sslConnection"),
    ],
)
def test_what_drivers_cant_be_told(location: str, options: str | None, said: str, remedy: str) -> None:
    with pytest.raises(UsageError) as caught:
        check(DataSource("s", location, options))
    assert said in str(caught.value)
    assert remedy in (caught.value.hint or "")
    assert "secret" not in str(caught.value)


def test_a_user_of_mongodb_is_escaped_for_its_url() -> None:
    assert url_of(catalog(DataSource("s", "mongodb://db", None, Credential("c", "a@b/c", "k")))).startswith(
        "mongodb://a%40b%2Fc:${external:k@"
    )


@pytest.mark.parametrize(("prefix", "url"), [("postgresql", "//db:5432/lists"), ("sqlserver", "databaseName=lists")])
def test_a_tables_database_wins_over_its_sources(prefix: str, url: str) -> None:
    source = DataSource("s", f"{prefix}://db/sales", "database=third" if prefix == "postgresql" else None)
    assert url in url_of(place(source, "lists.public.t").catalog)
    assert "sales" in url_of(place(source, "public.t").catalog)
    assert place(source, "lists.public.t").catalog.name != place(source, "public.t").catalog.name
    assert place(source, "sales.public.t").catalog == place(source, "public.t").catalog


def test_a_source_need_not_name_a_database_where_its_tables_do() -> None:
    source = DataSource("s", "postgresql://db")
    check(source)
    assert url_of(place(source, "lists.public.t").catalog) == "jdbc:postgresql://db:5432/lists"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a", ["a"]),
        (" a . b ", ["a", "b"]),
        ("[a.b].[c]]d]", ["a.b", "c]d"]),
        ('"a.b"."c""d".e f', ["a.b", 'c"d', "e f"]),
        ("日付.$x", ["日付", "$x"]),
        ("", []),
        ("a.", []),
        ("a..b", []),
        (".a", []),
        ("[a", []),
        ("[]", []),
        ('a"b', []),
    ],
)
def test_names_are_split_at_their_dots(text: str, names: list[str]) -> None:
    assert split_name(text) == names


def test_names_with_quotes_are_quoted_for_trino() -> None:
    assert place(DataSource("s", "postgresql://db/x"), '[A"b].[C d]').relation.endswith('"a""b"."c d"')


@pytest.mark.parametrize("prefix", [one for one in CONNECTORS if one != "mongodb"])
def test_pushdown_is_turned_off_as_a_whole(prefix: str) -> None:
    off = catalog(DataSource("s", LOCATIONS[prefix], pushdown=False))
    on = catalog(DataSource("s", LOCATIONS[prefix]))
    added = {key: value for key, value in off.properties.items() if key not in on.properties}
    assert added == dict.fromkeys(("join-pushdown.enabled", "aggregation-pushdown.enabled", "topn-pushdown.enabled"), "false")


BASE = DataSource("s", "postgresql://db/sales", "sslmode=require", ANNA)


@pytest.mark.parametrize(
    "changed",
    [
        replace(BASE, credential=replace(ANNA, key="k2")),
        replace(BASE, credential=replace(ANNA, identity="bob")),
        replace(BASE, credential=None),
        replace(BASE, location="postgresql://db:5433/sales"),
        replace(BASE, location="postgresql://db/lists"),
        replace(BASE, options="sslmode=disable"),
        replace(BASE, options=None),
        replace(BASE, pushdown=False),
        replace(BASE, name="t"),
    ],
)
def test_what_changes_is_another_catalog(changed: DataSource) -> None:
    assert catalog(changed).name != catalog(BASE).name


@pytest.mark.parametrize(
    "same",
    [
        replace(BASE),
        replace(BASE, name="S"),
        replace(BASE, location="PostgreSQL://DB:5432/sales/"),
        replace(BASE, options=" SSLMODE = require ; "),
        replace(BASE, credential=replace(ANNA, name="renamed")),
    ],
)
def test_what_means_the_same_is_the_same_catalog(same: DataSource) -> None:
    assert catalog(same) == catalog(BASE)


def test_names_of_catalogs_are_names_whatever_the_sources_is() -> None:
    for name in ("日付", "a" * 99, 'x"; DROP', "-"):
        made = catalog(replace(BASE, name=name)).name
        assert made.startswith(PREFIX)
        assert len(made) <= 50
        assert made.replace("_", "").isalnum()
        assert made.isascii()


def test_strings_are_quoted_where_a_catalog_is_created() -> None:
    made = catalog(DataSource("s", "postgresql://db/sales", None, Credential("c", "o'neil', \"x\" = 'y")))
    text = made.create()
    assert text.startswith(f'CREATE CATALOG IF NOT EXISTS "{made.name}" USING {POSTGRESQL} WITH ("connection-url" = \'jdbc:postgresql://')
    assert "\"connection-user\" = 'o''neil'', \"x\" = ''y'" in text


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (DataSource("s", "sybase://db/x"), "begins with none of postgresql://, mysql://"),
        (DataSource("s", "postgresql:db/x"), "begins with none of"),
        (DataSource("s", ""), "begins with none of"),
        *((DataSource("s", f"{one}://b/x"), f"{one}:// is recognized but not supported yet") for one in ("adl", "https")),
        (DataSource("s", "postgresql://anna@db/x"), "LOCATION has a user"),
        (DataSource("s", "postgresql://anna:pw@db/x"), "LOCATION has a user"),
        (DataSource("s", "postgresql://db/x?user=a"), r"LOCATION has \? or #"),
        (DataSource("s", "postgresql://db/x#y"), r"LOCATION has \? or #"),
        (DataSource("s", "postgresql:///x"), "LOCATION names no host"),
        (DataSource("s", "postgresql://d b/x"), "LOCATION names no host"),
        (DataSource("s", "postgresql://db:99999/x"), "LOCATION can't be read"),
        (DataSource("s", "postgresql://db:many/x"), "LOCATION can't be read"),
        (DataSource("s", "postgresql://[db/x"), "LOCATION can't be read"),
        (DataSource("s", "postgresql://db/x/y"), "'x/y' can't be a database's name"),
        (DataSource("s", "sqlserver://db/x;y=z"), "'x;y=z' can't be a database's name"),
        *((DataSource("s", f"{one}://db/x"), "takes none") for one in ("mysql", "mariadb", "clickhouse", "mongodb")),
        (DataSource("s", "postgresql://${ENV:X}/x"), r"\$\{ may stand neither in LOCATION nor in CONNECTION_OPTIONS"),
        (DataSource("s", "postgresql://db/x", "sslmode=${ENV:X}"), r"\$\{ may stand neither"),
        (DataSource("s", "postgresql://db/x", None, Credential("c", "${ENV:X}")), r"\$\{ may not stand in IDENTITY"),
        *(
            (DataSource("s", "sqlserver://db/x", f"{one}=p"), "CONNECTION_OPTIONS has")
            for one in ("password", "PWD", "User", "uid", "user name", "User ID")
        ),
        (DataSource("s", "sqlserver://db", "database=a;b"), "'b', which is no k=v"),
        (DataSource("s", "sqlserver://db", "=b"), "'', which is no k=v"),
        (DataSource("s", "sqlserver://db", "database=a/b"), "'a/b' can't be a database's name"),
        (DataSource("s", "mysql://db", "database=a"), "MySQL takes no option database here"),
    ],
)  # fmt: skip
def test_what_no_connector_takes_is_refused(source: DataSource, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        check(source)


def test_an_unknown_option_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UsageError, match="PostgreSQL takes no option socketFactory here") as caught:
        check(DataSource("s", "postgresql://db/x", "socketFactory=evil"))
    assert caught.value.hint is not None
    assert {"sslmode", "ApplicationName"} <= set(caught.value.hint.removeprefix("it takes ").split(", "))


@pytest.mark.parametrize(
    ("location", "table", "told"),
    [
        ("postgresql://db/x", "a.b.c.d", r"isn't \[database.\]\[schema.\]table, as PostgreSQL has it"),
        ("postgresql://db/x", "", "isn't"),
        ("postgresql://db/x", "a..b", "isn't"),
        ("mysql://db", "a.b.c", "isn't database.table, as MySQL has it"),
        ("mysql://db", "orders", "names no database"),
        ("mongodb://db", "orders", "names no database"),
        ("oracle://db/x", "orders", "names no schema"),
        ("postgresql://db", "public.orders", "no database is named"),
        ("sqlserver://db", "orders", "no database is named"),
        ("postgresql://db/x?y", "orders", r"LOCATION has \? or #"),
    ],
)
def test_tables_locations_that_lead_nowhere_are_refused(location: str, table: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        place(DataSource("s", location), table)


WORDS = ("${", "external:k1", "db", "sales", "5432", "::1", "é", "%24%7B", "database=", "sslmode=", "encrypt=")
PIECES = st.lists(st.sampled_from([*"${}[]\"'.;=?#@:/%&\\ \n\t", *WORDS]) | st.text(max_size=3), max_size=8).map("".join)
SOURCES = st.builds(
    lambda prefix, separator, rest, options, identity: DataSource("s", prefix + separator + rest, options, Credential("c", identity, "k1")),
    st.sampled_from([*CONNECTORS, "s3", "x", ""]),
    st.sampled_from(["://db/", "://db", "://", ""]),
    PIECES,
    st.none() | PIECES,
    PIECES,
)


@given(SOURCES)
def test_no_source_makes_trino_resolve_anything_but_its_own_password(source: DataSource) -> None:
    try:
        check(source)
        made = catalog(source)
    except UsageError:
        return
    for value in made.properties.values():
        assert "${" not in value.replace("${external:k1}", "").replace("${external:k1@url}", "")


@given(st.sampled_from(["mysql://db", "mongodb://db"]), PIECES)
def test_no_tables_location_changes_a_catalog_that_has_all_databases(location: str, table: str) -> None:
    source = DataSource("s", location, None, ANNA)
    try:
        found = place(source, table)
    except UsageError:
        return
    assert found.catalog == catalog(source)


@given(st.sampled_from(list(CONNECTORS)), PIECES)
def test_locations_can_always_be_read_or_are_refused(prefix: str, text: str) -> None:
    with suppress(UsageError):
        found = address(DataSource("s", f"{prefix}://{text}"))
        assert found.host or found.url


@pytest.mark.parametrize("location", ["[${external:other}].public.t", "[x;encrypt=false].dbo.t", "[a/b].dbo.t", "[a?b=c].dbo.t"])
@pytest.mark.parametrize("prefix", ["postgresql", "sqlserver", "oracle"])
def test_a_database_that_a_table_names_cant_change_the_rest_of_the_url(prefix: str, location: str) -> None:
    with pytest.raises(UsageError, match="can't be a database's name"):
        place(DataSource("s", f"{prefix}://db/x"), location)


def test_no_port_is_0() -> None:
    with pytest.raises(UsageError, match="the port 0"):
        address(DataSource("s", "postgresql://db:0/x"))


@pytest.mark.parametrize(
    ("location", "scale"),
    [
        ("postgresql://db/sales", "decimal-default-scale"),
        ("mysql://db", "decimal-default-scale"),
        ("mariadb://db", "decimal-default-scale"),
        ("clickhouse://db", "decimal-default-scale"),
        ("oracle://db/sales", "oracle.number.default-scale"),
    ],
)
def test_a_number_without_digits_is_a_number_and_none_is_cut_off(location: str, scale: str) -> None:
    properties = catalog(DataSource("s", location)).properties
    assert properties[scale] == "20"
    assert "UNNECESSARY" in properties.values()
    assert catalog(DataSource("s", location, "DecimalScale=4")).properties[scale] == "4"
