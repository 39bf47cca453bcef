"""Keeps the flights that arrived, as the Delta table demo.flights on HDFS, partitioned by month.

bdc spark submit flights.py -- hdfs:///data/flights/flights.csv
"""

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

SCHEMA = """year INT, month INT, day INT, dep_time INT, sched_dep_time INT, dep_delay INT, arr_time INT, sched_arr_time INT,
            arr_delay INT, carrier STRING, flight INT, tailnum STRING, origin STRING, dest STRING, air_time INT, distance INT,
            hour INT, minute INT, time_hour TIMESTAMP"""

spark = SparkSession.builder.appName("flights").getOrCreate()
flights = spark.read.csv(sys.argv[1], schema=SCHEMA, header=True, nullValue="NA", mode="FAILFAST")
arrived = flights.where(f.col("arr_delay").isNotNull())

spark.sql("CREATE DATABASE IF NOT EXISTS demo")
arrived.repartition("month").write.format("delta").mode("overwrite").partitionBy("month").saveAsTable("demo.flights")

kept = spark.table("demo.flights").agg(f.count("*"), f.sum("arr_delay")).first()
print(f"{flights.count()} rows in, {kept[0]} kept, sum of arr_delay {kept[1]}")
spark.stop()
