"""A real PostgreSQL with TLS and SCRAM, as the master has it, and a Trino that speaks the client protocol from memory."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bdc.kube.connection import Credentials, EndpointConnection, SecretStr
from bdc_stacks import identity
from tests.unit.sql.fake_trino import FakeTrino, serve

PASSWORD = "s3cret-password"


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder that PostgreSQL's user can reach; pytest's own are for us alone."""
    path = Path(tempfile.mkdtemp(prefix="bdc-sql-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def certificate(folder: Path) -> dict[str, str]:
    authority = identity.authority("test")
    made = identity.certificate(authority, ["localhost", "127.0.0.1"])
    (folder / "ca.crt").write_text(made["ca.crt"])
    (folder / "tls.pem").write_text(made["tls.pem"])
    return made


@pytest.fixture(scope="session")
def access(certificate: dict[str, str]) -> Credentials:
    return Credentials("bdc", SecretStr(PASSWORD), SecretStr("token"), certificate["ca.crt"])


@pytest.fixture(scope="session")
def postgresql(folder: Path, certificate: dict[str, str]) -> Iterator[EndpointConnection]:
    programs = _programs()
    account = "nobody" if os.geteuid() == 0 else None
    home, port = folder / "home", _free_port()
    home.mkdir()
    if account:
        shutil.chown(home, account)
    (home / "password").write_text(PASSWORD)
    (home / "password").chmod(0o644)
    options = ["-A", "scram-sha-256", "-U", "bdc", "--pwfile", str(home / "password"), "--no-sync", "-E", "UTF8", "--locale=C"]
    data = home / "data"
    subprocess.run([programs / "initdb", "-D", data, *options], check=True, user=account, capture_output=True, cwd=home)
    for name in ("tls.crt", "tls.key"):
        (data / name).write_text(certificate[name])
        (data / name).chmod(0o600)
        if account:
            shutil.chown(data / name, account)
    (data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
    settings = {
        "port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": home, "fsync": "off", "ssl": "on",
        "ssl_cert_file": "tls.crt", "ssl_key_file": "tls.key", "timezone": "UTC",
    }  # fmt: skip
    arguments = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    with (home / "log").open("wb") as log:
        server = subprocess.Popen([programs / "postgres", "-D", data, *arguments], user=account, stdout=log, stderr=log, cwd=home)
        try:
            _wait(server, port, home / "log")
            yield EndpointConnection("127.0.0.1", port, "localhost", folder / "ca.crt")
        finally:
            server.terminate()
            server.wait(20)


def _programs() -> Path:
    for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (path / "initdb").exists():
            return path
    found = shutil.which("initdb")
    assert found, "these tests need a PostgreSQL server: apt-get install postgresql"
    return Path(found).resolve().parent


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            target = f"host=127.0.0.1 port={port} user=bdc dbname=postgres"
            with psycopg.connect(target, password=PASSWORD, sslmode="require", autocommit=True) as connection:
                connection.execute("CREATE DATABASE bdc")
        except psycopg.OperationalError:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        else:
            return


@pytest.fixture
def trino() -> FakeTrino:
    return FakeTrino(PASSWORD)


@pytest.fixture
def reached_trino(trino: FakeTrino, folder: Path, certificate: dict[str, str]) -> Iterator[EndpointConnection]:
    assert certificate
    with serve(trino, folder / "tls.pem") as port:
        yield EndpointConnection("127.0.0.1", port, "localhost", folder / "ca.crt")
