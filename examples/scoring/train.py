"""Trains a model in Spark on demo.flights (examples/flights) and leaves it on HDFS with some of its predictions.

bdc spark submit train.py -- hdfs:///data/models/delay
"""

import base64
import json
import pickle
import sys

from pyspark.sql import SparkSession
from sklearn.linear_model import LinearRegression

CASES = [[0.0, 500.0], [30.0, 1000.0], [-5.0, 200.0]]

spark = SparkSession.builder.appName("train").getOrCreate()
rows = spark.table("demo.flights").where("dep_delay IS NOT NULL").select("dep_delay", "distance", "arr_delay").limit(20_000).collect()
model = LinearRegression().fit([[row.dep_delay, row.distance] for row in rows], [row.arr_delay for row in rows])
result = {
    "model": base64.b64encode(pickle.dumps(model)).decode(),
    "cases": CASES,
    "predictions": [float(value) for value in model.predict(CASES)],
}
spark.createDataFrame([(json.dumps(result),)], "value string").coalesce(1).write.mode("overwrite").text(sys.argv[1])
print(f"trained on {len(rows)} flights")
spark.stop()
