"""A Spark application that says what reached it: arguments, a setting, a secret and an archive, in the driver and in executors."""

import json
import os
import sys
from pathlib import Path

from pyspark.sql import SparkSession


def seen(_: object) -> list[list[str | None]]:
    """The secret and the archive's file."""
    return [[os.environ.get("LAKE_PASSWORD"), Path("env/inside.txt").read_text()]]


spark = SparkSession.builder.getOrCreate()
everywhere = spark.sparkContext.parallelize(range(4), 4).mapPartitions(seen).collect()
sys.stdout.write(
    json.dumps(
        {
            "arguments": sys.argv[1:],
            "partitions": spark.conf.get("spark.sql.shuffle.partitions"),
            "driver": seen(None)[0],
            "executors": [list(one) for one in sorted({tuple(one) for one in everywhere})],
        }
    )
    + "\n"
)
