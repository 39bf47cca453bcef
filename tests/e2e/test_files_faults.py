"""What goes wrong around files and the data pool: writers that die, a disk that is full, files that vanish while they are read."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import pytest

from tests.e2e.external.asked import rows, until
from tests.e2e.support.commands import bdc, document, kubectl
from tests.e2e.support.host import TestHost

pytestmark = pytest.mark.full
TEXT = "FORMAT_TYPE = DELIMITEDTEXT, FORMAT_OPTIONS (FIELD_TERMINATOR = ',')"
BATCH = 60_175
INSERT = "INSERT INTO dbo.items SELECT orderkey, linenumber, comment FROM tpch.tiny.lineitem"


@pytest.fixture(scope="module")
def host(prepared: None) -> Iterator[TestHost]:
    with TestHost("filerr") as made:
        bdc(made, "up", timeout_seconds=1500)
        rows(made, "CREATE EXTERNAL TABLE dbo.items (orderkey BIGINT, line INT, comment NVARCHAR(44)) WITH (DATA_SOURCE = SqlDataPool)")
        rows(made, f"CREATE EXTERNAL FILE FORMAT csv WITH ({TEXT})")
        yield made


def hdfs_admin(host: TestHost, *arguments: str) -> None:
    [pod, *_] = kubectl(host, "-n", "bdc", "get", "pods", "-l", "app.kubernetes.io/component=namenode", "-o", "name").split()
    kubectl(host, "-n", "bdc", "exec", pod, "--", "env", "BDC_JVM_OPTS=-Xmx128m", "/opt/hadoop/bin/entrypoint", "hdfs-admin", *arguments)


def test_a_writer_that_dies_at_any_time_leaves_all_of_its_rows_or_none(host: TestHost) -> None:
    """Trino is killed ever later into an INSERT, from before it has written to after it has committed."""
    bdc(host, "-q", "sql", "query", INSERT)
    began = time.monotonic()
    bdc(host, "-q", "sql", "query", INSERT)
    whole, known, seen = time.monotonic() - began, 2, set()
    for part in (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1):
        with host.popen(["bdc", "-q", "sql", "query", INSERT]) as writer:
            time.sleep(whole * part)
            kubectl(host, "-n", "bdc", "delete", "pod", "-l", "app.kubernetes.io/part-of=federation", "--grace-period=0", "--force")
            writer.communicate(timeout=120)
        [counted] = until(180, host, "SELECT count(*) AS n, count(DISTINCT (orderkey, line)) AS different FROM dbo.items")
        batches, rest = divmod(counted["n"], BATCH)
        assert (rest, counted["different"]) == (0, BATCH)
        assert batches in ({known + 1} if writer.returncode == 0 else {known, known + 1}), (part, batches, known)
        seen.add(batches - known)
        known = batches
    assert rows(host, "SELECT count(*) AS n FROM dbo.items", "-e", "spark") == [{"n": known * BATCH}]
    assert 0 in seen, "no writer died before its commit"
    bdc(host, "-q", "sql", "query", INSERT)
    assert rows(host, "SELECT count(*) AS n FROM dbo.items") == [{"n": (known + 1) * BATCH}]


def test_a_full_disk_is_named_and_nothing_half_done_is_read(host: TestHost) -> None:
    before = rows(host, "SELECT count(*) AS n FROM dbo.items")
    into = "WITH (LOCATION = '/data/full/{}', DATA_SOURCE = SqlStoragePool, FILE_FORMAT = {})"
    bdc(host, "hdfs", "mkdir", "-p", "/data/full")
    for form in ("PARQUET", "DELTA"):
        rows(host, f"CREATE EXTERNAL FILE FORMAT {form} WITH (FORMAT_TYPE = {form})")
    hdfs_admin(host, "-setSpaceQuota", "1k", "/warehouse/dbo.db", "/data/full")
    try:
        assert "quota" in rows(host, INSERT, code=1).lower()
        for form in ("PARQUET", "DELTA"):
            query = f"CREATE EXTERNAL TABLE dbo.filled {into.format(form, form)} AS SELECT * FROM tpch.tiny.orders"
            assert "quota" in rows(host, query, code=1).lower()
        assert rows(host, "SELECT count(*) AS n FROM dbo.items") == before
    finally:
        hdfs_admin(host, "-clrSpaceQuota", "/warehouse/dbo.db", "/data/full")
    assert "dbo.filled" not in [row["name"] for row in document(host, "sql", "table", "list")]
    for form in ("PARQUET", "DELTA"):
        listed = bdc(host, "hdfs", "ls", "/data/full").stdout.split()
        if f"/data/full/{form}" in listed:
            bdc(host, "hdfs", "rm", "-r", f"/data/full/{form}")
        rows(host, f"CREATE EXTERNAL TABLE dbo.filled {into.format(form, form)} AS SELECT * FROM tpch.tiny.orders")
        assert rows(host, "SELECT count(*) AS n FROM dbo.filled") == [{"n": 15000}]
        rows(host, "DROP EXTERNAL TABLE dbo.filled")
    rows(host, INSERT)


def test_a_file_that_vanishes_while_it_is_read_is_named(host: TestHost) -> None:
    """400 MB, of which Trino and the client hold some when they are removed; who reads isn't given the rest as if that were all."""
    folder = host.folder / "vanishing"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number:02}.csv").write_text("".join(f"{number},{'x' * 60}\n" for number in range(100_000)))
    bdc(host, "hdfs", "put", str(folder), "/data/vanishing")
    rows(host, "CREATE EXTERNAL TABLE dbo.vanishing (id INT, text NVARCHAR(60)) "
               "WITH (LOCATION = '/data/vanishing', DATA_SOURCE = SqlStoragePool, FILE_FORMAT = csv)")  # fmt: skip
    with host.popen(["bdc", "-q", "sql", "query", "-o", "csv", "SELECT id, text FROM dbo.vanishing"]) as reader:
        assert reader.stdout
        head = list(itertools.islice(reader.stdout, 10))
        assert head[0].strip() == "id,text"
        bdc(host, "hdfs", "rm", "-r", "/data/vanishing")
        rest = reader.stdout.read()
        reader.wait(timeout=120)
    assert reader.returncode == 1
    assert "/data/vanishing/" in rest.partition("error: ")[2].partition("\n")[0]
    bdc(host, "hdfs", "mkdir", "/data/vanishing")
    assert rows(host, "SELECT count(*) AS n FROM dbo.vanishing") == [{"n": 0}]
