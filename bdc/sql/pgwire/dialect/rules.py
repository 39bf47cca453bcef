"""All rules of expressions: what writes a node of sqlglot's, by its class or, of a function that sqlglot doesn't know, its name."""

from __future__ import annotations

from bdc.sql.pgwire.dialect.aggregates import AGGREGATES
from bdc.sql.pgwire.dialect.comparisons import COMPARISONS
from bdc.sql.pgwire.dialect.distributions import DISTRIBUTIONS
from bdc.sql.pgwire.dialect.functions import FUNCTIONS
from bdc.sql.pgwire.dialect.matching import MATCHING
from bdc.sql.pgwire.dialect.moments import MOMENTS
from bdc.sql.pgwire.dialect.operators import OPERATORS

RULES = {**OPERATORS, **COMPARISONS, **FUNCTIONS, **AGGREGATES, **MATCHING, **MOMENTS, **DISTRIBUTIONS}
