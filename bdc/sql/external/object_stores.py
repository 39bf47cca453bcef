"""Stores of files: a LOCATION becomes the URL that paths are appended to, and the settings of Trino's file system for it.

hdfs:// is read as the user bdc. The rest are object stores, https://trino.io/docs/476/object-storage.html#file-system-configuration, whose
credentials are as SQL Server has them: https://learn.microsoft.com/sql/t-sql/statements/create-external-data-source-transact-sql
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from bdc.config.names import NAMESERVICE
from bdc.errors import UsageError
from bdc.sql.external.definitions import DataSource

_S3, _AZURE = ("s3", "s3a"), ("abfss", "abfs", "wasbs", "wasb", "adls", "abs")
PREFIXES = ("sqlhdfs", "hdfs", *_S3, *_AZURE)
"""The prefixes of LOCATION that mean files; sqlhdfs:// is the cluster's own HDFS, as it was in Big Data Clusters."""

_HDFS = {"fs.hadoop.enabled": "true", "hive.config.resources": "/etc/hadoop/core-site.xml,/etc/hadoop/hdfs-site.xml"}
_HOST = re.compile(r"[A-Za-z0-9_.-]+(:[1-9]\d*)?")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]+")
_REGION = re.compile(r"[a-z0-9-]+")
_CONTAINER = re.compile(r"(?P<container>[a-z0-9$][a-z0-9-]*)@(?P<account>[a-z0-9]+)\.(?:dfs|blob)\.(?P<suffix>[a-z0-9.-]+)")
_AS_TRINO_HAS_IT = {"adls": "abfss", "abs": "wasbs"}
_PAIR, _SHARED = "s3 access key", "shared access signature"


@dataclass(frozen=True)
class Store:
    """`root`: what paths, which begin with /, are appended to; `properties`: those of a catalog; `whole`: whether a root is a folder."""

    root: str
    properties: Mapping[str, str]
    whole: bool = True


def is_store(source: DataSource) -> bool:
    """Whether a source has files, not tables."""
    prefix, separator, _ = source.location.partition("://")
    return bool(separator) and prefix.lower() in PREFIXES


def store(source: DataSource) -> Store:
    """The store of a source. Raises UsageError."""
    if "${" in source.location + (source.options or ""):
        raise UsageError(f"source {source.name}: ${{ may stand neither in LOCATION nor in CONNECTION_OPTIONS")
    try:
        parts = urlsplit(source.location)
    except ValueError as error:
        raise UsageError(f"source {source.name}: its LOCATION can't be read: {error}") from error
    make: Callable[[DataSource, SplitResult], Store] = _s3 if parts.scheme in _S3 else _azure if parts.scheme in _AZURE else _hdfs
    if parts.query or parts.fragment:
        raise unreadable(source, "a URL without ? and #")
    return make(source, parts)


def path(source: DataSource, location: str) -> str:
    """A path from its first / on, without one at its end. Raises UsageError for one that leads out of its store."""
    parts = [one for one in location.split("/") if one not in ("", ".")]
    if ".." in parts or "\0" in location:
        raise UsageError(f"source {source.name}: .. may not stand in the LOCATION {location!r}")
    return "".join(f"/{one}" for one in parts)


def unreadable(source: DataSource, wanted: str) -> UsageError:
    """That a LOCATION isn't what is wanted."""
    return UsageError(f"source {source.name}: its LOCATION {source.location!r} can't be read", wanted)


def _hdfs(source: DataSource, parts: SplitResult) -> Store:
    if source.options:
        raise UsageError(f"source {source.name}: HDFS takes no CONNECTION_OPTIONS")
    if source.credential:
        raise UsageError(f"source {source.name}: HDFS takes no CREDENTIAL here", "files are read as the user bdc: bdc hdfs chmod lets it")
    if parts.scheme == "sqlhdfs":
        return Store(f"hdfs://{NAMESERVICE}", _HDFS)
    if parts.netloc and not _HOST.fullmatch(parts.netloc):
        raise unreadable(source, "hdfs://host[:port][/path], or hdfs:///path")
    return Store(f"hdfs://{parts.netloc or NAMESERVICE}{path(source, parts.path)}", _HDFS)


def _s3(source: DataSource, parts: SplitResult) -> Store:
    """s3://bucket[/path], at Amazon or the endpoint of CONNECTION_OPTIONS; or s3://host:port[/bucket[/path]], as SQL Server has it."""
    options = _options(source, {"endpoint", "region"})
    at, endpoint = path(source, parts.path), options.get("endpoint")
    if ":" in parts.netloc:
        if not _HOST.fullmatch(parts.netloc) or endpoint:
            raise unreadable(source, "s3://host:port[/bucket], or s3://bucket[/path] and CONNECTION_OPTIONS = 'endpoint=http://host:port'")
        root, endpoint = f"s3:/{at}", f"https://{parts.netloc}"
    elif _BUCKET.fullmatch(parts.netloc):
        root = f"s3://{parts.netloc}{at}"
    else:
        raise unreadable(source, "s3://bucket[/path], or s3://host:port[/bucket]")
    if endpoint and not re.fullmatch(rf"https?://{_HOST.pattern}", endpoint):
        raise UsageError(f"source {source.name}: its endpoint {endpoint!r} is no http[s]://host[:port]")
    region = options.get("region", "us-east-1")
    if not _REGION.fullmatch(region):
        raise UsageError(f"source {source.name}: its region {region!r} can't be one", "such as eu-central-1")
    properties = {"fs.native-s3.enabled": "true", "s3.region": region}
    properties |= {"s3.endpoint": endpoint, "s3.path-style-access": "true"} if endpoint else {}
    if source.credential and source.credential.key:
        key, identity = source.credential.key, source.credential.identity
        pair = identity.lower() == _PAIR  # SQL Server's: SECRET is ID:KEY
        properties |= {
            "s3.aws-access-key": f"${{external:{key}@before}}" if pair else identity,
            "s3.aws-secret-key": f"${{external:{key}{'@after' if pair else ''}}}",
        }
    return Store(root, properties, whole=root != "s3:/")


def _azure(source: DataSource, parts: SplitResult) -> Store:
    _options(source, set())
    found = _CONTAINER.fullmatch(parts.netloc.lower())
    if not found:
        raise unreadable(source, "abfss://container@account.dfs.core.windows.net[/path]")
    properties = {"fs.native-azure.enabled": "true", "azure.endpoint": found["suffix"]}
    if source.credential:
        if source.credential.identity.lower() == _SHARED or not source.credential.key:
            raise UsageError(
                f"source {source.name}: a key of the account is needed", "SECRET = 'the key', and IDENTITY is the account's name"
            )
        properties |= {"azure.auth-type": "ACCESS_KEY", "azure.access-key": f"${{external:{source.credential.key}}}"}
    return Store(f"{_AS_TRINO_HAS_IT.get(parts.scheme, parts.scheme)}://{parts.netloc}{path(source, parts.path)}", properties)


def _options(source: DataSource, known: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in filter(None, (part.strip() for part in (source.options or "").split(";"))):
        name, separator, value = (part.strip() for part in one.partition("="))
        if not separator or name.lower() not in known:
            there = f"it takes {', '.join(sorted(known))}" if known else "it takes none"
            raise UsageError(f"source {source.name}: CONNECTION_OPTIONS has {name!r}", there)
        found[name.lower()] = value
    return found
