"""A Spark application that uses a package of its environment, in the driver and in an executor."""

import json
import sys

import greeting  # type: ignore[import-not-found]
from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()


def greet(name: str) -> str:
    """In a worker, where the package is looked for anew."""
    import greeting

    return str(greeting.hello(name))


sys.stdout.write(json.dumps([greeting.hello("driver"), *spark.sparkContext.parallelize(["executor"], 1).map(greet).collect()]) + "\n")
