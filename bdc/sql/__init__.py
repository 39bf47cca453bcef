"""SQL on a running cluster. Start at `connect`."""

from bdc.sql.connection import connect, define, federation, in_tsql, statements
from bdc.sql.engine import Dialect, Engine
from bdc.sql.errors import QueryError
from bdc.sql.result import Column, Result, Row, Session, Value
from bdc.sql.statements import Statement, split

__all__ = [
    "Column",
    "Dialect",
    "Engine",
    "QueryError",
    "Result",
    "Row",
    "Session",
    "Statement",
    "Value",
    "connect",
    "define",
    "federation",
    "in_tsql",
    "split",
    "statements",
]
