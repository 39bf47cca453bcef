"""A registry as the OCI distribution specification has it: is a blob there, put a blob, put a manifest.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md; tokens as in
https://distribution.github.io/distribution/spec/auth/token. What is sent is streamed from files. Whom we trust is what the system
trusts ($SSL_CERT_FILE counts), and the CAs that an administrator or the user put where docker and podman look for them.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode, urljoin, urlsplit

import httpx

from bdc.errors import BdcError, NotFoundError
from bdc.images.registry_login import DOCKER_HUB, Login, login

_HUB_ADDRESS = "registry-1.docker.io"
_CHUNK_BYTES = 1 << 20
_TRIES = 3
_PAUSE_SECONDS = 1.0
_ANSWER_SECONDS = 300
_CERTIFICATES = ("/etc/docker/certs.d", "/etc/containers/certs.d", "~/.config/containers/certs.d")
_FINAL = (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL, httpx.UnsupportedProtocol)
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


class Registry:
    """One registry, with our login. Use it as a context manager."""

    def __init__(self, host: str, *, connect_seconds: float = 10) -> None:
        self.host = host
        self._login: Login | None = login(host)
        self._tokens: dict[str, str] = {}
        self._client = httpx.Client(verify=_trust(host), timeout=httpx.Timeout(_ANSWER_SECONDS, connect=connect_seconds))
        self._address = f"https://{_HUB_ADDRESS if host == DOCKER_HUB else host}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def has_manifest(self, repository: str, tag: str) -> bool:
        """Whether an image is there."""
        accept = {"Accept": "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"}
        return self._there(self._send("HEAD", f"/v2/{repository}/manifests/{tag}", "pull", repository, headers=accept), repository)

    def has_blob(self, repository: str, digest: str) -> bool:
        """Whether a blob is there, so that it isn't sent again."""
        return self._there(self._send("HEAD", f"/v2/{repository}/blobs/{digest}", "pull,push", repository), repository)

    def put_blob(self, repository: str, digest: str, file: Path, *, source: str | None, on_sent: Callable[[int], None]) -> None:
        """Put a blob there, taken from the registry's own repository `source` where it allows that. `on_sent` gets numbers of bytes."""
        mount = f"?{urlencode({'mount': digest, 'from': source})}" if source else ""
        begun = self._send("POST", f"/v2/{repository}/blobs/uploads/{mount}", "pull,push", repository)
        if begun.status_code == 201:
            return on_sent(file.stat().st_size)
        _check(begun, self.host, repository)
        size = {"Content-Length": str(file.stat().st_size), "Content-Type": "application/octet-stream"}
        sent = self._send("PATCH", self._location(begun), "pull,push", repository, headers=size, content=lambda: _chunks(file, on_sent))
        _check(sent, self.host, repository)
        target = self._location(sent)
        done = self._send("PUT", f"{target}{'&' if '?' in target else '?'}{urlencode({'digest': digest})}", "pull,push", repository)
        _check(done, self.host, repository)
        return None

    def put_manifest(self, repository: str, tag: str, manifest: bytes, media_type: str) -> None:
        """Name an image whose blobs are all there."""
        headers = {"Content-Type": media_type}
        done = self._send("PUT", f"/v2/{repository}/manifests/{tag}", "pull,push", repository, headers=headers, content=lambda: manifest)
        _check(done, self.host, repository)

    def _there(self, answer: httpx.Response, repository: str) -> bool:
        if answer.status_code != 404:
            _check(answer, self.host, repository)
        return answer.status_code == 200

    def _location(self, answer: httpx.Response) -> str:
        return urljoin(str(answer.url), str(answer.headers.get("Location", "")))

    def _send(
        self,
        method: str,
        target: str,
        actions: str,
        repository: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: Callable[[], bytes | Iterator[bytes]] | None = None,
    ) -> httpx.Response:
        """Send a request with our login; where it is refused, once more with what the registry asks for."""
        scope = f"repository:{repository}:{actions}"

        def sent() -> httpx.Response:
            url = urljoin(self._address, target)
            return self._request(method, url, dict(headers or {}) | self._authorization(url, scope), content)

        answer = sent()
        if answer.status_code == 401 and (challenge := answer.headers.get("WWW-Authenticate")):
            self._tokens[scope] = self._answer(challenge, scope)
            answer = sent()
        if answer.status_code in {401, 403}:
            raise self._denied(answer, repository)
        return answer

    def _authorization(self, url: str, scope: str) -> dict[str, str]:
        """Our token, to the registry only: an upload may go to a store elsewhere."""
        known = self._tokens.get(scope)
        return {"Authorization": known} if known and urlsplit(url).netloc == urlsplit(self._address).netloc else {}

    def _answer(self, challenge: str, scope: str) -> str:
        """The Authorization header that answers a challenge."""
        kind, fields = challenge.partition(" ")[0].lower(), dict(_CHALLENGE.findall(challenge))
        if kind == "basic":
            return self._login.basic() if self._login else ""
        asked = {"service": fields.get("service", ""), "scope": scope}
        realm = fields.get("realm", "")
        if self._login and self._login.is_token:
            form = {**asked, "grant_type": "refresh_token", "refresh_token": self._login.secret, "client_id": "bdc"}
            answer = self._request("POST", realm, {"Content-Type": "application/x-www-form-urlencoded"}, lambda: urlencode(form).encode())
        else:
            answer = self._request(
                "GET", f"{realm}?{urlencode(asked)}", {"Authorization": self._login.basic()} if self._login else {}, None
            )
        if answer.status_code in {400, 401, 403}:
            raise self._denied(answer, "")
        _check(answer, self.host, "")
        document = answer.json()
        return f"Bearer {document.get('token') or document.get('access_token') or ''}"

    def _request(
        self, method: str, url: str, headers: dict[str, str], content: Callable[[], bytes | Iterator[bytes]] | None
    ) -> httpx.Response:
        for attempt in range(1, _TRIES + 1):
            try:
                asks = method in {"GET", "HEAD"}  # may be sent on to a store elsewhere; then httpx leaves our login out
                answer = self._client.request(method, url, headers=headers, content=content() if content else None, follow_redirects=asks)
                if answer.status_code not in {429, 502, 503, 504} or attempt == _TRIES:
                    return answer
            except (httpx.TransportError, httpx.InvalidURL) as error:
                if self._may_be_plain(error):
                    return self._request(method, url.replace("https://", "http://", 1), headers, content)
                if (
                    isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.InvalidURL | httpx.UnsupportedProtocol)
                    or attempt == _TRIES
                ):
                    raise self._unreachable(error) from error
            time.sleep(_PAUSE_SECONDS * attempt)
        raise AssertionError("unreachable")

    def _may_be_plain(self, error: Exception) -> bool:
        """A registry on this machine may speak plain HTTP, as docker and containerd allow; none elsewhere may."""
        if "WRONG_VERSION_NUMBER" not in str(error) or not _is_here(self.host) or self._address.startswith("http://"):
            return False
        self._address = self._address.replace("https://", "http://", 1)
        return True

    def _unreachable(self, error: Exception) -> BdcError:
        text = str(error) or type(error).__name__
        if "CERTIFICATE_VERIFY_FAILED" in text:
            return NotFoundError(
                f"the registry {self.host} shows a certificate that this machine doesn't trust: {text.rpartition('] ')[2]}",
                f"put its CA at ~/.config/containers/certs.d/{self.host}/ca.crt, or name a bundle with SSL_CERT_FILE",
            )
        if "WRONG_VERSION_NUMBER" in text:
            return NotFoundError(
                f"the registry {self.host} doesn't speak TLS", "give it a certificate; plain HTTP is for registries on this machine only"
            )
        return NotFoundError(
            f"the registry {self.host} can't be reached: {text}", "check its name and port (HOST:PORT/PATH), the network, and HTTPS_PROXY"
        )

    def _denied(self, answer: httpx.Response, repository: str) -> BdcError:
        what = f"{self.host}/{repository}" if repository else self.host
        if self._login is None:
            return BdcError(
                f"the registry {what} requires a login", f"log in, then run it again: docker login {self.host} (or podman, skopeo)"
            )
        return BdcError(
            f"the registry {what} refuses the user {self._login.user or 'of the token'}: {_reason(answer)}",
            f"log in again (docker login {self.host}), or ask for the right to push there",
        )


def _trust(host: str) -> ssl.SSLContext:
    trust = ssl.create_default_context()
    for folder in _CERTIFICATES:
        for file in sorted((Path(folder).expanduser() / host).glob("*.crt")):
            try:
                trust.load_verify_locations(file)
            except (OSError, ssl.SSLError) as error:
                raise BdcError(
                    f"{file}, a CA of the registry {host}, can't be used: {error}", "it has to be a certificate in PEM"
                ) from error
    return trust


def _is_here(host: str) -> bool:
    name = host.rpartition(":")[0] or host
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return name == "localhost"


def _chunks(file: Path, on_sent: Callable[[int], None]) -> Iterator[bytes]:
    with file.open("rb") as data:
        while chunk := data.read(_CHUNK_BYTES):
            yield chunk
            on_sent(len(chunk))


def _check(answer: httpx.Response, host: str, repository: str) -> None:
    if answer.status_code < 300:
        return
    what = f"{host}/{repository}".rstrip("/")
    if answer.status_code == 404:
        raise NotFoundError(
            f"the registry has no place {what}: {_reason(answer)}", "make the repository there first, or choose another path"
        )
    hint = "see the registry's log: its disk may be full" if answer.status_code >= 500 else "see the registry's log"
    raise BdcError(f"the registry {what} refuses the image: {_reason(answer)}", hint)


def _reason(answer: httpx.Response) -> str:
    """What a registry says about a refusal: its own words where it has any."""
    try:
        errors: list[dict[str, Any]] = answer.json()["errors"]
        said = "; ".join(str(one.get("message") or one.get("code")) for one in errors)
    except (ValueError, LookupError, TypeError, AttributeError):
        said = ""
    return f"HTTP {answer.status_code}{': ' + said if said else ''}"
