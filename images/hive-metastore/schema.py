"""Makes the metastore's tables in PostgreSQL, all or none, and does nothing where they are there.

Hive's own schema tool runs the script statement by statement: killed half-way, it can neither go on nor start again. Here the
script is one transaction under an advisory lock, so that two starts at once and a kill at any time are harmless.
"""

import os
import re
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import psycopg2

SCRIPT = Path("/opt/metastore/schema/hive-schema-3.1.0.postgres.sql")
VERSION = "3.1.0"
LOCK = 0x62646368  # "bdch"; any number that nobody else locks
PATIENCE_SECONDS = 180


def connect(**parameters: str | int) -> "psycopg2.extensions.connection":
    """A connection; waits while there is no answer, as after a loss of power everything starts at once.

    What the server itself refuses (FATAL) ends it, but for a server that is only starting or stopping.
    """
    until, said = time.monotonic() + PATIENCE_SECONDS, ""
    while True:
        try:
            return psycopg2.connect(**parameters)
        except psycopg2.OperationalError as error:
            why = str(error).strip()
            refused = "FATAL:" in why and not re.search(r"starting up|shutting down|not yet accepting|recovery", why)
            if refused or time.monotonic() > until:
                print(why, file=sys.stderr)
                sys.exit(1)
            if why != said:
                print(f"waiting for the database: {why}", file=sys.stderr, flush=True)
                said = why
            time.sleep(1)


def main(site: str) -> int:
    """Connects as metastore-site.xml says, with the password from the environment."""
    root = ET.parse(site).getroot()  # noqa: S314  it is our own ConfigMap
    settings = {item.findtext("name"): item.findtext("value") or "" for item in root.iter("property")}
    # The JDBC driver's extra parameters have other names than libpq's; of those only sslmode is the same.
    url = re.fullmatch(r"jdbc:postgresql://([^/]+)/([^?]+)(?:\?(.*))?", settings["javax.jdo.option.ConnectionURL"])
    if not url:
        print("javax.jdo.option.ConnectionURL isn't jdbc:postgresql://HOST/DATABASE", file=sys.stderr)
        return 2
    sslmode = re.search(r"\bsslmode=([a-z-]+)", url[3] or "")
    connection = connect(
        dsn=f"postgresql://{url[1]}/{url[2]}",
        user=settings["javax.jdo.option.ConnectionUserName"],
        password=os.environ["METASTORE_DB_PASSWORD"],
        connect_timeout=10,
        sslmode=sslmode[1] if sslmode else "prefer",
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        cursor.execute("SELECT to_regclass('public.\"VERSION\"')")
        if cursor.fetchone()[0] is None:
            cursor.execute(SCRIPT.read_text())
            print(f"schema {VERSION} made")
            return 0
        cursor.execute('SELECT "SCHEMA_VERSION" FROM public."VERSION"')
        found = cursor.fetchone()
    if found is None or found[0] != VERSION:
        print(f"the metastore's schema is {found[0] if found else 'without a version'}, wanted {VERSION}", file=sys.stderr)
        return 1
    print(f"schema {VERSION} is there")
    return 0


sys.exit(main(sys.argv[1]))
