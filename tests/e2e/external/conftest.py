"""Outside servers beside the cluster, and the docs' own statements run on it."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.clients import gateway
from tests.e2e.external.asked import DEPOT, SALES, STORE, WEB, block, rows
from tests.e2e.support.commands import bdc
from tests.e2e.support.host import TestHost
from tests.e2e.support.outside import H2, MariaDb, MongoDb, PostgreSql, VersityGw

BEFORE = """\
-- A script as such are written for SQL Server
USE bdc;
GO
IF NOT EXISTS (SELECT * FROM sys.external_data_sources WHERE name = 'SalesServer')
    CREATE MASTER KEY ENCRYPTION BY PASSWORD = 'Str0ng!';
GO
"""


AFTER = """
GO
CREATE STATISTICS OrdersStatistics ON dbo.Orders (CustomerId) WITH FULLSCAN;
"""


@pytest.fixture(scope="package")
def host(cluster: TestHost) -> Iterator[TestHost]:
    yield cluster
    cluster.end_sessions()


@pytest.fixture(scope="package")
def sales(host: TestHost) -> Iterator[PostgreSql]:
    """Databases sales (1,000 orders of 10 customers, 100 each) and hr, one object's name in capitals."""
    server = PostgreSql(host, 5433, "sales", SALES)
    server.start()
    server.sql("postgres", "CREATE DATABASE sales; CREATE DATABASE hr;")
    server.sql(
        "sales",
        "CREATE TABLE orders (orderid int PRIMARY KEY, customerid int, region text, amount numeric(12,2), placed timestamp, note jsonb);"
        "INSERT INTO orders SELECT i, i % 10, (ARRAY['north', 'south'])[1 + i % 2], i, timestamp '2026-01-01' + i * interval '1 minute', "
        "jsonb_build_object('a', i) FROM generate_series(1, 1000) i; ANALYZE;",
    )
    server.sql("hr", """CREATE TABLE "Staff" (id int, "Name" varchar(20)); INSERT INTO "Staff" VALUES (1, 'ann'), (2, 'bob');""")
    yield server
    server.stop()


@pytest.fixture(scope="package")
def shop(host: TestHost) -> Iterator[MariaDb]:
    user = WEB.replace("'", "''")
    server = MariaDb(
        host,
        3307,
        f"CREATE USER 'web'@'%' IDENTIFIED BY '{user}';\nCREATE DATABASE shop;\nGRANT ALL ON shop.* TO 'web'@'%';\n"
        "CREATE TABLE IF NOT EXISTS shop.Visits (id INT PRIMARY KEY, customer INT, page VARCHAR(40), price DECIMAL(8,2));\n"
        "REPLACE INTO shop.Visits VALUES (1, 7, 'home', 1.5), (2, 7, 'cart', 2.25), (3, 8, 'home', 0);\n",
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="package")
def depot(host: TestHost) -> Iterator[H2]:
    """A database of which bdc knows nothing but JDBC; the first of its two rows has a value in each column, the other none."""
    server = H2(
        host,
        9092,
        "depot",
        "depot",
        DEPOT,
        "CREATE TABLE parts (id INT PRIMARY KEY, customer INT, part VARCHAR(20), weight DECIMAL(8,3), big BIGINT, ratio DOUBLE PRECISION, "
        "ok BOOLEAN, made DATE, seen TIMESTAMP(6), zoned TIMESTAMP(6) WITH TIME ZONE, raw VARBINARY(4), mark UUID);"
        "INSERT INTO parts VALUES (1, 7, 'bolt', 1.25, 5000000000, 0.5, TRUE, DATE '1066-10-14', TIMESTAMP '2026-03-29 02:30:00.123456', "
        "TIMESTAMP WITH TIME ZONE '2026-01-01 10:00:00+02:00', X'00FF', '7f1b2c3d-0000-4000-8000-000000000001');"
        "INSERT INTO parts (id, customer, part) VALUES (2, 8, 'nut');"
        "INSERT INTO parts (id, customer, part) SELECT x, 100, 'washer' FROM SYSTEM_RANGE(3, 1002);",
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="package")
def reviews(host: TestHost) -> Iterator[MongoDb]:
    server = MongoDb(host)
    server.start()
    fill = (
        "import datetime, pymongo; pymongo.MongoClient('{}').shop.Reviews.insert_many([{{'customer': 7, 'stars': 5, 'text': 'fine', "
        "'at': datetime.datetime(2026, 1, 2, 3, 4, 5), 'tags': ['a', 'b']}}, {{'customer': 8, 'stars': 1}}])"
    )
    done = host.run([sys.executable, "-c", fill.format(host.outside_address)], outside=True)
    assert done.returncode == 0, done.stderr
    yield server
    server.stop()


@pytest.fixture(scope="package", autouse=True)
def defined(host: TestHost, sales: PostgreSql, shop: MariaDb) -> str:
    """The sources and tables of the docs' script, and customers in the master; what it prints."""
    customers = "CREATE TABLE customers (id int, name text); INSERT INTO customers VALUES (7, 'ann'), (8, 'bob');"
    bdc(host, "sql", "run", "-e", "master", "-", stdin=customers)
    return bdc(host, "sql", "run", "-o", "csv", "-", stdin=script(host.outside_address)).stdout


def script(address: str) -> str:
    """The docs' script between some more that such scripts have; its servers and passwords are the test's."""
    text = block("# External data")
    values = {
        "sales.example.com:5432": f"{address}:5433",
        "shop.example.com:3306": f"{address}:3307",
        "the password": SALES,
        "another password": WEB.replace("'", "''"),
    }
    for written, value in values.items():
        assert text.count(written) == 1, written
        text = text.replace(written, value)
    return BEFORE + text + AFTER


TRIPS = """
CREATE DATABASE made;
CREATE TABLE made.trips (Id BIGINT, Driver INT, Fare DECIMAL(10, 2), Began TIMESTAMP, Year INT, Region STRING)
    USING parquet PARTITIONED BY (Year, Region) LOCATION 'hdfs://bdc/data/Trips';
INSERT INTO made.trips SELECT id, id % 3, id * 0.5, timestamp'2026-01-02 03:04:05.123456', 2025 + id % 2,
    CASE WHEN id % 4 < 2 THEN 'the south' END FROM range(600);
INSERT OVERWRITE DIRECTORY 'hdfs://bdc/data/cars' USING orc SELECT * FROM VALUES (0, 'fiat'), (1, 'saab'), (2, 'lada') AS cars(Driver, Car);
CREATE TABLE made.drivers USING delta LOCATION 'hdfs://bdc/data/drivers' AS
    SELECT * FROM VALUES (0, 'ann'), (1, 'bob'), (2, 'eve') AS drivers(Id, Name);
CREATE TEMPORARY VIEW early AS SELECT id, d, t, array(d) AS a, CAST(id * 100 - 1 AS SMALLINT) AS small,
    named_struct('InnerName', id, 'Parts', array(named_struct('aB', d))) AS s
    FROM VALUES (1, DATE'1000-02-28', TIMESTAMP'1000-02-28 01:02:03.123456'), (2, DATE'0001-01-01', TIMESTAMP'0001-01-01 00:00:00'),
    (3, DATE'1582-10-04', TIMESTAMP'1582-10-04 23:59:59.999999'), (4, DATE'1582-10-15', TIMESTAMP'1582-10-15 00:00:00') AS v(id, d, t);
INSERT OVERWRITE DIRECTORY 'hdfs://bdc/data/early/orc' USING orc SELECT * FROM early;
INSERT OVERWRITE DIRECTORY 'hdfs://bdc/data/early/parquet' USING parquet SELECT * FROM early;
SET spark.sql.parquet.datetimeRebaseModeInWrite = LEGACY;
SET spark.sql.parquet.outputTimestampType = INT96;
SET spark.sql.parquet.int96RebaseModeInWrite = LEGACY;
INSERT OVERWRITE DIRECTORY 'hdfs://bdc/data/early/legacy' USING parquet SELECT * FROM early;
"""


@pytest.fixture(scope="package")
def trips(host: TestHost) -> subprocess.CompletedProcess[str]:
    """Trips by year and region, of which one is NULL, in Parquet; cars in ORC; drivers in Delta; the docs' script of them; and a folder
    that is shut."""
    bdc(host, "sql", "run", "-e", "spark", "-", stdin=TRIPS)
    bdc(host, "hdfs", "mkdir", "/data/shut")
    bdc(host, "hdfs", "chmod", "000", "/data/shut")
    return bdc(host, "sql", "run", "-o", "csv", "-", stdin=block("## Query files on HDFS"))


CLICKS = {
    "Day=2026-01-01/a.csv": b'\xef\xbb\xbfid,page,seen,price\r\n1,"home, sweet ""home""",12/31/2025,1.5\r\n\r\n2,,2026-01-01,\r\n',
    "Day=2026-01-02/deep/b.csv.gz": gzip.compress(b'h\n3,"two\nlines",,2.555\nfour,x,,\n5,x\n'),
    "Day=2026-01-02/_skipped.csv": b"no row,\n",
    "Day=__HIVE_DEFAULT_PARTITION__/.skipped": b"no row\n",
    "Day=__HIVE_DEFAULT_PARTITION__/c.csv": "h\n6,Zoë 😀,,-1".encode(),
}


EVENTS = b'{"id": 1, "KIND": "open", "tags": ["a", {"b": 1}]}\n{"id": "3"}\n{"id": 6, "kind": null, "other": 1}\n'


@pytest.fixture(scope="package")
def clicks(host: TestHost, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The docs' tables of text, and their files; two of the rows don't fit."""
    folder = tmp_path_factory.mktemp("clicks") / "Clicks"
    for name, content in CLICKS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder.parent / "events").mkdir()
    (folder.parent / "events" / "all.json").write_bytes(EVENTS)
    bdc(host, "hdfs", "put", str(folder), "/data/Clicks")
    bdc(host, "hdfs", "put", str(folder.parent / "events"), "/data/events")
    bdc(host, "sql", "run", "-", stdin=block("## Query text files").rpartition("GO\n")[0])
    return folder


@pytest.fixture(scope="package")
def bought(host: TestHost, clicks: Path, trips: object) -> None:
    """The docs' script, as such are written for Big Data Clusters: a folder of CSV becomes a table of the pool, which is joined with
    another database, and with the master, and exported."""
    text = block("## Cache data in the data pool")
    assert "SqlDataPool is there already" in bdc(host, "sql", "run", "-", stdin=text).stderr


@pytest.fixture(scope="package")
def store(host: TestHost, bought: None) -> Iterator[VersityGw]:
    """The docs' bucket, by S3's protocol, and the docs' table of it."""
    server = VersityGw(host, "bdctest", STORE, ["sales"])
    server.start()
    text = block("## Query and write object stores")
    for written, value in {"store.example.com": host.outside_address, "the key id:the secret key": f"bdctest:{STORE}"}.items():
        assert text.count(written) == 1
        text = text.replace(written, value)
    bdc(host, "sql", "run", "-", stdin=text)
    yield server
    server.stop()


@pytest.fixture(scope="package")
def facts(host: TestHost, sales: PostgreSql) -> str:
    """dbo.facts, a table of an outside database, and public.facts, the same in the master. How to reach a port of the cluster's."""
    sales.sql("sales", gateway.TABLE)
    rows(host, f"CREATE EXTERNAL TABLE dbo.facts ({gateway.COLUMNS}) WITH (LOCATION = 'public.facts', DATA_SOURCE = SalesServer)")
    bdc(host, "sql", "run", "-", "-e", "master", stdin=gateway.TABLE)
    bdc(host, "credentials", "ca", str(host.folder / "ca.crt"))
    return f"host={host.address} port={{}} dbname=bdc sslmode=verify-full sslrootcert={host.folder}/ca.crt connect_timeout=10"
