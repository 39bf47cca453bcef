"""The reconciler's rounds: it looks at each change of the definitions, and every few seconds.

So a coordinator that starts again, or a catalog dropped by hand, has all of it back. It may be killed at any time.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from bdc.errors import BdcError
from bdc.kube import Kube
from bdc.sql.external import foreign, passwords
from bdc.sql.external.definition_store import CHANNEL, Connection, changing, read, record
from bdc.sql.external.definitions import Definitions
from bdc.sql.external.introspection import TrinoSession
from bdc.sql.external.locations import is_database
from bdc.sql.external.reconcile import Found, reconcile

_ROUND_SECONDS, _RETRY_SECONDS, _PAUSE_SECONDS = 6.0, 45.0, 1.0
"""Between rounds; until a table that failed is tried again; between looks at whether it is time to end."""


@dataclass
class ReconcileLoop:
    """One round after another; what failed lately isn't tried in each, as asking a source that is down takes long."""

    kube: Kube
    cluster: str
    engine: Callable[[], AbstractContextManager[TrinoSession]]
    clock: Callable[[], float] = time.monotonic
    _failed: dict[str, tuple[float, BdcError]] = field(default_factory=dict)
    _clean: bool = False

    def look(self, connection: Connection) -> Found:
        """Make the federation match what the master defines, and write down what failed."""
        with changing(connection):
            definitions = read(connection)
            passwords.sweep(self.kube, self.cluster, definitions.keys)
            if self._clean and _nothing(definitions):
                return Found()
            now = self.clock()
            self._failed = {digest: one for digest, one in self._failed.items() if now - one[0] < _RETRY_SECONDS}
            with self.engine() as engine:  # a new one: a kept connection may lead to a coordinator that is gone
                found = reconcile(definitions, engine, known={digest: error for digest, (_, error) in self._failed.items()})
            for name, digest in found.digests.items():
                self._failed.setdefault(digest, (now, found.tables[name]))
            made = {str(table).lower() for table in definitions.tables} - set(found.tables)
            found.tables = foreign.match(connection, definitions, made) | found.tables  # why the federation hasn't it says more
            record(connection, "source", {name: error.message for name, error in found.sources.items()})
            record(connection, "table", {name: error.message for name, error in found.tables.items()})
            self._clean = _nothing(definitions) and not found.sources and not found.busy
            return found


def _nothing(definitions: Definitions) -> bool:
    """Whether nothing is to be made: a store that no table is of is nothing, and so is the data pool."""
    return not definitions.tables and not any(map(is_database, definitions.sources.values()))


def run(rounds: ReconcileLoop, open_master: Callable[[], Connection], stopped: Callable[[], bool], beat: Path) -> None:
    """Run rounds until it is time to end; `beat` is touched after each, so that a probe sees one that hangs."""
    connection: Connection | None = None
    said = ""
    while not stopped():
        try:
            if connection is None:
                connection = open_master()
                connection.execute(f"LISTEN {CHANNEL}")
            found = rounds.look(connection)
            text = "; ".join(sorted(f"{name}: {error.message}" for name, error in [*found.sources.items(), *found.tables.items()]))
        except (BdcError, psycopg.Error) as error:
            text = error.message if isinstance(error, BdcError) else str(error).strip().partition("\n")[0]
            if connection is not None and connection.broken:
                connection.close()
                connection = None
        if text != said:  # once, not in each round
            sys.stderr.write(f"{text or 'all external tables are available'}\n")
            said = text
        beat.touch()
        _wait(connection, stopped)


def _wait(connection: Connection | None, stopped: Callable[[], bool]) -> None:
    """Until a definition changes, the next round's time comes, or it is time to end."""
    end = time.monotonic() + _ROUND_SECONDS
    while not stopped() and time.monotonic() < end:
        try:
            if connection is None:
                time.sleep(_PAUSE_SECONDS)
            elif any(True for _ in connection.notifies(timeout=_PAUSE_SECONDS, stop_after=1)):
                return
        except psycopg.Error:
            return
