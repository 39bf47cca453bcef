"""Database servers on a test host's outside neighbour: what external data sources are of."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

from bdc.config.paths import cache_dir
from bdc.toolchain.golang import ensure_go, go_environment
from tests.e2e.support.host import TestHost

ACCOUNT = "nobody"
SECONDS = 60
VERSITYGW = "1.8.0"


class Server:
    """One server, of files below `folder`; `command` runs it in the foreground as an account without rights."""

    stops_by = signal.SIGTERM

    def __init__(
        self, host: TestHost, folder: Path, command: list[str], answers: Callable[[], bool], env: Mapping[str, str] | None = None
    ) -> None:
        self._host, self._folder, self._command, self._answers, self._env = host, folder, command, answers, env
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        line = " ".join(f"'{word}'" for word in [*AS_NOBODY, *self._command])
        self._process = self._host.popen(["sh", "-c", f"exec {line} >>{self._folder}/log 2>&1"], outside=True, env=self._env)
        deadline = time.monotonic() + SECONDS
        while not self._answers():
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < deadline, (self._folder / "log").read_text()
            time.sleep(0.2)

    def stop(self) -> None:
        """End it, its clients' connections with it, and wait until it has."""
        assert self._process
        self._process.send_signal(self.stops_by)
        self._process.communicate(timeout=SECONDS)


AS_NOBODY = ("setpriv", f"--reuid={ACCOUNT}", "--regid=nogroup", "--clear-groups")


class PostgreSql(Server):
    """PostgreSQL at `port`; passwords are asked for over the network, and not of `sql`."""

    stops_by = signal.SIGINT  # https://www.postgresql.org/docs/current/server-shutdown.html: fast

    def __init__(self, host: TestHost, port: int, user: str, password: str) -> None:
        folder = _folder(host, f"postgresql-{port}")
        self._programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
        self._login = [str(self._programs / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", str(folder), "-p", str(port), "-U", user]
        file = folder / "password"
        file.write_text(password)
        file.chmod(0o644)
        made = [str(self._programs / "initdb"), "-D", f"{folder}/data", "-U", user, "--pwfile", str(file), "-A", "scram-sha-256"]
        _run(host, [*AS_NOBODY, *made, "--no-sync", "-E", "UTF8", "--locale=C"])
        (folder / "data" / "pg_hba.conf").write_text("local all all trust\nhost all all all scram-sha-256\n")
        settings = {"port": port, "listen_addresses": "*", "unix_socket_directories": folder, "fsync": "off"}
        command = [str(self._programs / "postgres"), "-D", f"{folder}/data"]
        super().__init__(host, folder, [*command, *(f"--{name}={value}" for name, value in settings.items())], self._ready)

    def sql(self, database: str, statements: str) -> str:
        """Run statements as the user; what they print."""
        return _run(self._host, [*self._login, "-A", "-t", database], stdin=statements)

    def _ready(self) -> bool:
        return self._host.run([*self._login, "-c", "SELECT 1", "postgres"], outside=True).returncode == 0


class MariaDb(Server):
    """MariaDB at `port`, whose `script` runs as root before it lets anybody in."""

    def __init__(self, host: TestHost, port: int, script: str) -> None:
        folder = _folder(host, f"mariadb-{port}")
        (folder / "init.sql").write_text(script)
        (folder / "data").mkdir()
        shutil.chown(folder / "data", ACCOUNT)
        install = ["mariadb-install-db", "--no-defaults", f"--datadir={folder}/data", "--skip-test-db"]
        _run(host, [*AS_NOBODY, *install, "--auth-root-authentication-method=normal"])
        options = {"datadir": f"{folder}/data", "socket": f"{folder}/socket", "pid-file": f"{folder}/pid", "port": port}
        options |= {"bind-address": "0.0.0.0", "init-file": f"{folder}/init.sql"}
        command = ["/usr/sbin/mariadbd", "--no-defaults", *(f"--{name}={value}" for name, value in options.items())]
        super().__init__(host, folder, command, lambda: (folder / "pid").exists())


class H2(Server):
    """H2 at `port`, with the database `name` of one user, made by `script`."""

    def __init__(self, host: TestHost, port: int, name: str, user: str, password: str, script: str) -> None:
        folder = _folder(host, f"h2-{port}")
        (folder / "script.sql").write_text(script)
        login = ["-url", f"jdbc:h2:{folder}/{name}", "-user", user, "-password", password]
        java = ["java", "-cp", str(java_servers() / "*")]
        _run(host, [*AS_NOBODY, *java, "org.h2.tools.RunScript", *login, "-script", f"{folder}/script.sql"])
        command = [*java, "org.h2.tools.Server", "-tcp", "-tcpAllowOthers", "-tcpPort", str(port), "-ifExists", "-baseDir", str(folder)]
        super().__init__(host, folder, command, lambda: _listens(host, port))


class MongoDb(Server):
    """A server of MongoDB's protocol at its port, 27017; it knows no users and keeps all in memory."""

    port = 27017

    def __init__(self, host: TestHost) -> None:
        folder = _folder(host, "mongodb")
        (folder / "hosts").write_text(f"{host.outside_address} localhost\n")  # it listens at what is called so
        hosts = f"-Djdk.net.hosts.file={folder}/hosts"
        command = ["java", hosts, "-cp", str(java_servers() / "*"), "de.bwaldvogel.mongo.InMemoryMongoServer"]
        super().__init__(host, folder, command, lambda: _listens(host, self.port))


class VersityGw(Server):
    """An S3 store at its port, 9000, of one account and empty buckets: folders of files. https://github.com/versity/versitygw"""

    port = 9000

    def __init__(self, host: TestHost, key_id: str, key: str, buckets: Sequence[str]) -> None:
        folder = _folder(host, "versitygw")
        self.buckets = folder / "buckets"
        for one in ("buckets", *(f"buckets/{bucket}" for bucket in buckets), "attributes"):
            _folder(host, f"versitygw/{one}")
        command = [str(versitygw()), "--port", f":{self.port}", "posix", "--sidecar", f"{folder}/attributes", f"{folder}/buckets"]
        super().__init__(host, folder, command, lambda: _listens(host, self.port), {"ROOT_ACCESS_KEY": key_id, "ROOT_SECRET_KEY": key})


@cache
def versitygw() -> Path:
    """The program, built by the machine's Go."""
    go = ensure_go()
    target = cache_dir() / "e2e" / f"versitygw-{VERSITYGW}"
    if not (target / "versitygw").exists():
        environment = go_environment() | {"GOBIN": str(target), "GOFLAGS": "-p=2"}
        subprocess.run([go, "install", f"github.com/versity/versitygw/cmd/versitygw@v{VERSITYGW}"], check=True, env=environment)
    return target / "versitygw"


@cache
def java_servers() -> Path:
    """A folder with the jars of servers that are written in Java."""
    folder = Path(__file__).parents[1] / "servers"
    subprocess.run(["mvn", "-B", "-q", "-f", str(folder / "pom.xml"), "package"], check=True)
    return folder / "target" / "dependency"


def _listens(host: TestHost, port: int) -> bool:
    return host.run(["bash", "-c", f"exec 3<>/dev/tcp/{host.outside_address}/{port}"], outside=True).returncode == 0


def _folder(host: TestHost, name: str) -> Path:
    folder = host.folder / name
    folder.mkdir()
    shutil.chown(folder, ACCOUNT)
    folder.chmod(0o755)
    return folder


def _run(host: TestHost, command: list[str], stdin: str | None = None) -> str:
    done = host.run(command, outside=True, stdin=stdin)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
