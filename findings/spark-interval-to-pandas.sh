#!/usr/bin/env bash
# Intervals of more than 292 years, from Spark to pandas.
#
# One would guess: toPandas() gives what collect() gives, or raises where pandas' nanoseconds can't hold it, as it does for timestamps.
# What happens: by Arrow, which is Spark 4.2's default, the interval of 200,000 days becomes one of minus 13,504 days, with no error or warning.
# collect() and toArrow() are right, and without Arrow toPandas() raises OutOfBoundsTimedelta.
# Why it matters: a sum of intervals over many rows (machine hours, days of stay) passes 106,751 days easily, and turns negative.
# Needs: python3 with venv, and Java 17 or newer for Spark.
set -euo pipefail
there=$(mktemp -d)
trap 'rm -rf "$there"' EXIT
python3 -m venv "$there/venv"
"$there/venv/bin/pip" install --quiet --disable-pip-version-check pyspark==4.2.0 pyarrow==26.0.1 pandas==2.3.3
cd "$there"
SPARK_LOCAL_IP=127.0.0.1 venv/bin/python - 2> spark.log <<'END' || { status=$?; tail -n 5 spark.log >&2; exit "$status"; }
import sys

import pandas
import pyspark
from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
summed = spark.sql("SELECT sum(stay) AS total FROM VALUES (INTERVAL '100000' DAY), (INTERVAL '100000' DAY) AS stays(stay)")
collected = summed.collect()[0].total.days
arrow_days = summed.toArrow()["total"][0].as_py().days
pandas_days = summed.toPandas()["total"][0].days
spark.conf.set("spark.sql.execution.arrow.pyspark.enabled", "false")
try:
    without_arrow = summed.toPandas()["total"][0].days
except pandas.errors.OutOfBoundsTimedelta:
    without_arrow = "OutOfBoundsTimedelta"
spark.stop()
print(f"pyspark {pyspark.__version__}: collect() {collected} days, toArrow() {arrow_days} days")
print(f"toPandas() with pandas {pandas.__version__}: {pandas_days} days; without Arrow: {without_arrow}")
if (collected, arrow_days, pandas_days, without_arrow) != (200000, 200000, -13504, "OutOfBoundsTimedelta"):
    sys.exit("changed: long intervals are converted otherwise")
END
