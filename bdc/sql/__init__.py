"""SQL on a running cluster. Start at `connect`."""

from bdc.sql.connection import Dialect, Engine, connect, define
from bdc.sql.errors import QueryError
from bdc.sql.result import Column, Result, Row, Session, Value
from bdc.sql.script import statements
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
    "split",
    "statements",
]
