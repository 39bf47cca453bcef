#!/usr/bin/env bash
# Timestamps far from today in Parquet files that Spark 4 writes by its defaults, read by pyarrow, DuckDB and Spark itself.
#
# One would guess: Parquet's INT96 timestamp, a day number and nanoseconds of the day, is deprecated, so Spark 4 writes microseconds; and who
# reads INT96 refuses what its own type can't hold.
# What happens: Spark still writes INT96 (spark.sql.parquet.outputTimestampType). pyarrow makes nanoseconds of 64 bits of it and lets them
# overflow: 0001-01-01 is read as 1754-08-30 and 9999-12-31 as 1816-03-29, without an error. DuckDB and Spark read what was written, and so
# does pyarrow with coerce_int96_timestamp_unit="us".
# Why it matters: 0001-01-01 and 9999-12-31 stand for "none" and "for ever" in many warehouses, and come back as days that look real.
# Needs: python3 with venv, and Java 17 or newer for Spark.
set -euo pipefail
there=$(mktemp -d)
trap 'rm -rf "$there"' EXIT
python3 -m venv "$there/venv"
"$there/venv/bin/pip" install --quiet --disable-pip-version-check pyspark==4.2.0 pyarrow==26.0.1 duckdb==1.4.4
cd "$there"
SPARK_LOCAL_IP=127.0.0.1 TZ=UTC venv/bin/python - 2> spark.log <<'END' || { status=$?; tail -n 5 spark.log >&2; exit "$status"; }
import datetime
import glob
import sys

import duckdb
import pyarrow
import pyspark
from pyarrow import parquet
from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").config("spark.sql.session.timeZone", "UTC").getOrCreate()
texts = ["0001-01-01 00:00:00", "9999-12-31 00:00:00"]
spark.sql(f"SELECT CAST(t AS TIMESTAMP) AS t FROM VALUES {', '.join(map(repr, texts))} AS v(t)").coalesce(1).write.parquet("times")
file = glob.glob("times/*.parquet")[0]
physical = parquet.ParquetFile(file).schema.column(0).physical_type
by_spark = [row.t for row in spark.read.parquet("times").selectExpr("CAST(t AS STRING) AS t").collect()]
spark.stop()
by_duckdb = [str(t) for (t,) in duckdb.sql(f"SELECT CAST(t AS TIMESTAMP) FROM read_parquet('{file}')").fetchall()]
nanoseconds = parquet.read_table(file)["t"].cast("int64").to_pylist()
by_arrow = [str(datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=each // 10**9)) for each in nanoseconds]
asked = [str(scalar)[:19] for scalar in parquet.read_table(file, coerce_int96_timestamp_unit="us")["t"]]
print(f"pyspark {pyspark.__version__} writes {physical} of {texts}")
print(f"Spark reads {by_spark}, duckdb {duckdb.__version__} {by_duckdb}")
print(f"pyarrow {pyarrow.__version__} reads {by_arrow}, with coerce_int96_timestamp_unit='us' {asked}")
if (physical, by_spark, by_duckdb, asked) != ("INT96", texts, texts, texts):
    sys.exit("changed: what is written, or read by those who read it right")
if by_arrow != ["1754-08-30 22:43:41", "1816-03-29 05:56:08"]:
    sys.exit("changed: what pyarrow reads by its defaults")
END
