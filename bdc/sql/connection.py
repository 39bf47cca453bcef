"""Opens a session with an engine of a cluster, wherever it is reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bdc.config.model import Config
from bdc.kube import Kube

if TYPE_CHECKING:
    import psycopg

    from bdc.sql.external.ddl import External
    from bdc.sql.federation import Federation
    from bdc.sql.master import Master
    from bdc.sql.polybase.session import TSqlSession
    from bdc.sql.spark import Spark


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


@contextmanager
def connect(
    kube: Kube,
    config: Config,
    engine: Engine = Engine.federation,
    *,
    catalog: str | None = None,
    schema: str | None = None,
    pool: str | None = None,
    on_notice: Callable[[str], None] | None = None,
    dialect: Dialect = Dialect.auto,
    leaning: bool = False,
) -> Iterator[TSqlSession | Master | Spark]:
    """A session with an engine. `catalog` is the federation's, `schema` also Spark's; `pool` says whose Spark Connect.

    `on_notice` hears what the engine remarks. `dialect` and `leaning` say how the federation's statements are read; see `TSqlSession`.

    >>> with connect(kube, config) as session:
    ...     for row in session.query("SELECT * FROM tpch.tiny.nation").rows: ...
    """
    if engine is Engine.spark:
        from bdc.spark import console
        from bdc.sql.spark import Spark

        with console(kube, config.name, "sql", pool=pool, on_progress=on_notice) as opened, Spark(opened.attachment, schema) as spark:
            yield spark
        return
    from bdc.kube.endpoints import credentials, reach

    access = credentials(kube, config.name)
    with reach(kube, config, "trino" if engine is Engine.federation else "master") as reached:
        if engine is Engine.federation:
            from bdc.sql.federation import Federation
            from bdc.sql.polybase.session import TSqlSession

            trino = Federation(reached, access, catalog, schema)
            with (
                external(kube, config, trino, on_notice) as definer,
                TSqlSession(trino, definer, on_notice, dialect, leaning=leaning) as session,
            ):
                yield session
        else:
            from bdc.sql.master import Master

            with Master(reached, access, on_notice) as master:
                yield master


@contextmanager
def define(kube: Kube, config: Config, on_notice: Callable[[str], None] | None = None) -> Iterator[External]:
    """External data of a cluster: what is defined, and what defines it."""
    from bdc.kube.endpoints import credentials, reach
    from bdc.sql.federation import Federation

    with (
        reach(kube, config, "trino") as reached,
        Federation(reached, credentials(kube, config.name)) as engine,
        external(kube, config, engine, on_notice) as definer,
    ):
        yield definer


@contextmanager
def external(kube: Kube, config: Config, engine: Federation, on_notice: Callable[[str], None] | None = None) -> Iterator[External]:
    """What defines external data; it connects to the master when it is first used."""
    from bdc.kube.endpoints import credentials, reach
    from bdc.sql.external.ddl import External
    from bdc.sql.master import open_connection

    with ExitStack() as opened:

        def connection() -> psycopg.Connection[Any]:
            reached = opened.enter_context(reach(kube, config, "master"))
            return opened.enter_context(closing(open_connection(reached, credentials(kube, config.name))))

        yield External(kube, config.name, connection, engine, on_notice or (lambda _: None))
