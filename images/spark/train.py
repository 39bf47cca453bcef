"""Does what drivers, executors and servers do first, for a JVM that records it (-XX:AOTCacheOutput); run once, while the image is built.

Where an image is built there is no cluster: HDFS, the metastore and the API server are called where nobody listens, which loads their
clients. What fails otherwise fails the build.
https://openjdk.org/jeps/514
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

FOLDER = tempfile.mkdtemp()
NOBODY = "127.0.0.1:1"
TEMPLATE = Path(FOLDER) / "executor.yaml"
SETTINGS = {
    "spark.authenticate": "true",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.driver.host": "127.0.0.1",
    "spark.dynamicAllocation.shuffleTracking.enabled": "true",
    "spark.eventLog.dir": f"file://{FOLDER}",
    "spark.eventLog.enabled": "true",
    "spark.eventLog.rolling.enabled": "true",
    "spark.sql.catalog.spark_catalog": "dev.bdc.spark.SessionCatalog",
    "spark.sql.execution.arrow.pythonUDF.columnarInput.enabled": "false",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.warehouse.dir": f"{FOLDER}/warehouse",
}
ALONE = {"spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin"}
PROCESSES = {
    "spark.authenticate.secret": "nobody else's, while it runs",
    "spark.plugins": "",
    "spark.executor.memory": "512m",
    "spark.sql.catalogImplementation": "hive",
    "spark.hadoop.hive.metastore.uris": f"thrift://{NOBODY}",
    "spark.hadoop.hive.metastore.connect.retries": "1",
    "spark.hadoop.hive.metastore.failure.retries": "0",
    "spark.hadoop.ipc.client.connect.max.retries": "0",
}
PODS = {
    "spark.kubernetes.container.image": "none",
    "spark.kubernetes.executor.podTemplateFile": str(TEMPLATE),
    "spark.sql.catalogImplementation": "in-memory",
}
NAMED = ("org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend", "org.apache.spark.deploy.history.HistoryServer")
CONNECT = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.remote("sc://localhost").getOrCreate()
for _ in range(3):
    assert spark.sql("SELECT 1 AS one").collect()[0].one == 1
assert len(spark.sql("SELECT DISTINCT k FROM numbers").collect()) == 3
spark.stop()
"""


def session(master: str, settings: dict[str, str]) -> SparkSession:
    builder = SparkSession.builder.master(master)
    for key, value in (SETTINGS | settings).items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def fails(call) -> None:
    try:
        call()
    except Exception as error:
        print("as expected:", str(error).partition("\n")[0])
    else:
        raise SystemExit("a call to nobody was answered")


def sums(spark: SparkSession) -> None:
    """Two stages of Python functions."""
    pairs = spark.sparkContext.parallelize(range(100), 2).map(lambda number: (number % 3, number))
    assert dict(pairs.reduceByKey(lambda a, b: a + b).collect()) == {0: 1683, 1: 1617, 2: 1650}


def tables(spark: SparkSession) -> None:
    numbers = spark.range(1000).select("id", (f.col("id") % 3).alias("k"), f.lit("2013-07-04").cast("date").alias("day"))
    numbers.write.csv(f"{FOLDER}/csv", header=True)
    read = spark.read.csv(f"{FOLDER}/csv", header=True, inferSchema=True).where("id > 1")
    read.groupBy("k").agg(f.count("*").alias("n"), f.avg("id"), f.sum("id")).orderBy("n").show()
    read.repartition("k").write.format("delta").mode("overwrite").partitionBy("k").saveAsTable("numbers")
    delta = spark.table("numbers")
    other = numbers.select(f.col("id").alias("other"))
    assert [row["count"] for row in delta.join(other, delta.id == other.other).groupBy("day").count().collect()] == [998]
    delta.write.parquet(f"{FOLDER}/parquet")
    assert spark.read.parquet(f"{FOLDER}/parquet").count() == 998
    assert delta.select(f.udf(lambda k: k + 1, "int")("k")).distinct().count() == 3


spark = session("local[2]", ALONE)
tables(spark)
sums(spark)
subprocess.run([sys.executable, "-c", CONNECT], check=True, env={"PATH": os.environ["PATH"]})
spark.stop()

spark = session("local-cluster[1,1,512]", PROCESSES)
fails(lambda: spark.read.parquet(f"hdfs://{NOBODY}/nothing"))
fails(lambda: spark.sql("SHOW DATABASES").collect())
sums(spark)
for name in NAMED:
    spark._jvm.java.lang.Class.forName(name)
spark._jvm.java.lang.System.setProperty("kubernetes.request.retry.backoffLimit", "0")
spark.stop()

TEMPLATE.write_text("apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: executor\n")
fails(lambda: session(f"k8s://http://{NOBODY}", PODS))
