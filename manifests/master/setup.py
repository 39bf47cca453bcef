"""Makes the master's roles and databases equal to what the cluster needs; run by the Job master-setup, as often as one likes.

Passwords come by environment and leave this process only as SCRAM verifiers (RFC 5802, the format of pg_authid.rolpassword), so that
no statement log ever holds one. Patroni's dynamic configuration is patched too: it can't change by a file after the bootstrap.
"""

import base64
import hashlib
import hmac
import json
import os
import time
import urllib.request
from functools import cache
from pathlib import Path

import psycopg2

LEADER = os.environ["LEADER"]
ITERATIONS = 4096
PATH = 'search_path = "$user", public, dbo'


def verifier(password: str) -> str:
    """SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>"""
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    client = hmac.digest(salted, b"Client Key", "sha256")
    server = hmac.digest(salted, b"Server Key", "sha256")
    stored = hashlib.sha256(client).digest()
    text = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${ITERATIONS}:{text[0]}${text[1]}:{text[2]}"


@cache
def session(database: str) -> "psycopg2.extensions.connection":
    """The one connection to a database: a program or a connection for each statement took longer than the statements."""
    opened = psycopg2.connect(
        host=LEADER, user="postgres", dbname=database, options="-c statement_timeout=60s",
        # A leader whose machine is gone says nothing, and ends no statement: without these its answer is awaited for two hours.
        keepalives_idle=10, keepalives_interval=5, keepalives_count=4, tcp_user_timeout=60_000,
    )  # fmt: skip
    opened.autocommit = True
    return opened


def sql(database: str, statements: str) -> list[object]:
    """Runs statements in one database, all or none of them; the first column of what they find."""
    with session(database).cursor() as cursor:
        cursor.execute(statements)
        return [row[0] for row in cursor] if cursor.description else []


def wait() -> None:
    """Until the leader takes statements, with the superuser's password or the one that a rotation is about to give it."""
    passwords = [password for password in (os.environ["PGPASSWORD"], os.environ.get("NEXT_PASSWORD")) if password]
    for attempt in range(300):
        os.environ["PGPASSWORD"] = passwords[attempt % len(passwords)]
        try:
            if sql("postgres", "SELECT NOT pg_is_in_recovery()") == [True]:
                return
        except psycopg2.Error as error:
            print("waiting for the leader:", (str(error).strip() or repr(error)).splitlines()[-1], flush=True)
        session.cache_clear()
        time.sleep(1)
    raise SystemExit("the master has no leader")


def role(name: str, password: str, attributes: str) -> None:
    exists = sql("postgres", f"SELECT 1 FROM pg_roles WHERE rolname = '{name}'")
    verb = "ALTER" if exists else "CREATE"
    sql("postgres", f"{verb} ROLE \"{name}\" LOGIN {attributes} PASSWORD '{verifier(password)}';")
    print("role", name, flush=True)


def database(name: str, owner: str) -> None:
    if not sql("postgres", f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
        sql("postgres", f"CREATE DATABASE {name} OWNER {owner};")
    print("database", name, flush=True)


def migrate(folder: Path) -> None:
    """Brings the schemas polybase and sys up to date by the files NNNN-name.sql that weren't run yet, each in a transaction of its own."""
    sql("bdc", "CREATE SCHEMA IF NOT EXISTS polybase; CREATE TABLE IF NOT EXISTS polybase.migrations "
        "(version integer PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now());")  # fmt: skip
    [done] = sql("bdc", "SELECT coalesce(max(version), 0) FROM polybase.migrations")
    for file in sorted(folder.glob("[0-9]*.sql")):
        version = int(file.name.partition("-")[0])
        if version > done:
            sql("bdc", f"BEGIN;\n{file.read_text()}\nINSERT INTO polybase.migrations (version) VALUES ({version});\nCOMMIT;")
            print("migration", file.name, flush=True)


def patroni(settings: dict[str, object]) -> None:
    request = urllib.request.Request(
        f"http://{LEADER}:8008/config", data=json.dumps(settings).encode(), method="PATCH", headers={"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request, timeout=10).read()
    print("patroni", json.dumps(settings), flush=True)


wait()
patroni(json.loads(os.environ["PATRONI_DYNAMIC"]))
role("replicator", os.environ["REPLICATION_PASSWORD"], "REPLICATION")
role("bdc", os.environ["BDC_PASSWORD"], "CREATEDB CREATEROLE")
role("metastore", os.environ["METASTORE_PASSWORD"], "")
role("trino", os.environ["TRINO_PASSWORD"], "")
role("gateway", os.environ["GATEWAY_PASSWORD"], "")
database("bdc", "bdc")
database("metastore", "metastore")
sql("postgres", "REVOKE CONNECT ON DATABASE metastore FROM PUBLIC;")
# The cluster's administrator writes PL/Python and PL/R as SQL Server's administrators did: the languages are trusted in this one database.
for language in ("plpython3u", "plr"):
    sql("bdc", f"CREATE EXTENSION IF NOT EXISTS {language}; UPDATE pg_language SET lanpltrusted = true WHERE lanname = '{language}';")
    sql("bdc", f"GRANT USAGE ON LANGUAGE {language} TO bdc;")
sql("bdc", "GRANT ALL ON SCHEMA public TO bdc;")
# What the federation makes in the master is its role's, and the administrator's as well.
sql("bdc", "GRANT pg_read_all_data, pg_write_all_data TO trino; GRANT CREATE ON SCHEMA public TO trino; GRANT trino TO bdc;")
# External tables in the master are foreign tables of the SQL gateway, which federation_fdw asks as the role that reads.
sql("bdc", "CREATE EXTENSION IF NOT EXISTS federation_fdw; GRANT CREATE ON DATABASE bdc TO trino;")
options = {"host": os.environ["GATEWAY"], "port": "5432", "dbname": "bdc", "sslmode": "verify-full", "sslrootcert": "/etc/bdc/tls/ca.crt",
           "connect_timeout": "10", "fetch_size": "10000", "fdw_startup_cost": "200", "fdw_tuple_cost": "0.2", "updatable": "false",
           "truncatable": "false"}  # fmt: skip
if not sql("bdc", "SELECT 1 FROM pg_foreign_server WHERE srvname = 'federation'"):
    sql("bdc", "CREATE SERVER federation FOREIGN DATA WRAPPER federation_fdw; GRANT USAGE ON FOREIGN SERVER federation TO trino; "
               "CREATE USER MAPPING FOR PUBLIC SERVER federation; "
               f"ALTER DATABASE bdc SET {PATH}; SET {PATH};")  # fmt: skip
known = sql("bdc", "SELECT option_name FROM pg_foreign_server, pg_options_to_table(srvoptions) WHERE srvname = 'federation'")
listed = ", ".join(f"{'SET' if name in known else 'ADD'} {name} '{value}'" for name, value in options.items())
sql("bdc", f"ALTER SERVER federation OPTIONS ({listed});")
migrate(Path(__file__).parent)
# Spark's applications read and write what is everybody's; those of a pool have a schema of their own. The administrator has their rights.
for one in json.loads(os.environ["SPARK_ROLES"]):
    name = f'"{one["name"]}"'
    role(one["name"], os.environ[one["password"]], "")
    sql("bdc", f"GRANT {name} TO bdc;")
    if one["schema"]:
        sql("bdc", f'CREATE SCHEMA IF NOT EXISTS "{one["schema"]}" AUTHORIZATION {name};')
    else:
        sql("bdc", f"GRANT pg_read_all_data, pg_write_all_data TO {name}; GRANT CREATE ON SCHEMA public TO {name};")
print("ready", flush=True)
