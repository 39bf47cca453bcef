"""Makes the cache from which the metastore starts (JEP 483, 514): runs it as it runs in a cluster, and records what it loads.

Run once, while the image is built. Its database is Derby in memory, as PostgreSQL isn't there; a cache of a training with PostgreSQL was no
better. HDFS, which isn't there either, is called where nobody listens. A cache can't be made of a class path that has folders with files,
so the settings come as arguments.
"""

import os
import socket
import struct
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path


def free_port() -> int:
    """A port that nothing listens on: an image's build may share the network of the machine."""
    with socket.create_server(("127.0.0.1", 0)) as opened:
        return opened.getsockname()[1]


WORK = Path("/tmp/training")  # noqa: S108
LOG = WORK / "log"
CACHE = "/opt/metastore/metastore.aot"
PORT = free_port()
NOBODY = "127.0.0.1:1"
SITE = {
    "metastore.warehouse.dir": f"{WORK}/warehouse",
    "metastore.warehouse.external.dir": f"{WORK}/warehouse",
    "javax.jdo.option.ConnectionDriverName": "org.apache.derby.jdbc.EmbeddedDriver",
    "javax.jdo.option.ConnectionURL": "jdbc:derby:memory:metastore;create=true",
    "javax.jdo.option.ConnectionUserName": "metastore",
    "javax.jdo.option.ConnectionPassword": "nobody else's, while it runs",
    "metastore.schema.verification": "false",
    "metastore.task.threads.always": "org.apache.hadoop.hive.metastore.events.EventCleanerTask",
    "metastore.expression.proxy": "org.apache.hadoop.hive.metastore.DefaultPartitionExpressionProxy",
    "metastore.server.min.threads": "4",
    "metastore.server.max.threads": "50",
    "datanucleus.schema.autoCreateAll": "true",
    "metastore.async.log.enabled": "false",
}
HDFS = {
    "dfs.nameservices": "bdc",
    "dfs.ha.namenodes.bdc": "nn0",
    "dfs.namenode.rpc-address.bdc.nn0": NOBODY,
    "dfs.client.failover.proxy.provider.bdc": "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider",
    "dfs.client.failover.max.attempts": "0",
    "ipc.client.connect.max.retries": "0",
}

Value = bool | int | str | list["Value"] | dict[str, str] | dict[int, "Value"]
BOOL, I32, STRING, STRUCT, MAP, LIST = 2, 8, 11, 12, 13, 15


def encoded(value: Value) -> tuple[int, bytes]:
    """A value's type and bytes in Thrift's binary protocol; a struct is the values of its fields by their numbers."""
    match value:
        case bool():
            return BOOL, bytes([value])
        case int():
            return I32, struct.pack(">i", value)
        case str():
            return STRING, struct.pack(">i", len(value.encode())) + value.encode()
        case list():
            items = [encoded(item) for item in value]
            return LIST, struct.pack(">bi", items[0][0] if items else STRING, len(items)) + b"".join(data for _, data in items)
        case dict() if all(isinstance(key, str) for key in value):
            pairs = b"".join(encoded(part)[1] for pair in value.items() for part in pair)
            return MAP, struct.pack(">bbi", STRING, STRING, len(value)) + pairs
    fields = ((number, *encoded(field)) for number, field in value.items())
    return STRUCT, b"".join(struct.pack(">bh", kind, number) + data for number, kind, data in fields) + b"\0"


def call(method: str, *arguments: Value) -> bytes:
    """The answer's bytes, a connection to each."""
    with closing(socket.create_connection(("127.0.0.1", PORT), timeout=120)) as connection, connection.makefile("rb") as answers:
        asked = encoded(method)[1] + struct.pack(">i", 0) + encoded(dict(enumerate(arguments, 1)) or {0: 0})[1]
        connection.sendall(struct.pack(">I", 0x80010001) + asked)
        kind = struct.unpack(">I", answers.read(4))[0] & 0xFF
        connection.shutdown(socket.SHUT_WR)
        answer = answers.read()
        if kind != 2:
            raise SystemExit(f"{method}: {answer!r}")
        return answer


def table(name: str, location: str) -> Value:
    columns = [{1: "id", 2: "bigint", 3: "its number"}, {1: "name", 2: "string"}]
    serde = {1: name, 2: "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", 3: {"path": location}}
    storage = {
        1: columns,
        2: location,
        3: "org.apache.hadoop.mapred.SequenceFileInputFormat",
        4: "org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat",
        5: False,
        6: -1,
        7: serde,
        8: [],
        9: [],
        10: {"of": "storage"},
    }
    partitions, properties = [{1: "day", 2: "string"}], {"spark.sql.sources.provider": "delta"}
    return {1: name, 2: "training", 3: "bdc", 7: storage, 8: partitions, 9: properties, 12: "EXTERNAL_TABLE"}


def use() -> None:
    """What Spark and Trino ask."""
    call("set_ugi", "bdc", ["bdc"])
    call("get_all_databases")
    call("create_database", {1: "training", 2: "a database", 3: f"file://{WORK}/warehouse/training", 4: {"of": "database"}})
    call("get_database", "training")
    call("create_table", table("numbers", f"file://{WORK}/warehouse/training/numbers"))
    for _ in range(3):
        if b"bigint" not in call("get_table", "training", "numbers"):
            raise SystemExit("a table isn't read as it was made")
    call("get_table_objects_by_name", "training", ["numbers"])
    call("get_all_tables", "training")
    call("get_tables", "training", "*")
    call("get_tables_by_type", "training", "*", "EXTERNAL_TABLE")
    call("get_fields", "training", "numbers")
    call("alter_table", "training", "numbers", table("renamed", f"file://{WORK}/warehouse/training/numbers"))
    call("get_partition_names", "training", "renamed", 100)
    call("drop_table", "training", "renamed", False)
    if b"onnect" not in call("create_table", table("nowhere", "hdfs://bdc/nowhere")):
        raise SystemExit("a call to nobody was answered")
    call("drop_database", "training", True, True)


def wait_until_started(server: subprocess.Popen[bytes]) -> None:
    for _ in range(1200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", PORT)) == 0:
                return
        if server.poll() is not None:
            break
        time.sleep(0.2)
    raise SystemExit(f"the metastore doesn't start:\n{LOG.read_text()[-8000:]}")


def start(*options: str) -> subprocess.Popen[bytes]:
    settings = [word for key, value in (SITE | HDFS).items() for word in ("--hiveconf", f"{key}={value}")]
    environment = os.environ | {"BDC_JVM_OPTS": " ".join(("-Xmx320m", f"-Djdk.net.hosts.file={WORK}/hosts", *options))}
    with LOG.open("wb") as log:
        command = ["/opt/metastore/bin/entrypoint", "serve", "-p", str(PORT), *settings]
        return subprocess.Popen(command, env=environment, cwd=WORK, stdout=log, stderr=log)


def main() -> None:
    WORK.mkdir()
    (WORK / "hosts").write_text(f"127.0.0.1 localhost {socket.gethostname()}\n")
    server = start(f"-XX:AOTCacheOutput={CACHE}", "-Xlog:disable", "-Xlog:aot*=error:stderr")
    try:
        wait_until_started(server)
        use()
        server.terminate()
        server.wait(300)
    finally:
        server.kill()
    if start("-XX:AOTMode=on", "--version").wait(60):
        sys.exit(LOG.read_text()[-8000:])


main()
