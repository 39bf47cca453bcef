"""A Spark application that says when its first task ran."""

import sys
import time

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
[ran] = spark.sparkContext.parallelize([0], 1).map(lambda _: time.time()).collect()
sys.stdout.write(f"first task {ran}\n")
