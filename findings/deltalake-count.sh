#!/usr/bin/env bash
# DeltaTable.count() of deltalake, on tables without statistics and with a deletion vector.
#
# One would guess: count() is the number of rows, or an error where it can't be known.
# What happens: it adds up what the log's statistics say. Statistics are optional in Delta, and a file without them counts as 0 rows; rows
# that a deletion vector has deleted are counted still. QueryBuilder counts right.
# Why it matters: a check that a load has arrived by count() fails for tables of writers that leave statistics out (convert to Delta,
# delta.dataSkippingNumIndexedCols), and passes for rows that are deleted.
# Needs: python3 with venv.
set -euo pipefail
there=$(mktemp -d)
trap 'rm -rf "$there"' EXIT
python3 -m venv "$there/venv"
"$there/venv/bin/pip" install --quiet --disable-pip-version-check deltalake==1.6.6 pyarrow==26.0.1
"$there/venv/bin/python" - "$there" <<'END'
import json
import os
import struct
import sys

import deltalake
import pyarrow
import pyarrow.parquet
from deltalake import DeltaTable, QueryBuilder

Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def deletion_vector(row):
    """The inline form of Delta's protocol: a roaring bitmap of one row, in Z85."""
    bitmap = struct.pack("<IIHHIH", 12346, 1, 0, 0, 16, row)
    content = struct.pack("<IQI", 1681511377, 1, 0) + bitmap
    words = struct.unpack(f">{(len(content) + 3) // 4}I", content + b"\0" * (-len(content) % 4))
    text = "".join(Z85[word // 85**power % 85] for word in words for power in (4, 3, 2, 1, 0))
    return {"storageType": "i", "pathOrInlineDv": text, "sizeInBytes": len(content), "cardinality": 1}


def counts(path, protocol, **more):
    """Of a table of ten rows: what count() says, and what SQL counts."""
    os.makedirs(f"{path}/_delta_log")
    pyarrow.parquet.write_table(pyarrow.table({"id": pyarrow.array(range(10), pyarrow.int32())}), f"{path}/a.parquet")
    schema = json.dumps({"type": "struct", "fields": [{"name": "id", "type": "integer", "nullable": True, "metadata": {}}]})
    commit = [
        {"protocol": protocol},
        {"metaData": {"id": "0b0e1f44-9a2e-4c5e-9d55-7a3f2f6f0003", "format": {"provider": "parquet", "options": {}},
                      "schemaString": schema, "partitionColumns": [], "configuration": {}}},
        {"add": {"path": "a.parquet", "partitionValues": {}, "size": os.path.getsize(f"{path}/a.parquet"),
                 "modificationTime": 0, "dataChange": True, **more}},
    ]
    with open(f"{path}/_delta_log/{0:020}.json", "w") as log:
        log.write("\n".join(map(json.dumps, commit)))
    table = DeltaTable(path)
    rows = QueryBuilder().register("t", table).execute("SELECT count(*) AS n FROM t").read_all()
    return table.count(), pyarrow.table(rows).to_pylist()[0]["n"]


plain = counts(f"{sys.argv[1]}/plain", {"minReaderVersion": 1, "minWriterVersion": 2})
features = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}
statistics = json.dumps({"numRecords": 10, "tightBounds": False})
deleted = counts(f"{sys.argv[1]}/deleted", features, stats=statistics, deletionVector=deletion_vector(3))
print(f"deltalake {deltalake.__version__}: ten rows, no statistics: count() {plain[0]}, SQL {plain[1]}")
print(f"ten rows, one of them deleted by a deletion vector: count() {deleted[0]}, SQL {deleted[1]}")
if (plain, deleted) != ((0, 10), (10, 9)):
    sys.exit("changed: count() no longer differs as it did")
END
