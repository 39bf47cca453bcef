"""Where statements run, and how the federation reads them."""

from __future__ import annotations

from enum import StrEnum


class Engine(StrEnum):
    """Where statements run: Trino over everything, PostgreSQL over its own tables, or Spark over the lake."""

    federation = "federation"
    master = "master"
    spark = "spark"


class Dialect(StrEnum):
    """How statements of the federation are read: each by its own words, all as T-SQL, or all as Trino's SQL."""

    auto = "auto"
    tsql = "tsql"
    trino = "trino"
