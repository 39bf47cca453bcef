"""T-SQL's queries as Trino's, by rules: one for each function, operator and clause whose meaning is known in both.

There is no default. What has no rule is refused by its name, since a wrong answer is worse than none; see docs/adr/0029-tsql.md.

    queries      statements and clauses        -> sources      tables of FROM, and the types of their columns
    operators, casts, strings, moments, aggregates             expressions
    typed, kinds                                               pieces of Trino's SQL, and types
"""
