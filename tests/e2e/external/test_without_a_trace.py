"""Passwords of sources are in their Secret and nowhere else."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from urllib.parse import quote

from tests.e2e.external.asked import DEPOT, ROTATED, SALES, STORE, WEB, rows
from tests.e2e.support.commands import KUBECTL_BDC, bdc, kubectl, password
from tests.e2e.support.host import TestHost
from tests.e2e.support.outside import PostgreSql


def test_a_password_changes_while_all_runs(host: TestHost, sales: PostgreSql, store: object) -> None:
    sales.sql("postgres", f"ALTER ROLE sales PASSWORD '{ROTATED}'")
    statement = f"ALTER DATABASE SCOPED CREDENTIAL SalesLogin WITH IDENTITY = 'sales', SECRET = '{ROTATED}'"
    bdc(host, "sql", "run", "-", stdin=statement)
    assert rows(host, "SELECT count(*) AS n FROM orders") == [{"n": 1000}]
    kept = json.loads(kubectl(host, "get", "secret", "external-credentials", "-o", "json"))["data"].values()
    assert sorted(base64.b64decode(value).decode() for value in kept) == sorted([ROTATED, WEB, DEPOT, f"bdctest:{STORE}"])


def test_no_password_is_anywhere_but_in_its_secret(host: TestHost, tmp_path: Path) -> None:
    kubectl(host, "create", "configmap", "planted", f"--from-literal=a={base64.b64encode(WEB.encode()).decode()}")
    assert leaks(host) == {"objects"}, "the search finds what is there"
    kubectl(host, "delete", "configmap", "planted")
    assert leaks(host) == set()


def texts_below(folder: Path) -> str:
    """The contents of all files, packed ones unpacked."""
    found = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return "\n".join((gzip.decompress if path.suffix == ".gz" else bytes)(path.read_bytes()).decode(errors="replace") for path in found)


def leaks(host: TestHost) -> set[str]:
    """Where a password is found, as it is, in base64, or as a part of a URL: all the places that people and programs read."""
    secrets = (SALES, WEB, ROTATED, DEPOT, STORE)
    forms = {*secrets, *(base64.b64encode(one.encode()).decode() for one in secrets), *(quote(one, safe="") for one in secrets)}
    kinds = "pods,configmaps,deployments,statefulsets,jobs,replicasets,events,services,serviceaccounts"
    user = f"bdc:{password(host)}"
    texts = {
        "objects": kubectl(host, "get", kinds, "-o", "json"),
        "logs": texts_below(host.folder / "disk" / "var_log"),
        "processes": host.run(["ps", "axww", "-o", "args"]).stdout,
        "state": texts_below(host.folder / "home"),
        "queries": host.run(["curl", "-sSk", "-u", user, f"https://{host.address}:31880/v1/query"]).stdout,
        "statements": json.dumps(rows(host, "SELECT query FROM system.runtime.queries")),
        "definitions": json.dumps([rows(host, f"SELECT * FROM polybase.{name}", "-e", "master") for name in ("credentials", "sources")]),
        "catalogs": host.run([*KUBECTL_BDC, "exec", "deploy/trino-coordinator", "--", "sh", "-c", "cat /etc/trino/catalog/*"]).stdout,
    }
    assert "ext_salesserver" in texts["statements"] + texts["catalogs"]
    assert all(texts.values()), [name for name, text in texts.items() if not text]
    return {name for name, text in texts.items() if any(form in text for form in forms)}
