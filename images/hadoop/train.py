"""Makes the caches from which HDFS's daemons and HttpFS start (JEP 483, 514): runs each as it runs in a cluster, records what it loads.

Run once, while the image is built. A cache can't be made of a class path that has folders with files, so the settings come as arguments.
"""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

WORK = Path("/tmp/training")  # noqa: S108
CORE = {
    "fs.defaultFS": "hdfs://bdc",
    "hadoop.security.group.mapping": "org.apache.hadoop.security.NullGroupsMapping",
    "hadoop.proxyuser.root.hosts": "*",
    "hadoop.proxyuser.root.users": "*",
}
HDFS = {
    "dfs.nameservices": "bdc",
    "dfs.ha.namenodes.bdc": "nn0",
    "dfs.namenode.rpc-address.bdc.nn0": "127.0.0.1:8020",
    "dfs.namenode.http-address.bdc.nn0": "127.0.0.1:9870",
    "dfs.client.failover.proxy.provider.bdc": "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider",
    "dfs.namenode.name.dir": f"file://{WORK}/name",
    "dfs.namenode.safemode.extension": "0",
    "dfs.datanode.data.dir": f"file://{WORK}/blocks",
    "dfs.replication": "1",
    "dfs.permissions.superusergroup": "root",
}
HTTPFS = {"httpfs.http.hostname": "127.0.0.1", "httpfs.http.port": "14000", "httpfs.hadoop.authentication.type": "simple"}
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Where images are built there may be a proxy, which knows nothing of these daemons."""
NAMENODE = "org.apache.hadoop.hdfs.server.namenode.NameNode"


def environment(name: str, options: str = "") -> dict[str, str]:
    cache = f"-XX:AOTCacheOutput=/opt/hadoop/{name}.aot -Xlog:disable -Xlog:aot*=error:stderr" if name else ""
    return {
        "PATH": "/opt/hadoop/bin:/opt/jre/bin:/usr/bin:/bin",
        "JAVA_HOME": "/opt/jre",
        "NAME_DIR": f"{WORK}/name",
        "BDC_JVM_OPTS": f"-Xms64m -Xmx256m {cache} {options}",
    }


def start(name: str, arguments: list[str], options: str = "") -> subprocess.Popen[bytes]:
    log = (WORK / f"{name}.log").open("wb")
    return subprocess.Popen(["entrypoint", name, *arguments], env=environment(name, options), stdout=log, stderr=log)


def request(method: str, address: str, data: bytes | None = None) -> bytes:
    """The answer of an HTTP server, which may have yet to start."""
    headers = {"Content-Type": "application/octet-stream"} if data else {}
    for _ in range(600):
        try:
            with DIRECT.open(
                urllib.request.Request(address, data, headers, method=method),  # noqa: S310
                timeout=60,
            ) as answer:
                return answer.read()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    raise SystemExit(f"{method} {address} isn't answered")


def httpfs(method: str, path: str, operation: str, data: bytes | None = None) -> bytes:
    return request(method, f"http://127.0.0.1:14000/webhdfs/v1{path}?user.name=root&op={operation}", data)


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
    format_arguments = ["class", NAMENODE, *settings, "-format", "-nonInteractive"]
    subprocess.run(["entrypoint", *format_arguments], env=environment(""), check=True, capture_output=True)
    daemons = {
        "namenode": start("namenode", settings),
        "datanode": start("datanode", settings),
        "httpfs": start("httpfs", [], f"-Dhttpfs.config.dir={WORK}"),
    }
    for page in ("dfshealth.html", "jmx?qry=Hadoop:service=NameNode,name=NameNodeInfo"):
        request("GET", f"http://127.0.0.1:9870/{page}")
    files()
    for name, daemon in reversed(daemons.items()):
        stop(daemon, name)


main()
