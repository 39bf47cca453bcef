#!/usr/bin/env bash
# sqlglot translates T-SQL's PERCENTILE_CONT, DATEDIFF and TOP WITH TIES to Trino's SQL.
#
# One would guess: what has no counterpart that means the same is refused at unsupported_level RAISE, the strictest.
# What happens: the exact median becomes APPROX_PERCENTILE, which gives one of the values (3 of 1, 2, 3, 4, where T-SQL has 2.5);
# DATEDIFF, which counts boundaries (February to March is 1), becomes DATE_DIFF, which counts whole months (0 from 2020-02-29 to 2020-03-02);
# TOP WITH TIES becomes LIMIT WITH TIES, which isn't Trino's syntax (FETCH FIRST ... WITH TIES is).
# Why it matters: two of the three run, and give another number.
# Needs: python3 with venv.
set -euo pipefail
there=$(mktemp -d)
trap 'rm -rf "$there"' EXIT
python3 -m venv "$there/venv"
"$there/venv/bin/pip" install --quiet --disable-pip-version-check sqlglot==30.30.0
"$there/venv/bin/python" - <<'END'
import sys

import sqlglot
from sqlglot import ErrorLevel

STATEMENTS = {
    "SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY pay) OVER (PARTITION BY team) FROM staff":
        "SELECT APPROX_PERCENTILE(pay, 0.5) OVER (PARTITION BY team) FROM staff",
    "SELECT DATEDIFF(month, began, ended) FROM staff":
        "SELECT DATE_DIFF('MONTH', CAST(began AS TIMESTAMP), CAST(ended AS TIMESTAMP)) FROM staff",
    "SELECT TOP 2 WITH TIES name FROM staff ORDER BY pay":
        "SELECT name FROM staff ORDER BY pay NULLS FIRST LIMIT 2 WITH TIES",
}
print(f"sqlglot {sqlglot.__version__}")
changed = False
for statement, expected in STATEMENTS.items():
    try:
        [found] = sqlglot.transpile(statement, read="tsql", write="trino", unsupported_level=ErrorLevel.RAISE)
    except sqlglot.errors.SqlglotError as error:
        found = f"{type(error).__name__}: {error}"
    print(f"{statement}\n -> {found}")
    changed |= found != expected
if changed:
    sys.exit("changed: a statement is no longer translated as it was")
END
