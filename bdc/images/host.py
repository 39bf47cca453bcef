"""What a build gets from the host, by mounts only, so that nothing of the site is baked into an image.

apt's transport settings, pip's and Maven's configuration, the site's CA bundle (also as a Java trust store, since Java reads no PEM)
and the folders of downloads that outlive a build: a rebuilt image fetches nothing twice.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import warnings
from dataclasses import dataclass
from pathlib import Path

from bdc.config.paths import cache_dir

CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
SITE = "/run/bdc-build"
"""Folder of the host's settings inside a build."""

_DOWNLOADS = {
    "apt": "/var/cache/apt",
    "lists": "/var/lib/apt/lists",
    "m2": "/root/.m2/repository",
    "pip": "/root/.cache/pip",
}
_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy")


@dataclass(frozen=True)
class Mount:
    """A host folder or file as a build sees it."""

    source: Path
    target: str
    writable: bool = False


def proxy_settings() -> dict[str, str]:
    """The host's proxy variables, in both spellings, for the build's environment only."""
    found = {name: value for name in _PROXIES if (value := os.environ.get(name) or os.environ.get(name.upper()))}
    return found | {name.upper(): value for name, value in found.items()}


def mounts(work: Path) -> list[Mount]:
    """Mounts of a build; the files that are made for it are written to `work`."""
    site = work / "site"
    site.mkdir(parents=True, exist_ok=True)
    bundle = Path(os.environ.get("SSL_CERT_FILE") or CA_BUNDLE)
    trusted = bundle.is_file()
    if trusted:
        shutil.copyfile(bundle, site / "ca.crt")
        _write_trust_store(bundle, site / "truststore.p12")
    (site / "apt.conf").write_text(_apt_settings(trusted=trusted))
    (site / "pip.conf").write_text(_pip_settings(trusted=trusted))
    (site / "mavenrc").write_text(_maven_settings(trusted=trusted))
    found = [
        Mount(site, SITE),
        Mount(site / "apt.conf", "/etc/apt/apt.conf.d/99bdc-build"),
        Mount(site / "pip.conf", "/etc/pip.conf"),
        Mount(site / "mavenrc", "/etc/mavenrc"),
    ]
    if (settings := Path.home() / ".m2" / "settings.xml").is_file():
        found.append(Mount(settings, "/root/.m2/settings.xml"))
    for name, target in _DOWNLOADS.items():
        folder = cache_dir() / "downloads" / name
        folder.mkdir(parents=True, exist_ok=True)
        found.append(Mount(folder, target, writable=True))
    (cache_dir() / "downloads" / "apt" / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    return found


def _apt_settings(*, trusted: bool) -> str:
    lines = ['APT::Sandbox::User "root";', 'APT::Install-Recommends "false";', 'Acquire::Retries "3";']
    if trusted:
        lines.append(f'Acquire::https::CaInfo "{SITE}/ca.crt";')
    if shutil.which("apt-config"):
        dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False).stdout
        wanted = ("Acquire::http::", "Acquire::https::Proxy", "Acquire::https::Verify", "Acquire::Check-", "Acquire::ForceIPv4")
        lines += [line for line in dump.splitlines() if line.startswith(wanted)]
    return "\n".join(lines) + "\n"


def _pip_settings(*, trusted: bool) -> str:
    """The host's pip.conf with the build's path of the CA bundle in it."""
    candidates = (os.environ.get("PIP_CONFIG_FILE"), Path.home() / ".config/pip/pip.conf", "/etc/pip.conf")
    path = next((Path(item) for item in candidates if item and Path(item).is_file()), None)
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("cert")] if path else []
    if "[global]" not in lines:
        lines.insert(0, "[global]")
    own = [f"cert = {SITE}/ca.crt"] if trusted else []
    if index := os.environ.get("PIP_INDEX_URL"):
        own.append(f"index-url = {index}")
    at = lines.index("[global]") + 1
    return "\n".join(lines[:at] + own + ["disable-pip-version-check = true", "timeout = 180"] + lines[at:]) + "\n"


def _maven_settings(*, trusted: bool) -> str:
    store = f"-Djavax.net.ssl.trustStore={SITE}/truststore.p12 -Djavax.net.ssl.trustStoreType=PKCS12" if trusted else ""
    return f'MAVEN_OPTS="$MAVEN_OPTS -XX:+UseSerialGC -XX:TieredStopAtLevel=1 {store}"\n'


def _write_trust_store(bundle: Path, path: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import NoEncryption
    from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore
    from cryptography.utils import CryptographyDeprecationWarning

    with warnings.catch_warnings():  # a bundle may hold certificates that aren't to the letter of RFC 5280
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        found = x509.load_pem_x509_certificates(bundle.read_bytes())
    certificates = [PKCS12Certificate(certificate, None) for certificate in found]
    path.write_bytes(serialize_java_truststore(certificates, NoEncryption()))
