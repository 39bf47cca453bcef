"""How long a trivial statement takes, there and back: median of 100 after 1,000, in milliseconds. `spark` is there, or local."""

import statistics
import time

if "spark" not in globals():
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
taken = []
for _ in range(1100):
    began = time.perf_counter()
    assert spark.sql("SELECT 1 AS one").collect()[0].one == 1
    taken.append(time.perf_counter() - began)
print("milliseconds", 1000 * statistics.median(taken[1000:]))  # noqa: T201
