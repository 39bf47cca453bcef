"""Makes the cache from which Trino starts (JEP 483, 514): runs a coordinator as it runs in a cluster, and records what it loads.

Run once, while the image is built. There is no cluster there: the metastore and PostgreSQL are called where nobody listens.
"""

import base64
import hashlib
import json
import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on: an image's build may share the network of the machine."""
    with ExitStack() as open_at_once:
        sockets = [open_at_once.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in sockets]


WORK = Path("/tmp/training")  # noqa: S108
ETC, DATA, LOG = WORK / "etc", WORK / "data", WORK / "log"
CERTIFICATE = WORK / "certificate.pem"
CACHE = "/opt/trino/trino.aot"
HTTP, HTTPS = free_ports(2)
NOBODY = "127.0.0.1:1"
PASSWORD = "nobody else's, while it runs"  # noqa: S105
JVM = (
    "-Xmx1G",
    "-XX:G1HeapRegionSize=4M",
    "-XX:ReservedCodeCacheSize=112M",
    f"-DsecretsConfig={ETC}/secrets.toml",
    f"-Djdk.net.hosts.file={WORK}/hosts",
)
"""While an image is built, the name of its machine may have no address."""
FILES = {
    "config.properties": f"""coordinator=true
node-scheduler.include-coordinator=true
http-server.http.port={HTTP}
http-server.https.enabled=true
http-server.https.port={HTTPS}
http-server.https.keystore.path={ETC}/tls.pem
http-server.authentication.type=PASSWORD
http-server.process-forwarded=false
password-authenticator.config-files={ETC}/password-authenticator.properties
internal-communication.shared-secret={PASSWORD}
discovery.uri=http://127.0.0.1:{HTTP}
catalog.management=dynamic
catalog.store=file
query.max-memory-per-node=300MB
query.max-memory=300MB
memory.heap-headroom-per-node=400MB
exchange.compression-codec=LZ4
""",
    "node.properties": f"node.environment=training\nnode.id=training\nnode.internal-address=127.0.0.1\nnode.data-dir={DATA}\n",
    "log.properties": "io.trino=INFO\n",
    "secrets.toml": 'secrets-plugins-dir = "/opt/trino/secrets-plugin"\n[env]\nsecrets-provider.name = "env"\n'
    f'[external]\nsecrets-provider.name = "mounted"\nfolder = "{WORK}"\nwait-seconds = "1"\n',
    "password-authenticator.properties": f"password-authenticator.name=file\nfile.password-file={ETC}/passwords\n",
    "access-control.properties": f"access-control.name=file\nsecurity.config-file={ETC}/rules.json\n",
    "rules.json": '{"catalogs": [{"allow": "all"}], "queries": [{"allow": ["execute"]}], "system_information": [{"allow": ["read"]}]}',
    "resource-groups.properties": f"resource-groups.configuration-manager=file\nresource-groups.config-file={ETC}/groups.json\n",
    "groups.json": '{"rootGroups": [{"name": "users", "softMemoryLimit": "80%", "hardConcurrencyLimit": 9, "maxQueued": 9}],'
    ' "selectors": [{"group": "users"}]}',
    "catalogs/tpch.properties": "connector.name=tpch\n",
    "catalogs/external.properties": "connector.name=memory\n",
    "catalogs/lake.properties": f"connector.name=delta_hdfs\nhive.metastore.uri=thrift://{NOBODY}\nfs.hadoop.enabled=true\n"
    "hive.metastore.thrift.client.max-retries=0\n",
    "catalogs/master.properties": f"connector.name=postgresql_whole\nconnection-url=jdbc:postgresql://{NOBODY}/bdc\nconnection-user=trino\n",
}
STATEMENTS = {
    "SELECT 1": 1,
    "SHOW CATALOGS": 5,
    "SELECT n.name, count(*), sum(o.totalprice), max(o.orderdate) FROM tpch.tiny.orders o JOIN tpch.tiny.customer c USING (custkey)"
    " JOIN tpch.tiny.nation n ON n.nationkey = c.nationkey WHERE o.orderstatus <> 'P' GROUP BY n.name ORDER BY 2 DESC, 1": 25,
    "CREATE TABLE external.default.nations AS SELECT * FROM tpch.tiny.nation": 1,
    "SELECT * FROM external.default.nations WHERE name LIKE 'A%'": 2,
    "EXPLAIN SELECT count(DISTINCT regionkey) FROM external.default.nations": 1,
    "SELECT table_name FROM external.information_schema.tables WHERE table_schema = 'default'": 1,
    "SELECT * FROM system.runtime.nodes": 1,
}
UNANSWERED = ("SHOW SCHEMAS FROM lake", "SHOW SCHEMAS FROM master")


def write_settings() -> None:
    for folder in (ETC / "catalog", ETC / "catalogs", DATA):
        folder.mkdir(parents=True)
    for name, text in FILES.items():
        (ETC / name).write_text(text)
    derived = hashlib.pbkdf2_hmac("sha1", PASSWORD.encode(), b"training", 1000, 32)
    (ETC / "passwords").write_text(f"bdc:1000:{b'training'.hex()}:{derived.hex()}\n")
    (WORK / "hosts").write_text(f"127.0.0.1 localhost {socket.gethostname()}\n")
    key = WORK / "key.pem"
    certify = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*certify, "-keyout", key, "-out", CERTIFICATE], check=True, capture_output=True)
    (ETC / "tls.pem").write_text(key.read_text() + CERTIFICATE.read_text())


def start(*options: str) -> subprocess.Popen[bytes]:
    (ETC / "jvm.config").write_text("\n".join((*JVM, *options)))
    environment = os.environ | {"TRINO_CONF_DIR": str(ETC), "TRINO_DATA_DIR": str(DATA)}
    with LOG.open("wb") as log:
        return subprocess.Popen(["/opt/trino/bin/entrypoint", "serve"], env=environment, stdout=log, stderr=log)


def complaints() -> str:
    return "\n".join(line[:1000] for line in LOG.read_text().splitlines() if "\tINFO\t" not in line)[:20000]


def ask(address: str, statement: str | None = None) -> dict:
    name = base64.b64encode(f"bdc:{PASSWORD}".encode()).decode()
    request = urllib.request.Request(address, statement and statement.encode(), {"Authorization": f"Basic {name}"})  # noqa: S310
    # Where images are built there may be a proxy, which knows nothing of this server.
    trusting = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=CERTIFICATE))
    with urllib.request.build_opener(urllib.request.ProxyHandler({}), trusting).open(request, timeout=60) as answer:
        return json.load(answer)


def wait_until_started(server: subprocess.Popen[bytes]) -> None:
    for _ in range(1200):
        try:
            if not ask(f"http://127.0.0.1:{HTTP}/v1/info")["starting"]:
                return
        except OSError:
            if server.poll() is not None:
                break
        time.sleep(0.2)
    raise SystemExit(f"Trino doesn't start:\n{complaints()}")


def rows(statement: str) -> Iterator[list]:
    answer = ask(f"https://127.0.0.1:{HTTPS}/v1/statement", statement)
    while True:
        yield from answer.get("data", [])
        if "error" in answer:
            raise ValueError(answer["error"]["message"])
        if "nextUri" not in answer:
            return
        answer = ask(answer["nextUri"])


def train() -> None:
    for statement, count in STATEMENTS.items():
        if len(found := list(rows(statement))) != count:
            raise SystemExit(f"{statement}: {found}")
    for statement in UNANSWERED:
        try:
            list(rows(statement))
        except ValueError as error:
            print("as expected:", str(error).partition("\n")[0])
        else:
            raise SystemExit("a call to nobody was answered")


def main() -> None:
    write_settings()
    server = start(f"-XX:AOTCacheOutput={CACHE}", "-Xlog:disable", "-Xlog:aot*=error:stderr")
    try:
        wait_until_started(server)
        train()
        server.terminate()
        server.wait(600)
    finally:
        server.kill()
    if start("-XX:AOTMode=on", "--version").wait(60):
        sys.exit(complaints())


main()
