"""The `hdfs` package's WebHDFS client, fitted to HttpFS behind a password.

What is changed, and why: `resolve` leaves every name as it is (the package expands `#LATEST` in names); redirects stay at the
address that we know and trust (HttpFS behind a proxy names itself with the wrong scheme); and every failure becomes a BdcError here.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

import hdfs.client
import requests

from bdc.errors import BdcError, UsageError
from bdc.kube.connection import SecretStr
from bdc.kube.tls import session
from bdc.storage import errors
from bdc.storage.paths import normal

DEFAULT_BLOCK_BYTES = 128 << 20
_TRIMMED = "".join(map(chr, range(33)))


_Client: Any = hdfs.client.Client  # the package has no types


class Wire(_Client):  # type: ignore[misc]
    """One connection pool to one HttpFS. Not to be shared by threads."""

    def __init__(
        self,
        url: str,
        username: str,
        password: SecretStr,
        *,
        ca_file: str | None = None,
        server_name: str | None = None,
        timeout_seconds: float = 120,
    ) -> None:
        made = session(ca_file, server_name)
        made.auth = requests.auth.HTTPBasicAuth(username.encode(), password.get_secret_value().encode())
        made.headers["Accept-Encoding"] = "identity"
        self._home: str | None = None
        self._defaults: dict[str, Any] | None = None
        super().__init__(url.rstrip("/"), timeout=(10, timeout_seconds), session=made)

    def __repr__(self) -> str:
        return f"Wire({self.url})"

    def resolve(self, hdfs_path: str) -> str:
        """An absolute path; a relative one is below the user's home, as for `hdfs dfs`."""
        if not hdfs_path.startswith("/"):
            if self._home is None:
                self._home = str(self._get_home_directory("/").json()["Path"])
            hdfs_path = f"{self._home}/{hdfs_path}"
        path = normal(hdfs_path)
        if path.rstrip(_TRIMMED) != path:
            raise UsageError(
                f"{path!r}: HttpFS cuts white space at the end of a path", "use another name; Spark and the NameNode take this one"
            )
        return path

    def defaults(self) -> dict[str, Any]:
        """blockSize and bytesPerChecksum in bytes, checksumType (1: CRC32, 2: CRC32C) of new files; asked once."""
        if self._defaults is None:
            try:
                answer = self._request("GET", f"{self.url}/webhdfs/v1/", params={"op": "GETSERVERDEFAULTS"}).json()
                self._defaults = dict(answer["FsServerDefaults"])
            except BdcError:  # HttpFS before 3.4 has no such operation
                self._defaults = {"blockSize": DEFAULT_BLOCK_BYTES, "bytesPerChecksum": 512, "checksumType": 2}
        return self._defaults

    def capacity(self) -> dict[str, Any]:
        """capacity, used and remaining in bytes; an operation of HttpFS since 3.4 that the package doesn't know (HDFS-17001)."""
        return dict(self._request("GET", f"{self.url}/webhdfs/v1/", params={"op": "GETSTATUS"}).json()["FsStatus"])

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _request(self, method: str, url: str, **kwargs: Any) -> requests.Response:
        """Send one request; a status of 400 or more, or no answer, is raised as a BdcError."""
        if not url.startswith(f"{self.url}/"):
            where = urlsplit(url)
            url = f"{self.url}{where.path}?{where.query}"
        path = _path(url)
        try:
            response: requests.Response = super()._request(method, url, **kwargs)
        except requests.RequestException as error:
            raise errors.unreachable(self.url, error) from error
        if response.status_code >= 400:
            body = response.content
            raise errors.refused(path, response.status_code, body)
        return response


def _path(url: str) -> str:
    return unquote(urlsplit(url).path.partition("/webhdfs/v1")[2]) or "/"
