"""Keeps the tables of the data pool in shape: many small files become few, old versions go, statistics know what Spark wrote.

A table is looked after when it rests: a compaction that meets an UPDATE would fail one of the two. What was done last is in the table's own
history; what is remembered beside it only saves looking again.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import psycopg

from bdc.errors import BdcError
from bdc.sql.external.catalogs import Relation
from bdc.sql.external.definition_store import Connection, read, reading
from bdc.sql.external.introspection import TrinoSession
from bdc.sql.external.locations import place
from bdc.sql.external.pool import is_pool
from bdc.sql.quoting import identifier, literal
from bdc.sql.result import Value

REST_SECONDS, _DAY_SECONDS = 60, 24 * 60 * 60.0
_SMALL = "32MB"
"""Files below it are put together. Larger ones stay as they are, so that one row a minute doesn't write all of them again."""
_RETENTION = "7d"
"""How long queries and Spark's time travel may read an old version: Delta's own default, below which Trino refuses to go."""
_DONE = "OPTIMIZE"
_LAST = "SELECT version, operation, date_diff('second', timestamp, now()) FROM {} ORDER BY version DESC LIMIT 1"


@dataclass
class Upkeep:
    """One look after another at all tables of the data pool."""

    engine: Callable[[], AbstractContextManager[TrinoSession]]
    clock: Callable[[], float] = time.monotonic
    _seen: dict[str, Value] = field(default_factory=dict)
    _vacuumed: dict[str, float] = field(default_factory=dict)

    def look(self, connection: Connection) -> dict[str, str]:
        """See to the tables that rest; what failed, by the tables' names."""
        with reading(connection):
            definitions = read(connection)
        failed: dict[str, str] = {}
        for table in definitions.tables:
            of = definitions.of(table)
            if is_pool(of):
                try:
                    with self.engine() as engine:
                        for done in self._see_to(engine, place(of, table.location)):
                            sys.stderr.write(f"data pool: {table}: {done}\n")
                except BdcError as error:  # another writer was first, or Trino is away: the next look tries again
                    failed[str(table)] = error.message
        return failed

    def _see_to(self, engine: TrinoSession, at: Relation) -> Iterator[str]:
        """Do what it needs; what was done."""
        schema, name = at.schema.lower(), at.name.lower()
        history = f"{at.catalog.name}.{identifier(schema)}.{identifier(name + '$history')}"
        for version, operation, seconds in engine.query(_LAST.format(history)).rows:
            if operation == _DONE or self._seen.get(at.relation) == version or not isinstance(seconds, int) or seconds < REST_SECONDS:
                continue
            engine.query(f"ANALYZE {at.relation}")
            engine.query(f"ALTER TABLE {at.relation} EXECUTE optimize(file_size_threshold => {literal(_SMALL)})")
            self._seen[at.relation] = version  # where there was nothing to put together, no version follows it
            yield "statistics are up to date, and small files put together"
        if self.clock() - self._vacuumed.get(at.relation, -_DAY_SECONDS) >= _DAY_SECONDS:
            named = ", ".join(map(literal, (schema, name, _RETENTION)))
            engine.query(f"CALL {at.catalog.name}.system.vacuum({named})")
            self._vacuumed[at.relation] = self.clock()
            yield f"files of versions older than {_RETENTION} are removed"


def run(upkeep: Upkeep, open_master: Callable[[], Connection], wait: Callable[[float], bool]) -> None:
    """Look every minute until `wait`, which waits that many seconds, says that it is time to end."""
    said = ""
    while not wait(REST_SECONDS):
        try:
            connection = open_master()
            try:
                failed = upkeep.look(connection)
            finally:
                connection.close()
            text = "; ".join(f"{name}: {why}" for name, why in failed.items())
        except (BdcError, psycopg.Error) as error:
            text = error.message if isinstance(error, BdcError) else str(error).strip().partition("\n")[0]
        if text != said:  # once, not in each look
            sys.stderr.write(f"data pool: {text or 'all tables are well'}\n")
            said = text
