"""Asks a cluster with the clients that people have, as their own documentation uses them. Run by test_cluster.py on the outside host."""

# mypy: disable-error-code="no-untyped-call, attr-defined, index"

from __future__ import annotations

import json
import os
import sys

import requests
import trino
from hdfs import Client
from pyspark.sql import SparkSession

address = sys.argv[1]
password, token, authority = os.environ["PW"], os.environ["TOKEN"], os.environ["CA"]

connection = trino.dbapi.connect(
    host=address, port=31880, user="bdc", http_scheme="https", auth=trino.auth.BasicAuthentication("bdc", password), verify=authority
)
flights = connection.cursor().execute("SELECT count(*) FROM lake.demo.flights").fetchone()[0]

session = requests.Session()
session.auth, session.verify = ("bdc", password), authority
files = Client(f"https://{address}:31870", session=session).list("/data/flights")

spark = SparkSession.builder.remote(f"sc://{address}:31002/;use_ssl=true;token={token}").getOrCreate()
delay = spark.table("demo.flights").selectExpr("sum(arr_delay) AS delay").first()["delay"]

sys.stdout.write(json.dumps({"trino": flights, "hdfs": files, "spark": delay}))
