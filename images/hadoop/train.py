"""Makes the caches from which HDFS's daemons and HttpFS start (JEP 483, 514): runs each as it runs in a cluster, records what it loads.

Run once, while the image is built. A cache can't be made of a class path that has folders with files, so the settings come as arguments.
"""

import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on: an image's build may share the network of the machine."""
    with ExitStack() as open_at_once:
        sockets = [open_at_once.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in sockets]


WORK = Path("/tmp/training")  # noqa: S108
NAMENODE_RPC, NAMENODE_HTTP, DATANODE, DATANODE_HTTP, DATANODE_RPC, HTTPFS_HTTP = free_ports(6)
CORE = {
    "fs.defaultFS": "hdfs://bdc",
    "hadoop.security.group.mapping": "org.apache.hadoop.security.NullGroupsMapping",
    "hadoop.proxyuser.root.hosts": "*",
    "hadoop.proxyuser.root.users": "*",
}
HDFS = {
    "dfs.nameservices": "bdc",
    "dfs.ha.namenodes.bdc": "nn0",
    "dfs.namenode.rpc-address.bdc.nn0": f"127.0.0.1:{NAMENODE_RPC}",
    "dfs.namenode.http-address.bdc.nn0": f"127.0.0.1:{NAMENODE_HTTP}",
    "dfs.datanode.address": f"127.0.0.1:{DATANODE}",
    "dfs.datanode.http.address": f"127.0.0.1:{DATANODE_HTTP}",
    "dfs.datanode.ipc.address": f"127.0.0.1:{DATANODE_RPC}",
    "dfs.client.failover.proxy.provider.bdc": "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider",
    "dfs.namenode.name.dir": f"file://{WORK}/name",
    "dfs.namenode.safemode.extension": "0",
    "dfs.datanode.data.dir": f"file://{WORK}/blocks",
    "dfs.replication": "1",
    "dfs.permissions.superusergroup": "root",
}
HTTPFS = {"httpfs.hadoop.authentication.type": "simple"}
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Where images are built there may be a proxy, which knows nothing of these daemons."""
FILES = f"-Djdk.net.hosts.file={WORK}/hosts -Dlog4j.configuration=file:{WORK}/log4j.properties"
"""While an image is built, the name of its machine may have no address."""
LOG = """log4j.rootLogger=WARN,stderr
log4j.appender.stderr=org.apache.log4j.ConsoleAppender
log4j.appender.stderr.target=System.err
log4j.appender.stderr.layout=org.apache.log4j.PatternLayout
log4j.appender.stderr.layout.ConversionPattern=%p %c{2}: %m%n
"""
NAMENODE = "org.apache.hadoop.hdfs.server.namenode.NameNode"


def environment(name: str, options: str = "") -> dict[str, str]:
    cache = f"-XX:AOTCacheOutput=/opt/hadoop/{name}.aot -Xlog:disable -Xlog:aot*=error:stderr" if name else ""
    return {
        "HTTPFS_HTTP_PORT": str(HTTPFS_HTTP),
        "PATH": "/opt/hadoop/bin:/opt/jre/bin:/usr/bin:/bin",
        "JAVA_HOME": "/opt/jre",
        "NAME_DIR": f"{WORK}/name",
        "BDC_JVM_OPTS": f"-Xms64m -Xmx256m {FILES} {cache} {options}",
    }


def start(name: str, arguments: list[str], options: str = "") -> subprocess.Popen[bytes]:
    log = (WORK / f"{name}.log").open("wb")
    return subprocess.Popen(["entrypoint", name, *arguments], env=environment(name, options), stdout=log, stderr=log)


def request(method: str, address: str, data: bytes | None = None) -> bytes:
    """The answer of an HTTP server, which may have yet to start."""
    headers = {"Content-Type": "application/octet-stream"} if data else {}
    refused: OSError | None = None
    for _ in range(300):
        try:
            with DIRECT.open(
                urllib.request.Request(address, data, headers, method=method),  # noqa: S310
                timeout=60,
            ) as answer:
                return answer.read()
        except OSError as error:
            refused = error
            time.sleep(0.2)
    logs = "\n".join(log.read_text()[-4000:] for log in sorted(WORK.glob("*.log")))
    raise SystemExit(f"{method} {address} isn't answered: {refused}\n{logs}")


def httpfs(method: str, path: str, operation: str, data: bytes | None = None) -> bytes:
    return request(method, f"http://127.0.0.1:{HTTPFS_HTTP}/webhdfs/v1{path}?user.name=root&op={operation}", data)


def files() -> None:
    """What clients do with files, through HttpFS; the first lists the folder that the NameNode has, once it is there."""
    httpfs("GET", "/", "LISTSTATUS")
    httpfs("PUT", "/training", "MKDIRS")
    httpfs("PUT", "/training/a", "CREATE&data=true", b"rows" * 100_000)
    if len(httpfs("GET", "/training/a", "OPEN")) != 400_000:
        raise SystemExit("a file isn't read as it was written")
    for operation in ("GETFILESTATUS", "GETCONTENTSUMMARY", "GETACLSTATUS"):
        httpfs("GET", "/training/a", operation)
    httpfs("PUT", "/training/a", "SETPERMISSION&permission=700")
    httpfs("PUT", "/training/a", "RENAME&destination=/training/b")
    httpfs("DELETE", "/training", "DELETE&recursive=true")


def stop(daemon: subprocess.Popen[bytes], name: str) -> None:
    """Ends it as a pod is ended; the cache is written then."""
    daemon.terminate()
    daemon.wait(300)
    if not Path(f"/opt/hadoop/{name}.aot").exists():
        sys.exit((WORK / f"{name}.log").read_text())


def main() -> None:
    WORK.mkdir()
    settings = [word for key, value in (CORE | HDFS).items() for word in ("-D", f"{key}={value}")]
    for site, values in {"core": CORE, "hdfs": HDFS, "httpfs": HTTPFS}.items():
        listed = "".join(f"<property><name>{key}</name><value>{value}</value></property>" for key, value in values.items())
        (WORK / f"{site}-site.xml").write_text(f"<configuration>{listed}</configuration>")
    (WORK / "log4j.properties").write_text(LOG)
    (WORK / "hosts").write_text(f"127.0.0.1 localhost {socket.gethostname()}\n")
    format_arguments = ["class", NAMENODE, *settings, "-format", "-nonInteractive"]
    subprocess.run(["entrypoint", *format_arguments], env=environment(""), check=True, capture_output=True)
    daemons = {
        "namenode": start("namenode", settings),
        "datanode": start("datanode", settings),
        "httpfs": start("httpfs", [], f"-Dhttpfs.config.dir={WORK}"),
    }
    try:
        for page in ("dfshealth.html", "jmx?qry=Hadoop:service=NameNode,name=NameNodeInfo"):
            request("GET", f"http://127.0.0.1:{NAMENODE_HTTP}/{page}")
        files()
        for name, daemon in reversed(daemons.items()):
            stop(daemon, name)
    finally:
        for daemon in daemons.values():
            daemon.kill()


main()
