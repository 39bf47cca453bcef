"""SQL as users of SQL Server have it: the statements of PolyBase, T-SQL's plain ones, names without a catalog."""

from bdc.sql.polybase.errors import SqlSyntaxError
from bdc.sql.polybase.parser import parse
from bdc.sql.polybase.statements import Placed, Statement
from bdc.sql.polybase.types import trino_type

__all__ = ["Placed", "SqlSyntaxError", "Statement", "parse", "trino_type"]
