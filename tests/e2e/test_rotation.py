"""`bdc credentials rotate` on a whole cluster: every kind, every endpoint, killed at every step, by hand.

The tests build on each other, in this order: a cluster takes minutes to make.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.clients.access import accepted
from tests.e2e.support.commands import KUBECTL_BDC
from tests.e2e.support.commands import process as bdc
from tests.e2e.support.host import TestHost

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def host(prepared: None) -> Iterator[TestHost]:
    with TestHost("rotation") as made:
        bdc(made, "up", timeout_seconds=1500)
        (made.folder / "ca.crt").write_text(bdc(made, "credentials", "ca").stdout)
        bdc(made, "sql", "query", "--engine", "master", "CREATE TABLE kept AS SELECT 7 AS n")
        bdc(made, "sql", "query", "CREATE SCHEMA lake.kept")
        bdc(made, "sql", "query", "CREATE TABLE lake.kept.rows AS SELECT 8 AS n")
        bdc(made, "hdfs", "put", "-", "/user/bdc/kept.txt", stdin="still here\n")
        yield made


def secret(host: TestHost, name: str) -> dict[str, str]:
    """A Secret's values; empty where there is none."""
    done = host.run([*KUBECTL_BDC, "get", "secret", name, "-o", "json"])
    data = json.loads(done.stdout)["data"] if done.returncode == 0 else {}
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def pair(host: TestHost) -> tuple[str, str]:
    shown = json.loads(bdc(host, "credentials", "show", "-o", "json").stdout)
    return shown["password"], shown["token"]


def everything_takes(host: TestHost, new: tuple[str, str], old: tuple[str, str] | None) -> None:
    """All endpoints let the new ones in and refuse the old ones; the data is there, and the parts understand each other."""
    assert set(accepted(host, *new).values()) == {True}
    if old:
        assert set(accepted(host, *old).values()) == {False}
    assert json.loads(bdc(host, "plan", "-o", "json").stdout)["changes"] == 0
    query = "SELECT a.n + b.n AS n FROM master.public.kept a, lake.kept.rows b"
    assert json.loads(bdc(host, "sql", "query", query, "-o", "json").stdout) == [{"n": 15}]
    assert bdc(host, "hdfs", "cat", "/user/bdc/kept.txt").stdout == "still here\n"
    assert secret(host, "rotation") == {}


def test_the_parts_own_passwords_and_the_certificate(host: TestHost) -> None:
    before, shown = secret(host, "master-credentials"), pair(host)
    said = json.loads(bdc(host, "credentials", "rotate", "--internal", "--certificates", "--yes", "-o", "json", timeout_seconds=900).stdout)
    assert said["rotated"] == ["internal", "certificates"]
    restarted = {"master", "metastore", "trino-coordinator", "reconciler", "sql-gateway", "httpfs", "spark-history", "spark-connect"}
    assert set(said["restarted"]) == restarted
    after = secret(host, "master-credentials")
    assert before.keys() == after.keys()
    assert set(before.values()).isdisjoint(after.values())
    everything_takes(host, shown, None)
    # Spark's applications have one password in the master and in Trino; the kubelet brings both files when it looks, once a minute.
    password = bdc(host, "credentials", "show", "--password").stdout
    bdc(host, "sql", "credential", "set", "own", "--identity", "bdc", stdin=password)
    for sql in (
        "CREATE EXTERNAL DATA SOURCE own WITH (LOCATION = 'postgresql://master/bdc', CREDENTIAL = own)",
        "CREATE EXTERNAL TABLE letters (n INT) WITH (LOCATION = 'public.kept', DATA_SOURCE = own)",
    ):
        bdc(host, "sql", "query", sql)
    deadline = time.monotonic() + 150
    both = ["bdc", "-q", "sql", "query", "-e", "spark", "-o", "json", "SELECT l.n + k.n AS n FROM dbo.letters l, public.kept k"]
    while (done := host.run(both)).returncode:
        assert time.monotonic() < deadline, done.stderr
        time.sleep(2)
    assert json.loads(done.stdout) == [{"n": 14}]


def test_another_authority(host: TestHost) -> None:
    old = host.folder / "old-ca.crt"
    (host.folder / "ca.crt").rename(old)
    bdc(host, "credentials", "rotate", "--ca", "--yes", timeout_seconds=900)
    (host.folder / "ca.crt").write_text(bdc(host, "credentials", "ca").stdout)
    everything_takes(host, pair(host), None)
    assert set(accepted(host, *pair(host), ca=old).values()) == {None}


def journal_is_written(host: TestHost) -> object:
    return bool(secret(host, "rotation"))


def password_in_secret(host: TestHost) -> object:
    return secret(host, "credentials")["password"]


def generation_of_a_workload(host: TestHost) -> object:
    return host.run([*KUBECTL_BDC, "get", "deployment", "spark-connect", "-o", "jsonpath={.metadata.generation}"]).stdout


@pytest.mark.parametrize("again", ["up", "credentials rotate --all --yes"])
@pytest.mark.parametrize("moment", [journal_is_written, password_in_secret, generation_of_a_workload])
def test_killed_in_the_middle(host: TestHost, moment: Callable[[TestHost], object], again: str) -> None:
    """Killed as soon as what `moment` looks at has changed."""
    old, before = pair(host), moment(host)
    running = host.popen(["bdc", "credentials", "rotate", "--all", "--yes"])
    deadline = time.monotonic() + 300
    while moment(host) == before:
        assert running.poll() is None, running.communicate()[0]
        assert time.monotonic() < deadline
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    journal, now = secret(host, "rotation"), secret(host, "credentials")
    assert journal, "it was over already"
    new = (journal["credentials.password"], journal["credentials.token"])
    assert (now["password"], now["token"]) in (old, new)
    assert json.loads(bdc(host, "plan", "-o", "json").stdout)["changes"] != 0
    takes_one(host, old, new)
    bdc(host, *again.split(), timeout_seconds=900)
    assert pair(host) == new
    everything_takes(host, new, old)


def takes_one(host: TestHost, old: tuple[str, str], new: tuple[str, str], seconds: float = 180) -> None:
    """Every endpoint takes the old or the new one, and not both, once it answers: its pod may just be starting."""
    deadline = time.monotonic() + seconds
    while True:
        with_old, with_new = accepted(host, *old), accepted(host, *new)
        if all({with_old[name], with_new[name]} == {True, False} for name in with_old):
            return
        assert time.monotonic() < deadline, (with_old, with_new)
        time.sleep(2)


def test_a_secret_that_was_edited_by_hand(host: TestHost) -> None:
    """Pods follow it at the next up, as does the role."""
    old = pair(host)
    patch = json.dumps({"stringData": {"password": "written-by-hand"}})
    assert host.run([*KUBECTL_BDC, "patch", "secret", "credentials", "--type=merge", "-p", patch]).returncode == 0
    changed = {one["name"] for one in json.loads(bdc(host, "plan", "-o", "json").stdout)["resources"]}
    assert changed == {"federation-passwords", "master-setup", "httpfs", "spark-history", "reconciler"}
    bdc(host, "up", timeout_seconds=600)
    deadline = time.monotonic() + 120
    while accepted(host, "written-by-hand", old[1])["trino"] is not True:  # the kubelet looks once a minute
        assert time.monotonic() < deadline
    everything_takes(host, ("written-by-hand", old[1]), None)


def test_a_given_password(host: TestHost) -> None:
    old = pair(host)
    done = bdc(host, "credentials", "rotate", "--password-stdin", "--yes", stdin="x#%&()*+,-./:;<=>?@[]^_{|}~!\n", timeout_seconds=600)
    assert "<=>" not in done.stdout + done.stderr
    new = ("x#%&()*+,-./:;<=>?@[]^_{|}~!", old[1])
    assert pair(host) == new
    everything_takes(host, new, None)
    assert {name for name, yes in accepted(host, *old).items() if yes} == {"connect"}


def test_what_is_not_the_rotations_is_refused(host: TestHost) -> None:
    before = pair(host)
    host.run([*KUBECTL_BDC, "delete", "configmap", "trino-catalogs"])
    assert "bdc up" in bdc(host, "credentials", "rotate", "--yes", code=1).stderr
    assert pair(host) == before
