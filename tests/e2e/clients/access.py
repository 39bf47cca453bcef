"""Asks every endpoint, from the neighbour that sees only the node's address, whether it takes a password or token."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.e2e.support.host import TestHost

_HTTPS = {
    "httpfs": "31870/webhdfs/v1/?op=LISTSTATUS",
    "history": "31808/api/v1/version",
    "trino": "31880/v1/query",
}
_PSQL = "import os, sys, psycopg\nprint(psycopg.connect(sys.argv[1], password=os.environ['PW']).execute('SELECT 42').fetchall())"


def accepted(host: TestHost, password: str, token: str, *, ca: Path | None = None) -> dict[str, bool | None]:
    """By endpoint: whether it lets in; None where it doesn't answer, or with another certificate."""
    authority = ca or host.folder / "ca.crt"

    def master(port: int) -> bool | None:
        target = f"host={host.address} port={port} user=bdc dbname=bdc sslmode=verify-full sslrootcert={authority} connect_timeout=5"
        done = host.run(["python", "-c", _PSQL, target], env={"PW": password}, outside=True)
        return True if "(42,)" in done.stdout else False if "password authentication failed" in done.stderr else None

    def https(place: str) -> bool | None:
        return _status(host, authority, ["--user", f"bdc:{password}", f"https://{host.address}:{place}"])

    def connect() -> bool | None:
        url = f"https://{host.address}:31002/spark.connect.SparkConnectService/Config"
        header = ["--http2", "-X", "POST", "-H", "content-type: application/grpc", "-H", f"authorization: Bearer {token}"]
        return _status(host, authority, [*header, url])

    with ThreadPoolExecutor(7) as pool:
        asked = {name: pool.submit(master, port) for name, port in (("master", 31433), ("master-ro", 31436), ("sql", 31435))}
        asked["connect"] = pool.submit(connect)
        asked |= {name: pool.submit(https, place) for name, place in _HTTPS.items()}
        return {name: answer.result() for name, answer in asked.items()}


def _status(host: TestHost, authority: Path, arguments: list[str]) -> bool | None:
    curl = ["curl", "-s", "-m", "10", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", str(authority)]
    code = host.run([*curl, *arguments], outside=True).stdout
    return True if code == "200" else False if code == "401" else None
