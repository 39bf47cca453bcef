"""Host packages that are missing are installed with apt, for real: in a test host whose /usr, /etc and /var it may change.

The host has no way to a mirror: its apt has a folder with one package, fetched by this machine's apt.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.support.host import TestHost

PACKAGE = "conntrack"
INSTALL = "from bdc.cluster.embedded.packages import install_packages; install_packages(lambda line: print(line, flush=True))"
CHECK = f"""
import sys
from bdc.errors import BdcError
try:
    {INSTALL}
except BdcError as error:
    print(error.message + "\\n" + (error.hint or ""), file=sys.stderr)
    sys.exit(error.exit_code)
"""
HOLD = """
import fcntl, time
lock = open("/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(lock, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that apt can install PACKAGE from."""
    folder = tmp_path_factory.mktemp("repository")
    download = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", PACKAGE]
    if subprocess.run(download, cwd=folder, capture_output=True, check=False).returncode:
        subprocess.run(["apt-get", "-qq", "update"], check=True)
        subprocess.run(download, cwd=folder, check=True)
    (package,) = folder.glob("*.deb")
    fields = subprocess.run(["dpkg-deb", "--field", package], capture_output=True, text=True, check=True).stdout
    digest = subprocess.run(["sha256sum", package], capture_output=True, text=True, check=True).stdout.split()[0]
    (folder / "Packages").write_text(f"{fields}Filename: ./{package.name}\nSize: {package.stat().st_size}\nSHA256: {digest}\n")
    return folder


@pytest.fixture(scope="module")
def host(node_ready: None, repository: Path) -> Iterator[TestHost]:
    """A host that has its own copy of what apt changes, and lacks PACKAGE."""
    with TestHost("progs") as made:
        shutil.copytree(repository, made.folder / "repository")  # apt reads as a user of its own, who can't enter pytest's folders
        (made.folder / "repository").chmod(0o755)
        layers = made.folder / "layers"
        script = ["set -e", f"mkdir {layers}"]
        for folder in ("/usr", "/etc", "/var"):
            upper = f"{layers}{folder}"
            script += [f"mkdir -p {upper}/upper {upper}/work"]
            options = f"lowerdir={folder},upperdir={upper}/upper,workdir={upper}/work"
            script += [f"mount -t overlay -o {options} overlay {folder}"]
        script += [
            f"dpkg --force-depends --remove {PACKAGE}",
            "rm -rf /etc/apt/sources.list.d/* /etc/apt/sources.list /var/lib/apt/lists/*",
        ]
        done = made.run(["sh", "-c", "\n".join(script)])
        assert done.returncode == 0, done.stderr
        yield made


def install(host: TestHost, *, code: int = 0) -> str:
    done = host.run(["python", "-c", CHECK])
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def remove(host: TestHost) -> None:
    assert host.run(["dpkg", "--force-depends", "--remove", PACKAGE]).returncode == 0


def test_without_a_source_the_error_names_the_package_and_what_to_do(host: TestHost) -> None:
    said = install(host, code=1)
    assert said.startswith(f"installing {PACKAGE}\ninstalling packages: apt-get failed (exit 100)\n")
    assert f"E: Unable to locate package {PACKAGE}" in said
    assert said.endswith(f"\ninstall them yourself: apt-get install {PACKAGE}\n")


def test_a_source_that_does_not_answer_is_named(host: TestHost) -> None:
    host.run(["sh", "-c", "echo 'deb http://192.0.2.1/debian stable main' >/etc/apt/sources.list"])
    said = install(host, code=1)
    assert "192.0.2.1" in said
    assert said.endswith(f"\ninstall them yourself: apt-get install {PACKAGE}\n")


def test_what_is_missing_is_installed_with_fresh_lists(host: TestHost) -> None:
    host.run(["sh", "-c", f"echo 'deb [trusted=yes] file:{host.folder}/repository ./' >/etc/apt/sources.list"])
    assert install(host) == f"installing {PACKAGE}\n"
    assert host.run([PACKAGE, "--version"]).returncode == 0
    assert install(host) == ""


def test_another_apt_is_waited_for(host: TestHost) -> None:
    remove(host)
    with host.popen(["python", "-c", HOLD]) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with host.popen(["python", "-c", CHECK]) as installing:
            assert installing.stdout
            assert installing.stdout.readline() == f"installing {PACKAGE}\n"
            time.sleep(3)
            assert installing.poll() is None
            holder.kill()
            assert installing.wait(120) == 0
    assert host.run([PACKAGE, "--version"]).returncode == 0


def test_a_host_without_apt_is_told_what_it_lacks(host: TestHost) -> None:
    remove(host)
    assert host.run(["mv", "/usr/bin/apt-get", "/usr/bin/apt-get.away"]).returncode == 0
    said = install(host, code=1)
    assert said == (
        f"this host lacks what a Kubernetes node needs, and has no apt-get to install it: {PACKAGE}\n"
        "install these (Debian's package names) with the host's package manager, then run the command again\n"
    )
