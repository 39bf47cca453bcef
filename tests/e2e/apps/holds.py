"""A Spark application that counts, and then goes on until a file is on HDFS."""

import sys
import time

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
sys.stdout.write(f"{spark.range(100).count()}\n")
hadoop = spark._jvm.org.apache.hadoop.fs
files, sign = hadoop.FileSystem.get(spark._jsc.hadoopConfiguration()), hadoop.Path(sys.argv[1])
while not files.exists(sign):
    time.sleep(0.5)
