"""One HTTPS connection pool to one API server: bytes in, bytes out, and errors that say what to do.

urllib3 comes with the official client and starts in a tenth of its time.
"""

from __future__ import annotations

import json
import ssl
import tempfile
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import urllib3

from bdc import __version__
from bdc.errors import UnreachableError
from bdc.kube.errors import api_error
from bdc.kube.kubeconfig import Access

_CONNECTIONS = 64


class Rest:
    """Sends requests; safe to use from many threads."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._pool = _pool(access)

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        query: Mapping[str, str | int | bool] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = 60,
        *,
        patient: bool = True,
    ) -> bytes:
        """The answer's body; raises ApiError for a status >= 400 and UnreachableError without an answer.

        A GET that gets no answer in `timeout_seconds` is sent twice more, unless the caller isn't `patient`.
        """
        url = self.access.server + path
        if query:
            url += "?" + urlencode({key: _text(value) for key, value in query.items()})
        response = self._request(method, url, body, headers or {}, timeout_seconds, patient=patient)
        if response.status == 401 and self.access.credentials.renew():
            self._pool = _pool(self.access)
            response = self._request(method, url, body, headers or {}, timeout_seconds, patient=patient)
        if response.status >= 400:
            raise api_error(response.status, _status(response.data), self.access.server, self.access.person)
        return response.data

    def _request(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], timeout_seconds: float, *, patient: bool
    ) -> urllib3.BaseHTTPResponse:
        sent = {"User-Agent": f"bdc/{__version__}", "Accept": "application/json", **headers}
        if value := self.access.credentials.header():
            sent["Authorization"] = value
        # 429 means "later" to every client. A broken connection, or its TLS, is tried again only where that can't do a thing twice.
        safe = patient and method in ("GET", "HEAD")
        retry = urllib3.Retry(
            total=4, connect=2, read=2 if safe else 0, other=2 if safe else 0, redirect=0, backoff_factor=0.2,
            status_forcelist=(429,), allowed_methods=None, raise_on_status=False,
        )  # fmt: skip
        timeout = urllib3.Timeout(connect=min(10, timeout_seconds), read=timeout_seconds)
        try:
            return self._pool.request(method, url, body=body, headers=sent, timeout=timeout, retries=retry)
        except urllib3.exceptions.HTTPError as error:
            cause = getattr(error, "reason", None) or error
            raise UnreachableError(self.access.server, _short(cause)) from error

    def close(self) -> None:
        """Close idle connections."""
        self._pool.clear()


def _text(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _status(data: bytes) -> Mapping[str, Any]:
    try:
        status = json.loads(data)
    except ValueError:
        status = None
    return status if isinstance(status, dict) else {"message": data.decode(errors="replace").strip()[:500]}


def _short(cause: object) -> str:
    text = str(cause)
    for known in ("Connection refused", "timed out", "Name or service not known", "No route to host", "CERTIFICATE_VERIFY_FAILED"):
        if known in text:
            return known.replace("CERTIFICATE_VERIFY_FAILED", "its certificate is not signed by the kubeconfig's CA").lower()
    return text


def tls_context(access: Access) -> ssl.SSLContext:
    """Whom the kubeconfig trusts, and the certificate that it shows."""
    context = ssl.create_default_context(cadata=access.ca_pem) if access.ca_pem else ssl.create_default_context()
    # Clusters' own CAs often lack what the strict checks of newer OpenSSL builds ask for.
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    if not access.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if pair := access.credentials.certificate():
        _present(context, pair)
    return context


def _pool(access: Access) -> urllib3.PoolManager:
    options: dict[str, Any] = {"maxsize": _CONNECTIONS, "ssl_context": tls_context(access)}
    if not access.verify:
        options |= {"cert_reqs": "CERT_NONE", "assert_hostname": False}
    if access.tls_server_name:
        options |= {"server_hostname": access.tls_server_name, "assert_hostname": access.tls_server_name}
    if access.proxy_url:
        return urllib3.ProxyManager(access.proxy_url, **options)
    return urllib3.PoolManager(**options)


def _present(context: ssl.SSLContext, pair: tuple[str, str]) -> None:
    """Load a certificate and its key; ssl takes files only, so they exist for that moment, readable by us alone."""
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write("\n".join(pair))
        file.flush()
        context.load_cert_chain(file.name)
