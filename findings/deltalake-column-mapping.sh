#!/usr/bin/env bash
# A Delta table with column mapping (a column has been renamed or dropped in Spark or Trino), read by deltalake.
#
# One would guess: a reader that doesn't know the feature refuses the table, as the protocol asks (minReaderVersion 2), or reads it right.
# What happens: QueryBuilder reads it right. to_pandas() and to_pyarrow_table() give the right number of rows with NULL in every column, and
# no error: they look for the logical names in files that have the physical ones.
# Why it matters: a pipeline reads nothing but NULL from the day on which somebody renames a column.
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
pyarrow.parquet.write_table(pyarrow.table({"col-1": pyarrow.array([1, 2], pyarrow.int32()), "col-2": ["ann", "bob"]}), f"{path}/a.parquet")


def field(number, name, kind):
    mapped = {"delta.columnMapping.id": number, "delta.columnMapping.physicalName": f"col-{number}"}
    return {"name": name, "type": kind, "nullable": True, "metadata": mapped}


schema = json.dumps({"type": "struct", "fields": [field(1, "id", "integer"), field(2, "name", "string")]})
commit = [
    {"protocol": {"minReaderVersion": 2, "minWriterVersion": 5}},
    {"metaData": {"id": "0b0e1f44-9a2e-4c5e-9d55-7a3f2f6f0002", "format": {"provider": "parquet", "options": {}},
                  "schemaString": schema, "partitionColumns": [],
                  "configuration": {"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": "2"}}},
    {"add": {"path": "a.parquet", "partitionValues": {}, "size": os.path.getsize(f"{path}/a.parquet"),
             "modificationTime": 0, "dataChange": True}},
]
with open(f"{path}/_delta_log/{0:020}.json", "w") as log:
    log.write("\n".join(map(json.dumps, commit)))

table = DeltaTable(path)
query = pyarrow.table(QueryBuilder().register("t", table).execute("SELECT id, name FROM t ORDER BY id").read_all()).to_pylist()
arrow = table.to_pyarrow_table().to_pylist()
frame = table.to_pandas()
print(f"deltalake {deltalake.__version__}:\nQueryBuilder {query}\nto_pyarrow_table {arrow}\nto_pandas\n{frame}")
right = [{"id": 1, "name": "ann"}, {"id": 2, "name": "bob"}]
if query != right or arrow != [{"id": None, "name": None}] * 2 or not frame.isna().all().all():
    sys.exit("changed: mapped columns are no longer read as NULL, or QueryBuilder no longer reads them")
END
