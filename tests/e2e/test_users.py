"""Ordinary users: ann and beth on a machine of their own (uid 1000, no administrator's kubeconfig), and what they can't do."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.support.commands import KUBECTL_BDC, bdc, document, kubectl
from tests.e2e.support.failover import until
from tests.e2e.support.host import TestHost

ANALYST = 1000
POOLS = "spark:\n  pools:\n    etl: {max_cpu: 1, max_memory: 5Gi, connect: true}\n    other: {priority: 1}\n"
CAT = "from pyspark.sql import SparkSession\nspark = SparkSession.builder.getOrCreate()\n"


@pytest.fixture(scope="module")
def host(cluster: TestHost) -> Iterator[TestHost]:
    """The cluster, with two pools for as long as these tests run."""
    (cluster.folder / "home" / "bdc.yaml").write_text(POOLS)
    bdc(cluster, "-f", str(cluster.folder / "home" / "bdc.yaml"), "up", timeout_seconds=600)
    yield cluster
    own(cluster, "context", "delete", "ann@bdc")
    (cluster.folder / "home" / "bdc.yaml").unlink()
    bdc(cluster, "up", timeout_seconds=600)
    assert "-pool-" not in kubectl(cluster, "get", "namespaces", "-o", "name")


@pytest.fixture(scope="module")
def ann(host: TestHost) -> dict[str, Any]:
    """The file for ann, as its text has it; imported as uid 1000."""
    text = bdc(host, "context", "export", "ann", "--pool", "etl").stdout
    done = host.run(["bdc", "context", "import", "-"], user=ANALYST, stdin=text)
    assert (done.returncode, done.stdout) == (0, "using ann@bdc; pools: etl\n"), done.stderr
    return dict(yaml.safe_load(text))


def extension(context: dict[str, Any]) -> dict[str, Any]:
    return dict(context["contexts"][0]["context"]["extensions"][0]["extension"])


def own(host: TestHost, *arguments: str, code: int = 0, **more: Any) -> Any:
    """bdc as the analyst."""
    return bdc(host, *arguments, code=code, user=ANALYST, **more)


def asked_of_trino(host: TestHost, ann: dict[str, Any], sql: str) -> str:
    """What Trino's own client says of a statement of the analyst's."""
    program = (
        "import os, sys, trino\n"
        "login = trino.auth.BasicAuthentication('ann', os.environ['PW'])\n"
        "reached = {'host': sys.argv[1], 'port': 31880, 'user': 'ann', 'http_scheme': 'https', 'auth': login, 'verify': sys.argv[2]}\n"
        "try: print(trino.dbapi.connect(**reached).cursor().execute(sys.argv[3]).fetchall())\n"
        "except trino.exceptions.TrinoUserError as error: print(error.message)"
    )
    bdc(host, "credentials", "ca", str(host.folder / "ca.crt"))
    command = ["python", "-c", program, host.address, str(host.folder / "ca.crt"), sql]
    done = host.run(command, env={"PW": extension(ann)["password"]}, outside=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def application(tmp_path: Path, text: str) -> str:
    file = tmp_path / "job.py"
    file.write_text(CAT + text)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder.name.startswith(("popen-", "pytest-", "test_")):
            folder.chmod(0o755)  # the analyst reads it
    return str(file)


def test_an_analyst_submits_follows_and_queries(host: TestHost, ann: dict[str, Any], tmp_path: Path) -> None:
    own(host, "hdfs", "put", "-", "numbers.txt", stdin="1\n2\n39\n")
    job = application(
        tmp_path,
        "rows = spark.read.text('numbers.txt')\n"
        "rows.selectExpr('cast(value as int) n').write.format('delta').saveAsTable('numbers')\n"
        "print('kept', spark.table('numbers').count())\n",
    )
    done = own(host, "spark", "submit", job, "--name", "numbers", "--executors", "1", timeout_seconds=300)
    assert "kept 3" in done.stdout.splitlines()
    assert json.loads(own(host, "spark", "list", "-o", "json").stdout)[0]["state"] == "Succeeded"
    assert "kept 3" in own(host, "spark", "logs", "numbers").stdout.splitlines()
    assert json.loads(own(host, "sql", "query", "SELECT sum(n) AS total FROM lake.default.numbers", "-o", "json").stdout) == [{"total": 42}]
    own(host, "sql", "query", "CREATE TABLE lake.default.doubled AS SELECT 2 * n AS n FROM lake.default.numbers")
    made = {one["path"].rpartition("/")[2].partition("-")[0]: one for one in document(host, "hdfs", "ls", "/warehouse")}
    assert {made[name]["owner"] for name in ("numbers", "doubled")} == {"ann"}, "Spark and Trino act in her name"
    assert made["numbers"]["permission"][-1] == "5"
    own(host, "sql", "query", "--engine", "master", "CREATE TABLE ann.notes (text text)")
    assert "etl" in own(host, "spark", "pool", "list").stdout
    # The administrator reads her event log, at whose end the history server looks every ten seconds.
    until(lambda: [one["completed"] for one in document(host, "spark", "history") if one["name"] == "numbers"] == [True], 30)


def test_sessions_with_the_pools_own_spark_connect(host: TestHost, ann: dict[str, Any]) -> None:
    """Through the cluster's door, as the pool; a server that is due starts anew, and serves again."""
    pool = [*KUBECTL_BDC[:-1], "bdc-pool-etl"]
    who = [{"current_user()": "bdc-pool-etl"}]
    assert json.loads(own(host, "spark", "sql", "SELECT current_user()", "-o", "json", timeout_seconds=300).stdout) == who
    due = "import os, signal; os.kill(int(open('/proc/1/task/1/children').read().split()[0]), signal.SIGUSR1)"
    host.run([*pool, "exec", "deploy/spark-connect", "--", "python3", "-c", due])
    end = time.monotonic() + 120
    restarts = "jsonpath={.items[*].status.containerStatuses[*].restartCount}"
    selected = ["get", "pods", "-l", "app.kubernetes.io/component=spark-connect", "-o", restarts]
    while host.run([*pool, *selected]).stdout.strip() != "1":
        assert time.monotonic() < end, host.run([*pool, "logs", "deploy/spark-connect"]).stdout[-2000:]
        time.sleep(1)
    assert "connect: starts anew: nobody has a session" in host.run([*pool, "logs", "deploy/spark-connect", "--previous"]).stdout
    assert host.run([*pool, "rollout", "status", "deploy/spark-connect", "--timeout=120s"]).returncode == 0
    program = "print(spark.range(5).count(), spark.sql('SELECT current_user()').first()[0])"
    assert own(host, "spark", "shell", stdin=program, timeout_seconds=300).stdout == "5 bdc-pool-etl\n"
    assert "a token of Spark Connect by pool only" in own(host, "credentials", "show", "--token", code=2).stderr
    assert own(host, "credentials", "show", "--token", "--pool", "etl").stdout.strip() == extension(ann)["tokens"]["etl"]


def test_external_tables_are_everybodys_until_they_are_somebodys(host: TestHost, ann: dict[str, Any]) -> None:
    """Who defines is the administrator; who reads, GRANT and REVOKE say; who may not learns nothing, whatever they ask."""
    made = "CREATE TABLE letters (id int, text text); INSERT INTO letters SELECT i, 'text ' || i FROM generate_series(1, 9) i;"
    bdc(host, "sql", "run", "-e", "master", "-", stdin=made)
    password = bdc(host, "credentials", "show", "--password").stdout
    bdc(host, "sql", "credential", "set", "Own", "--identity", "bdc", stdin=password)
    define = "CREATE EXTERNAL DATA SOURCE Own WITH (LOCATION = 'postgresql://master/bdc', CREDENTIAL = Own)"
    assert "administrator" in own(host, "sql", "query", define, code=1).stderr
    for statement in (
        define,
        "CREATE EXTERNAL TABLE letters (id INT, text NVARCHAR(20)) WITH (LOCATION = 'public.letters', DATA_SOURCE = Own)",
    ):
        bdc(host, "sql", "query", statement)
    counted = "SELECT count(*) AS n, max(id) AS last FROM dbo.letters"
    assert json.loads(own(host, "sql", "query", "-o", "json", counted).stdout) == [{"n": 9, "last": 9}]
    catalogs = json.loads(own(host, "sql", "query", "-o", "json", "SHOW CATALOGS").stdout)
    assert [row["Catalog"] for row in catalogs] == ["external", "lake", "system", "tpch"]
    dropped = "DROP VIEW external.dbo.letters"
    assert "DROP EXTERNAL TABLE" in own(host, "sql", "query", dropped, code=2).stderr
    assert "Access Denied" in asked_of_trino(host, ann, dropped), "nor may she at Trino's own endpoint"
    assert "administrator" in own(host, "sql", "query", "GRANT SELECT ON letters TO ann", code=1).stderr
    bdc(host, "sql", "query", "REVOKE SELECT ON letters FROM public")
    for sql in (
        counted,
        "SELECT text FROM dbo.letters WHERE id = 1",
        "SELECT text FROM dbo.letters WHERE id = 100",
        f"{counted} WHERE id < 0",
    ):
        assert "you may not read dbo.letters (PERMISSION_DENIED)" in own(host, "sql", "query", sql, code=1).stderr, sql
    assert document(host, "sql", "query", counted) == [{"n": 9, "last": 9}]
    bdc(host, "sql", "query", "GRANT SELECT ON letters TO ann")
    assert json.loads(own(host, "sql", "query", "-o", "json", counted).stdout) == [{"n": 9, "last": 9}]
    assert "GRANT SELECT ON [dbo].[letters] TO [ann]" in bdc(host, "sql", "table", "show", "letters").stdout
    forced = own(host, "sql", "query", "-o", "json", f"{counted} OPTION (FORCE EXTERNALPUSHDOWN)")
    assert json.loads(forced.stdout) == [{"n": 9, "last": 9}], "her right costs no pushdown"
    deadline = time.monotonic() + 60
    while (done := host.run(["bdc", "sql", "query", "-e", "master", "-o", "csv", counted], user=ANALYST)).returncode:
        assert time.monotonic() < deadline, done.stderr
        time.sleep(1)
    assert done.stdout.splitlines() == ["n,last", "9,9"], "and in the master it is a table of hers to read"
    ask = "import psycopg, sys\nprint(psycopg.connect(sys.argv[1]).execute(sys.argv[2]).fetchall())"
    login = {"PGUSER": "ann", "PGPASSWORD": extension(ann)["password"], "PGSSLMODE": "require"}
    told = host.run(["python", "-c", ask, f"host={host.address} port=31435 dbname=bdc", counted], env=login, outside=True)
    assert told.stdout == "[(9, 9)]\n", told.stderr


def test_what_fails_is_explained(host: TestHost, ann: dict[str, Any], tmp_path: Path) -> None:
    done = own(
        host, "spark", "submit", application(tmp_path, "spark.table('nothing_here')\n"), "--name", "fails", code=1, timeout_seconds=300
    )
    assert "TABLE_OR_VIEW_NOT_FOUND" in done.stderr
    own(host, "spark", "delete", "fails")
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o700)
    (shut / "job.py").write_text("")
    for command in (["spark", "submit", str(shut / "job.py")], ["hdfs", "put", str(shut / "job.py"), "job.py"]):
        done = host.run(["bdc", *command], user=ANALYST)
        assert done.returncode in (1, 125), done.stderr
        assert "permission denied" in done.stderr.lower()
        assert "internal error" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("spark", "submit", "nothing.py", "--pool", "other"), "there is no pool other"),
        (("spark", "history"), "the administrator's"),
        (("spark", "sql", "--pool", "other", "SELECT 1"), "there is no pool other"),
        (("credentials", "rotate", "--yes"), "that is for the administrator of the cluster bdc; you are ann there"),
        (("up",), "that is for the administrator"),
        (("down", "--yes"), "that is for the administrator"),
        (("status",), "that is for the administrator"),
        (("context", "users"), "that is for the administrator"),
        (("hdfs", "ls", "/user/beth"), "ermission denied"),
        (("hdfs", "rm", "-r", "/user/bdc"), "ermission denied"),
        (("sql", "query", "SELECT * FROM master.public.theirs"), "Access Denied"),
        (("sql", "query", "--engine", "master", "CREATE TABLE public.notes (text text)"), "permission denied"),
        (("sql", "query", "--engine", "master", "SELECT * FROM theirs"), "permission denied"),
    ],
)
def test_she_can_do_no_more(host: TestHost, ann: dict[str, Any], theirs: None, arguments: tuple[str, ...], said: str) -> None:
    done = host.run(["bdc", *arguments], user=ANALYST)
    assert done.returncode not in (0, 130), done.stdout
    assert said in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def theirs(host: TestHost) -> None:
    """Things of others: another user's home, a table in the master."""
    bdc(host, "context", "export", "beth", "--pool", "other")
    bdc(host, "sql", "query", "--engine", "master", "CREATE TABLE theirs (n int)")


def test_a_role_of_somebody_elses_is_not_taken(host: TestHost, ann: dict[str, Any]) -> None:
    bdc(host, "sql", "query", "--engine", "master", "CREATE ROLE accounting LOGIN")
    done = bdc(host, "context", "export", "accounting", code=1)
    assert "a role accounting that is no ordinary user" in done.stderr
    assert "accounting" not in [one["name"] for one in document(host, "context", "users")]


@pytest.mark.parametrize(
    ("right", "there"),
    [
        (("list", "secrets", "-n", "bdc-pool-etl"), False),
        (("get", "secrets/credentials", "-n", "bdc"), False),
        (("create", "pods", "--subresource=exec", "-n", "bdc-pool-etl"), False),
        (("create", "jobs.batch", "-n", "bdc-pool-other"), False),
        (("create", "jobs.batch", "-n", "bdc"), False),
        (("create", "rolebindings.rbac.authorization.k8s.io", "-n", "bdc-pool-etl"), False),
        (("list", "nodes"), False),
        (("create", "jobs.batch", "-n", "bdc-pool-etl"), True),
        (("get", "pods", "--subresource=log", "-n", "bdc-pool-etl"), True),
    ],
)
def test_her_rights(host: TestHost, ann: dict[str, Any], right: tuple[str, ...], there: bool) -> None:
    done = host.run([*KUBECTL_BDC[:-2], "auth", "can-i", *right, "--as", "system:serviceaccount:bdc:user-ann"])
    assert done.stdout.strip() == ("yes" if there else "no"), done.stderr


def test_bounds_hold_past_bdc(host: TestHost, ann: dict[str, Any]) -> None:
    """With kubectl and her own file: a Job that isn't suspended is refused, and what is suspended can't be released."""
    container = {"name": "c", "image": "none", "resources": {"requests": {"cpu": "64"}}}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    manifest = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "sly"}, "spec": {"template": template}}
    file = host.folder / f"home-{ANALYST}" / "config" / "bdc" / "contexts" / "ann@bdc.yaml"
    assert file.stat().st_mode & 0o777 == 0o600
    apply = [KUBECTL_BDC[0], "--kubeconfig", str(file)]
    done = host.run([*apply, "create", "-f", "-"], user=ANALYST, stdin=json.dumps(manifest))
    assert done.returncode != 0
    assert "begins when bdc's controller finds room" in done.stderr
    manifest["spec"] = {"template": template, "suspend": True}
    done = host.run([*apply, "create", "-f", "-"], user=ANALYST, stdin=json.dumps(manifest))
    assert done.returncode == 0, done.stderr
    done = host.run([*apply, "patch", "job", "sly", "-p", '{"spec": {"suspend": false}}'], user=ANALYST)
    assert "begins when bdc's controller finds room" in done.stderr
    manifest["metadata"], manifest["spec"] = {"name": "many"}, {"template": template, "suspend": True, "parallelism": 50, "completions": 50}
    done = host.run([*apply, "create", "-f", "-"], user=ANALYST, stdin=json.dumps(manifest))
    assert "an application of this pool has one driver" in done.stderr, "or fifty would begin for the room of one"
    manifest["spec"] = {"template": template, "suspend": True}
    template["spec"]["priorityClassName"] = "system-cluster-critical"
    manifest["metadata"] = {"name": "important"}
    done = host.run([*apply, "create", "-f", "-"], user=ANALYST, stdin=json.dumps(manifest))
    assert "a pool's pods have the pool's priority" in done.stderr
    host.run([*apply, "delete", "job", "sly"], user=ANALYST)
    account = "system:serviceaccount:bdc-pool-etl:spark"
    container["securityContext"] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    allowed = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}  # by the namespace's Pod Security Standard
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "sly"}, "spec": {"containers": [container], "securityContext": allowed}}
    done = host.run([*KUBECTL_BDC[:-1], "bdc-pool-etl", "create", "-f", "-", "--as", account], stdin=json.dumps(pod))
    assert "scheduling gate" in done.stderr, "a driver makes no executor past the gate"


def refused(host: TestHost) -> str:
    """What she is told once her token has ended; the API server remembers one that was good for ten seconds."""
    end = time.monotonic() + 60
    while not (done := host.run(["bdc", "spark", "list"], user=ANALYST)).returncode:
        assert time.monotonic() < end, "the token goes on"
        time.sleep(1)
    return done.stderr


def test_the_file_names_no_password_in_the_cluster_and_ends(host: TestHost, ann: dict[str, Any]) -> None:
    """The cluster keeps no password of hers; a new export ends the old file, a revoke the last one; what is hers stays."""
    password = extension(ann)["password"]
    secrets = json.loads(kubectl(host, "get", "secrets", "-A", "-o", "json").replace("\n", ""))["items"]
    values = [base64.b64decode(value) for one in secrets for value in (one.get("data") or {}).values()]
    assert not [value for value in values if password.encode() in value]
    text = bdc(host, "context", "export", "ann", "--pool", "etl").stdout
    assert "does not accept the credentials" in refused(host)
    assert host.run(["bdc", "hdfs", "ls"], user=ANALYST).returncode == 1
    host.run(["bdc", "context", "import", "-"], user=ANALYST, stdin=text)
    assert "numbers.txt" in own(host, "hdfs", "ls").stdout
    assert document(host, "-f", str(host.folder / "home" / "bdc.yaml"), "plan")["changes"] == 0, "users are none of the stacks' business"
    bdc(host, "context", "revoke", "ann", "--yes")
    assert "ann" not in [one["name"] for one in document(host, "context", "users")]
    assert "does not accept the credentials" in refused(host)
    assert "numbers.txt" in bdc(host, "hdfs", "ls", "/user/ann").stdout
    assert document(host, "sql", "query", "SELECT count(*) AS n FROM lake.default.numbers") == [{"n": 3}]
    done = bdc(host, "context", "revoke", "ann", "--yes", code=3)
    assert "there is no user ann" in done.stderr
