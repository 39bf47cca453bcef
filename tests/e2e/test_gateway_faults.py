"""What goes wrong around the SQL gateway: large results, many clients, Trino and the master restarted, cancel requests to the wrong pod."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.e2e.support.commands import all_ready, bdc, kubectl, password
from tests.e2e.support.host import TestHost

pytestmark = pytest.mark.full
MIB = 1 << 20
CONNECT = "import psycopg, sys, threading, time\nc = psycopg.connect(sys.argv[1], autocommit=True)\n"


@pytest.fixture(scope="module")
def host(prepared: None) -> Iterator[TestHost]:
    with TestHost("gwerr") as made:
        bdc(made, "--set", "federation.gateways=2", "up", timeout_seconds=1500)
        bdc(made, "credentials", "ca", str(made.folder / "ca.crt"))
        yield made


def client(host: TestHost, program: str, seconds: float = 300) -> subprocess.CompletedProcess[str]:
    """A program on the neighbour, which gets how to connect as its argument."""
    return host.run(["python", "-c", program, where(host)], env=login(host), outside=True, timeout_seconds=seconds)


def where(host: TestHost) -> str:
    return f"host={host.address} port=31435 dbname=bdc sslmode=verify-full sslrootcert={host.folder}/ca.crt connect_timeout=20"


def login(host: TestHost) -> dict[str, str]:
    return {"PGUSER": "bdc", "PGPASSWORD": password(host)}


def memory(host: TestHost) -> int:
    """The most that a gateway's process had, in bytes."""
    pods = kubectl(host, "get", "pods", "-l", "app.kubernetes.io/component=sql-gateway", "-o", "name").split()
    peaks = [kubectl(host, "exec", pod, "--", "sh", "-c", "grep -h VmHWM /proc/[0-9]*/status") for pod in pods]
    return max(int(line.split()[1]) for lines in peaks for line in lines.splitlines()) * 1024


def until(host: TestHost, seconds: float = 120) -> None:
    """A query works, within that time."""
    deadline = time.monotonic() + seconds
    while True:
        done = client(host, CONNECT + "print(c.execute('SELECT count(*) FROM tpch.tiny.nation').fetchone())")
        if done.stdout == "(25,)\n":
            return
        assert time.monotonic() < deadline, done.stderr
        time.sleep(1)


def test_ten_million_rows_pass_with_little_memory(host: TestHost) -> None:
    program = CONNECT + (
        "cursor = c.cursor()\n"
        "n = sum(1 for _ in cursor.stream('SELECT orderkey, linenumber, shipdate FROM tpch.sf10.lineitem LIMIT 10000000', size=1000))\n"
        "print(n)"
    )
    done = client(host, program, 900)
    assert done.stdout == "10000000\n", done.stderr
    assert memory(host) < 256 * MIB


def test_two_hundred_clients_at_once(host: TestHost) -> None:
    program = (
        "import psycopg, sys\nfrom concurrent.futures import ThreadPoolExecutor\n"
        "def ask(at):\n"
        "    with psycopg.connect(sys.argv[1]) as c:\n"
        "        return c.execute('SELECT count(*) FROM tpch.tiny.nation WHERE nationkey <> ' + str(at)).fetchone()[0]\n"
        "with ThreadPoolExecutor(200) as pool:\n    print(sum(pool.map(ask, range(1000, 1200))))\n"
    )
    done = client(host, program, 600)
    assert done.stdout == f"{200 * 25}\n", done.stderr
    assert memory(host) < 384 * MIB


def test_a_cancel_request_finds_its_statement_in_whichever_pod(host: TestHost) -> None:
    """A request to cancel is a connection of its own, which goes to one pod or the other."""
    program = CONNECT + (
        "for _ in range(8):\n"
        "    began = time.monotonic()\n"
        "    threading.Timer(1, c.cancel_safe).start()\n"
        "    try:\n        c.execute('SELECT count(*) FROM tpch.sf100.lineitem')\n"
        "    except psycopg.errors.QueryCanceled:\n        print(time.monotonic() - began < 15)\n"
    )
    assert client(host, program).stdout == "True\n" * 8


def test_trino_restarted_under_a_query(host: TestHost) -> None:
    program = CONNECT + (
        "try:\n    c.execute('SELECT count(*) FROM tpch.sf100.lineitem')\n"
        "except psycopg.Error as error:\n    print(error.sqlstate, flush=True)\n"
        "until = time.monotonic() + 150\n"
        "while True:\n"
        "    try:\n        print(c.execute('SELECT count(*) FROM tpch.tiny.nation').fetchone())\n        break\n"
        "    except psycopg.Error as error:\n"
        "        assert time.monotonic() < until, error\n        time.sleep(1)\n"
    )
    with host.popen(["python", "-c", program, where(host)], env=login(host), outside=True) as asked:
        time.sleep(6)
        assert asked.poll() is None, "the query has to outlast this"
        kubectl(host, "delete", "pod", "-l", "app.kubernetes.io/component=trino-coordinator", "--grace-period=0", "--force")
        printed = asked.communicate(timeout=300)[0].splitlines()
    assert printed[0] in ("57P02", "57P03"), printed
    assert printed[-1] == "(25,)", "the same connection goes on"


def test_the_master_away(host: TestHost) -> None:
    """Who is logged in asks on; who comes is told what is wrong."""
    program = CONNECT + "time.sleep(40)\nprint(c.execute('SELECT count(*) FROM tpch.tiny.nation').fetchone())"
    with host.popen(["python", "-c", program, where(host)], env=login(host), outside=True) as asked:
        time.sleep(4)
        kubectl(host, "scale", "statefulset/master", "--replicas=0")
        kubectl(host, "wait", "pod/master-0", "--for=delete", "--timeout=120s")
        refused = client(host, CONNECT).stderr
        assert "the SQL master does not answer" in refused
        assert asked.communicate(timeout=120)[0] == "(25,)\n"
    kubectl(host, "scale", "statefulset/master", "--replicas=1")
    until(host)
    all_ready(host)
