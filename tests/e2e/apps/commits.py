"""Appends 100 rows to a Delta table under a transaction of its own, and dies right after its first commit; a retry must add nothing."""

import os
import signal
import sys

from delta.tables import DeltaTable
from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
path = "hdfs://bdc/user/bdc/committed"
rows = spark.range(100)
rows.write.format("delta").mode("append").option("txnAppId", "nightly").option("txnVersion", 1).save(path)
commits = DeltaTable.forPath(spark, path).history().count()
sys.stdout.write(f"{commits} commits, {spark.read.format('delta').load(path).count()} rows\n")
sys.stdout.flush()
marker = spark.sparkContext._jvm.org.apache.hadoop.fs.Path("/user/bdc/died")
files = marker.getFileSystem(spark.sparkContext._jsc.hadoopConfiguration())
if files.createNewFile(marker):
    os.kill(os.getppid(), signal.SIGKILL)  # the driver's JVM
