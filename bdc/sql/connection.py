"""Cuts a text into statements as an engine does, and opens a session with it, wherever it is reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from bdc.sql.engine import Dialect, Engine
from bdc.sql.result import Session
from bdc.sql.statements import Statement, split

if TYPE_CHECKING:
    import psycopg

    from bdc.config.model import Config
    from bdc.kube import Kube
    from bdc.sql.external.ddl import Definer
    from bdc.sql.federation import Federation
    from bdc.sql.tsql_session import TSqlSession


def statements(text: str, engine: Engine) -> list[Statement]:
    """The statements of a text as its engine cuts them, all read before any runs: the federation's as `Placed`, parsed, since it also
    knows GO, brackets, and statements that no semicolon ends. Raises SqlSyntaxError for the federation's.
    """
    if engine is not Engine.federation:
        return split(text).all
    from bdc.sql.polybase import parse

    return list(parse(text))


def in_tsql(found: Sequence[Statement]) -> bool:
    """Whether what `statements` gave is a script of T-SQL: something in it is T-SQL's alone, GO included."""
    from bdc.sql.polybase.dialects import is_script_of_tsql
    from bdc.sql.polybase.statements import Placed

    return any(isinstance(one, Placed) and is_script_of_tsql(one.script) for one in found[:1])


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
) -> Iterator[Session]:
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
    if engine is Engine.federation:
        with federation(kube, config, catalog=catalog, schema=schema, on_notice=on_notice, dialect=dialect, leaning=leaning) as session:
            yield session
        return
    from bdc.kube.endpoints import credentials, reach
    from bdc.sql.master import Master

    access = credentials(kube, config.name)
    with reach(kube, config, "master", authority=access.ca) as reached, Master(reached, access, on_notice) as master:
        yield master


@contextmanager
def federation(
    kube: Kube,
    config: Config,
    *,
    catalog: str | None = None,
    schema: str | None = None,
    on_notice: Callable[[str], None] | None = None,
    dialect: Dialect = Dialect.auto,
    leaning: bool = False,
) -> Iterator[TSqlSession]:
    """A session with the federation, which can explain statements, too; see `connect`."""
    from bdc.kube.endpoints import credentials, reach
    from bdc.sql.federation import Federation
    from bdc.sql.tsql_session import TSqlSession

    access = credentials(kube, config.name)
    with reach(kube, config, "trino", authority=access.ca) as reached, ExitStack() as opened:
        trino = Federation(reached, access, catalog, schema)
        ddl = cache(lambda: opened.enter_context(definer(kube, config, trino, on_notice)))
        yield opened.enter_context(TSqlSession(trino, ddl, on_notice, dialect, leaning=leaning))


@contextmanager
def define(kube: Kube, config: Config, on_notice: Callable[[str], None] | None = None) -> Iterator[Definer]:
    """External data of a cluster: what is defined, and what defines it."""
    from bdc.kube.endpoints import credentials, reach
    from bdc.sql.federation import Federation

    access = credentials(kube, config.name)
    with (
        reach(kube, config, "trino", authority=access.ca) as reached,
        Federation(reached, access) as engine,
        definer(kube, config, engine, on_notice) as ddl,
    ):
        yield ddl


@contextmanager
def definer(kube: Kube, config: Config, engine: Federation, on_notice: Callable[[str], None] | None = None) -> Iterator[Definer]:
    """What defines external data; it connects to the master when it is first used."""
    from bdc.kube.endpoints import credentials, reach
    from bdc.sql.external.ddl import Definer
    from bdc.sql.master import open_connection

    with ExitStack() as opened:

        def connection() -> psycopg.Connection[Any]:
            access = credentials(kube, config.name)
            reached = opened.enter_context(reach(kube, config, "master", authority=access.ca))
            return opened.enter_context(closing(open_connection(reached, access)))

        yield Definer(kube, config.name, connection, engine, on_notice or (lambda _: None))
