"""What tests of external data ask, and how."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

from tests.e2e.support.commands import bdc
from tests.e2e.support.host import TestHost

SALES, WEB, ROTATED, DEPOT, STORE = "sales: p@ss w/o:rd", "we'b pw+1", "another: p@ss/word", "d3pot pw", "st0re/k3y+pw"


DOCS = Path(__file__).parents[3] / "docs" / "federation.md"


def block(after: str) -> str:
    """The docs' first statements after a text."""
    return DOCS.read_text(encoding="utf-8").partition(after)[2].partition("```sql\n")[2].partition("```")[0]


def rows(host: TestHost, sql: str, *options: str, code: int = 0) -> Any:
    """A statement's rows, one mapping each, or what is said of one that fails. In a session that stays open unless options say more."""
    if options and options[0] != "-e":
        done = bdc(host, "-q", "sql", "query", "-o", "json", *options, sql, code=code)
    else:
        done = host.sql(options[1] if options else "federation", sql)
        assert done.returncode == code, f"{sql}: exit {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return json.loads(done.stdout) if code == 0 else done.stderr


def plan(host: TestHost, sql: str) -> str:
    return str(rows(host, f"EXPLAIN {sql}")[0]["Query Plan"])


def until(seconds: float, host: TestHost, sql: str) -> Any:
    """The rows of a statement, as soon as it works."""
    deadline = time.monotonic() + seconds
    while True:
        done = host.sql("federation", sql)
        if done.returncode == 0:
            return json.loads(done.stdout)
        assert time.monotonic() < deadline, done.stderr
        time.sleep(0.5)


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose times are written without a zone, UTC, and without zeros that say nothing."""
    return {key: re.sub(r"(:\d\d)(\.\d*?)?0*( UTC|\+00)?$", r"\1\2", value).rstrip(".") if isinstance(value, str) else value
            for key, value in row.items()}  # fmt: skip
