"""A shuffle that takes a while, and lines on the way: `shuffles.py SECONDS`; the sum at the end is known."""

import sys
import time

from pyspark.sql import SparkSession

seconds = float(sys.argv[1])
spark = SparkSession.builder.getOrCreate()


def slowly(rows):  # type: ignore[no-untyped-def]
    """Each of 8 tasks takes its part of the time."""
    time.sleep(seconds / 4)
    return rows


pairs = spark.sparkContext.parallelize(range(8000), 8).mapPartitions(slowly).map(lambda number: (number % 10, number))
sys.stdout.write("begun\n")
sys.stdout.flush()
sums = pairs.reduceByKey(lambda one, other: one + other, 8).mapPartitions(slowly)
sys.stdout.write(f"sum {sum(value for _, value in sums.collect())}\n")
