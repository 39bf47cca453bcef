"""PostgreSQL's queries as Trino's, with PostgreSQL's meaning.

sqlglot reads a query; `queries` and `expressions` write it anew, node by node, with the type of each. There is a rule for everything
that passes: what has none, or would mean something else in Trino, is refused. A wrong answer is worse than none.
"""

from bdc.sql.pgwire.dialect.parsing import Tables, Translated, bound, names, parameters, read
from bdc.sql.pgwire.dialect.queries import translate
from bdc.sql.pgwire.dialect.shapes import without_tables
from bdc.sql.pgwire.dialect.types import Kind, kind

__all__ = ["Kind", "Tables", "Translated", "bound", "kind", "names", "parameters", "read", "translate", "without_tables"]
