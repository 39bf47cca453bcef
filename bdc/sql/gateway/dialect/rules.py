"""All rules of expressions: what writes a node of sqlglot's, by its class or, of a function that sqlglot doesn't know, its name."""

from __future__ import annotations

from bdc.sql.gateway.dialect.aggregates import AGGREGATES
from bdc.sql.gateway.dialect.comparisons import COMPARISONS
from bdc.sql.gateway.dialect.distributions import DISTRIBUTIONS
from bdc.sql.gateway.dialect.functions import FUNCTIONS
from bdc.sql.gateway.dialect.matching import MATCHING
from bdc.sql.gateway.dialect.moments import MOMENTS
from bdc.sql.gateway.dialect.operators import OPERATORS

RULES = {**OPERATORS, **COMPARISONS, **FUNCTIONS, **AGGREGATES, **MATCHING, **MOMENTS, **DISTRIBUTIONS}
