#!/usr/bin/env bash
# A Delta table whose partition value is the empty string, read by deltalake in its two ways.
#
# One would guess: one library has one answer to what is in a table.
# What happens: QueryBuilder, its SQL, reads the empty string; to_pandas() and to_pyarrow_table() read NULL.
# Why it matters: rows that a filter finds or a count counts depend on which of the two a program uses. Delta's protocol says that an empty
# string stands for NULL in a partition value of any type, so that here the DataFrame is right, and the SQL isn't.
# Needs: python3 with venv.
set -euo pipefail
there=$(mktemp -d)
trap 'rm -rf "$there"' EXIT
python3 -m venv "$there/venv"
"$there/venv/bin/pip" install --quiet --disable-pip-version-check deltalake==1.6.6 pyarrow==26.0.1 pandas==2.3.3
"$there/venv/bin/python" - "$there/table" <<'END'
import json
import os
import sys

import deltalake
import pyarrow
import pyarrow.parquet
from deltalake import DeltaTable, QueryBuilder

path = sys.argv[1]
os.makedirs(f"{path}/_delta_log")
pyarrow.parquet.write_table(pyarrow.table({"id": pyarrow.array([1], pyarrow.int32())}), f"{path}/a.parquet")
fields = [{"name": name, "type": kind, "nullable": True, "metadata": {}} for name, kind in [("id", "integer"), ("part", "string")]]
schema = json.dumps({"type": "struct", "fields": fields})
commit = [
    {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
    {"metaData": {"id": "0b0e1f44-9a2e-4c5e-9d55-7a3f2f6f0001", "format": {"provider": "parquet", "options": {}},
                  "schemaString": schema, "partitionColumns": ["part"], "configuration": {}}},
    {"add": {"path": "a.parquet", "partitionValues": {"part": ""}, "size": os.path.getsize(f"{path}/a.parquet"),
             "modificationTime": 0, "dataChange": True}},
]
with open(f"{path}/_delta_log/{0:020}.json", "w") as log:
    log.write("\n".join(map(json.dumps, commit)))

table = DeltaTable(path)
query = pyarrow.table(QueryBuilder().register("t", table).execute("SELECT id, part FROM t").read_all()).to_pylist()
arrow = table.to_pyarrow_table().select(["id", "part"]).to_pylist()
pandas = [None if value != value else value for value in table.to_pandas()["part"]]
print(f"deltalake {deltalake.__version__}: QueryBuilder {query}, to_pyarrow_table {arrow}, to_pandas' part {pandas}")
if (query, arrow, pandas) != ([{"id": 1, "part": ""}], [{"id": 1, "part": None}], [None]):
    sys.exit("changed: the ways no longer differ as they did")
END
