#!/usr/bin/env bash
# Dates before 1582-10-15 in ORC files that Spark 4 writes, read by pyarrow (ORC's C++ library) and by Spark itself.
#
# One would guess: Spark has had the proleptic Gregorian calendar since 3.0, and so have its files; a DATE is read as it was written.
# What happens: Spark writes days of the hybrid calendar, Julian before 1582-10-15. Spark turns them back; pyarrow takes them as they are, and
# reads 1000-02-28 as 1000-03-05. 1582-10-10, a day that the hybrid calendar leaves out, is 1582-10-15 for Spark, too.
# Why it matters: historical dates, and the likes of 0001-01-01 for "none", become others without a word; Trino 476 reads them as pyarrow.
# Needs: python3 with venv, and Java 17 or newer for Spark.
set -euo pipefail
there=$(mktemp -d)
trap 'rm -rf "$there"' EXIT
python3 -m venv "$there/venv"
"$there/venv/bin/pip" install --quiet --disable-pip-version-check pyspark==4.2.0 pyarrow==26.0.1
cd "$there"
SPARK_LOCAL_IP=127.0.0.1 venv/bin/python - 2> spark.log <<'END' || { status=$?; tail -n 5 spark.log >&2; exit "$status"; }
import datetime
import glob
import sys

import pyarrow
import pyspark
from pyarrow import orc
from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
spark.sql("SELECT DATE '1000-02-28' AS old, DATE '1582-10-10' AS gap").coalesce(1).write.orc("dates")
[row] = spark.read.orc("dates").collect()
spark.stop()
[found] = orc.read_table(glob.glob("dates/*.orc")[0]).to_pylist()
print("written: 1000-02-28 and 1582-10-10")
print(f"pyspark {pyspark.__version__} reads {row.old} and {row.gap}; pyarrow {pyarrow.__version__} reads {found['old']} and {found['gap']}")
moved = datetime.date(1582, 10, 15)
if (row.old, row.gap, found["old"], found["gap"]) != (datetime.date(1000, 2, 28), moved, datetime.date(1000, 3, 5), moved):
    sys.exit("changed: old dates in ORC are read otherwise")
END
