from __future__ import annotations

import pytest

from bdc.errors import UsageError
from bdc.sql.external.definitions import Credential, DataSource
from bdc.sql.external.files import folder, listing
from bdc.sql.external.object_stores import is_store, store
from bdc.sql.polybase.ddl import CreateFormat

ORC = CreateFormat("o", "ORC")
HDFS = {"fs.hadoop.enabled": "true", "hive.config.resources": "/etc/hadoop/core-site.xml,/etc/hadoop/hdfs-site.xml"}
S3 = {"fs.native-s3.enabled": "true", "s3.region": "us-east-1"}
PATHS = {"s3.path-style-access": "true"}
AZURE = {"fs.native-azure.enabled": "true", "azure.endpoint": "core.windows.net"}


@pytest.mark.parametrize(
    ("location", "options", "root", "properties"),
    [
        ("sqlhdfs://controller-svc/default", None, "hdfs://bdc", HDFS),
        ("SQLHDFS://nmnode-0-svc:8080/", None, "hdfs://bdc", HDFS),
        ("hdfs:///", None, "hdfs://bdc", HDFS),
        ("hdfs://bdc/a/B/", None, "hdfs://bdc/a/B", HDFS),
        ("hdfs://nn.example.com:8020", None, "hdfs://nn.example.com:8020", HDFS),
        ("s3://sales/2026/", None, "s3://sales/2026", S3),
        ("s3a://Sales", "region=eu-central-1;", "s3://Sales", S3 | {"s3.region": "eu-central-1"}),
        ("s3://sales", "endpoint=http://minio:9000", "s3://sales", S3 | PATHS | {"s3.endpoint": "http://minio:9000"}),
        ("s3://10.0.0.9:9000/sales/a", None, "s3://sales/a", S3 | PATHS | {"s3.endpoint": "https://10.0.0.9:9000"}),
        ("s3://store.example.com:9000/", None, "s3:/", S3 | PATHS | {"s3.endpoint": "https://store.example.com:9000"}),
        ("abfss://c@acc.dfs.core.windows.net/a", None, "abfss://c@acc.dfs.core.windows.net/a", AZURE),
        ("wasb://c@acc.blob.core.windows.net", None, "wasb://c@acc.blob.core.windows.net", AZURE),
        ("adls://c@acc.dfs.core.windows.net", None, "abfss://c@acc.dfs.core.windows.net", AZURE),
        ("abs://c@acc.blob.core.chinacloudapi.cn", None, "wasbs://c@acc.blob.core.chinacloudapi.cn",
         AZURE | {"azure.endpoint": "core.chinacloudapi.cn"}),
    ],
)  # fmt: skip
def test_stores(location: str, options: str | None, root: str, properties: dict[str, str]) -> None:
    source = DataSource("s", location, options)
    assert is_store(source)
    assert (store(source).root, store(source).properties) == (root, properties)
    assert folder(source, "x/Y", ORC).url == f"{root}/x/Y"


@pytest.mark.parametrize(
    ("location", "identity", "added"),
    [
        ("s3://sales", "AKID", {"s3.aws-access-key": "AKID", "s3.aws-secret-key": "${external:k1}"}),
        (
            "s3://sales",
            "S3 Access Key",
            {"s3.aws-access-key": "${external:k1@before}", "s3.aws-secret-key": "${external:k1@after}"},
        ),
        ("abfss://c@acc.dfs.core.windows.net", "acc", {"azure.auth-type": "ACCESS_KEY", "azure.access-key": "${external:k1}"}),
    ],
)
def test_credentials_are_named_and_never_said(location: str, identity: str, added: dict[str, str]) -> None:
    plain, known = DataSource("s", location), DataSource("s", location, credential=Credential("c", identity, "k1"))
    assert dict(store(known).properties) == dict(store(plain).properties) | added


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (DataSource("s", "hdfs://a:b"), "can't be read"),
        (DataSource("s", "hdfs://me@nn"), "can't be read"),
        (DataSource("s", "hdfs://nn/a?b"), "can't be read"),
        (DataSource("s", "hdfs://[nn"), "can't be read"),
        (DataSource("s", "hdfs://nn/../a"), "may not stand"),
        (DataSource("s", "hdfs://${ENV:X}/"), "may stand neither in LOCATION nor"),
        (DataSource("s", "s3://b", "endpoint=${ENV:X}"), "may stand neither in LOCATION nor"),
        (DataSource("s", "hdfs://nn", "a=b"), "takes no CONNECTION_OPTIONS"),
        (DataSource("s", "hdfs://nn", None, Credential("c", "me")), "takes no CREDENTIAL"),
        (DataSource("s", "s3:///a"), "can't be read"),
        (DataSource("s", "s3://me@bucket"), "can't be read"),
        (DataSource("s", "s3://me@host:9000"), "can't be read"),
        (DataSource("s", "s3://host:9000/b", "endpoint=http://other"), "can't be read"),
        (DataSource("s", "s3://b1", "endpoint=host:9000"), "its endpoint 'host:9000' is no http"),
        (DataSource("s", "s3://b1", "region=x y"), "its region 'x y' can't be one"),
        (DataSource("s", "s3://b1", "tls=false"), "CONNECTION_OPTIONS has 'tls'"),
        (DataSource("s", "abfss://account/c"), "can't be read"),
        (DataSource("s", "abfss://c@acc.dfs.core.windows.net", "a=b"), "CONNECTION_OPTIONS has 'a'"),
        (DataSource("s", "abfss://c@acc.dfs.core.windows.net", None, Credential("c", "acc")), "a key of the account is needed"),
        (
            DataSource("s", "wasbs://c@a.blob.core.windows.net", None, Credential("c", "SHARED ACCESS SIGNATURE", "k")),
            "a key of the account",
        ),
    ],
)
def test_stores_that_cant_be(source: DataSource, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        store(source)


def test_a_store_of_all_buckets_cant_be_listed() -> None:
    with pytest.raises(UsageError, match="names no bucket"):
        listing(DataSource("s", "s3://store.example.com:9000"))
