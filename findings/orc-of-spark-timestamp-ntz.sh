#!/usr/bin/env bash
# ORC files of Spark with a TIMESTAMP_NTZ, read by pyarrow.
#
# One would guess: TIMESTAMP_NTZ is ORC's `timestamp`, a wall clock's time without a zone, and TIMESTAMP its `timestamp with local time zone`.
# What happens: TIMESTAMP is ORC's `timestamp`, and TIMESTAMP_NTZ a `bigint` of microseconds since 1970. An attribute of the column,
# spark.sql.catalyst.type, says what it is, which only Spark knows.
# Why it matters: all others find a number where a time was written; a table that is defined over such files as TIMESTAMP can't be read.
# Needs: python3 with venv, and Java 17 or newer for Spark.
set -euo pipefail
there=$(mktemp -d)
trap 'rm -rf "$there"' EXIT
python3 -m venv "$there/venv"
"$there/venv/bin/pip" install --quiet --disable-pip-version-check pyspark==4.2.0 pyarrow==26.0.1
cd "$there"
SPARK_LOCAL_IP=127.0.0.1 venv/bin/python - 2> spark.log <<'END' || { status=$?; tail -n 5 spark.log >&2; exit "$status"; }
import glob
import sys

import pyarrow
import pyspark
from pyarrow import orc
from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
spark.conf.set("spark.sql.session.timeZone", "UTC")
times = "TIMESTAMP_NTZ '2026-01-01 00:00:00.123456' AS wall, TIMESTAMP '2026-01-01 00:00:00.123456' AS instant"
spark.sql(f"SELECT {times}").coalesce(1).write.orc("times")
spark.stop()
table = orc.read_table(glob.glob("times/*.orc")[0])
kinds = {field.name: str(field.type) for field in table.schema}
wall = table["wall"][0].as_py()
print(f"pyspark {pyspark.__version__} wrote, pyarrow {pyarrow.__version__} reads {kinds}; TIMESTAMP_NTZ is {wall}")
if (kinds, wall) != ({"wall": "int64", "instant": "timestamp[ns]"}, 1767225600123456):
    sys.exit("changed: TIMESTAMP_NTZ in ORC is written or read otherwise")
END
