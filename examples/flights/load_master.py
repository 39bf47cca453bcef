"""Loads airlines, airports and planes into the SQL master over its PostgreSQL endpoint, by COPY.

bdc credentials ca ca.crt
BDC_PASSWORD=$(bdc credentials show --password) python load_master.py FOLDER "$(bdc endpoints master --uri)" ca.crt
"""

import os
import sys
from pathlib import Path

import psycopg

TABLES = {
    "airlines": "carrier text PRIMARY KEY, name text NOT NULL",
    "airports": "faa text PRIMARY KEY, name text NOT NULL, lat float8, lon float8, alt int, tz int, dst text, tzone text",
    "planes": "tailnum text PRIMARY KEY, year int, type text, manufacturer text, model text, engines int, seats int, speed int, "
    "engine text",
}

folder, uri, authority = sys.argv[1:]
with psycopg.connect(uri, password=os.environ["BDC_PASSWORD"], sslmode="verify-full", sslrootcert=authority) as connection:
    for table, columns in TABLES.items():
        connection.execute(f"DROP TABLE IF EXISTS {table}")
        connection.execute(f"CREATE TABLE {table} ({columns})")
        with connection.cursor().copy(f"COPY {table} FROM STDIN WITH (FORMAT csv, HEADER, NULL 'NA')") as copy:
            copy.write((Path(folder) / f"{table}.csv").read_bytes())
        print(f"{table}: {connection.execute(f'SELECT count(*) FROM {table}').fetchone()[0]} rows")
