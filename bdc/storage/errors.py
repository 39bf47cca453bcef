"""What HDFS's refusals mean: Java exceptions, HTTP answers and broken connections as BdcErrors with their remedies.

HttpFS answers `{"RemoteException": {"exception", "javaClassName", "message"}}`; the proxy before it answers 401 and 503 without.
https://hadoop.apache.org/docs/stable/hadoop-project-dist/hadoop-hdfs/WebHDFS.html#Error_Responses

* `NotFoundError` (exit 3): the path does not exist.
* `PathExistsError`: something is there already, and overwriting wasn't asked for.
* `BrokenTransferError`: the connection broke in the middle.
* `NoChecksumError`: the file was written without checksums, as Delta's log is (delta-storage 4.4, HDFSLogStore): HttpFS 3.5 trips over it.
* `UnhealthyError` (exit 5): HDFS itself can't serve.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import requests

from bdc.errors import BdcError, NotFoundError, UnhealthyError, UsageError


class PathExistsError(BdcError):
    """The target exists."""


class BrokenTransferError(BdcError):
    """The connection broke before everything had come."""


class NoChecksumError(BdcError):
    """The DataNodes have no checksum of the file."""


_KNOWN = (
    "Connection refused",
    "Name or service not known",
    "No route to host",
    "Network is unreachable",
    "Connection reset",
    "Hostname mismatch",
    "doesn't match",
    "self-signed certificate",
    "unable to get local issuer certificate",
)
_STATUS = "bdc status shows the storage pool"
Maker = Callable[[str, str], BdcError]

_BY_EXCEPTION: dict[str, Maker] = {
    "FileNotFoundException": lambda path, _: NotFoundError(f"{path}: no such file or directory in HDFS", f"bdc hdfs ls {_parent(path)}"),
    "AccessControlException": lambda path, message: BdcError(
        f"{path}: permission denied: {_permission(message)}", _permission_hint(message)
    ),
    "FileAlreadyExistsException": lambda path, _: PathExistsError(f"{path}: exists already", "choose another name, or use --overwrite"),
    "SafeModeException": lambda path, message: UnhealthyError(
        f"{path}: HDFS is in safe mode and read-only: {_clause(message)}",
        f"after a start it leaves by itself as soon as the DataNodes have reported; {_STATUS}",
    ),
    "NSQuotaExceededException": lambda path, message: BdcError(
        f"{path}: the folder's quota of names is used up: {_clause(message)}", "remove files, or have the quota raised"
    ),
    "DSQuotaExceededException": lambda path, message: BdcError(
        f"{path}: the folder's quota of space is used up: {_clause(message)}", "remove files, or have the quota raised"
    ),
    "PathIsNotEmptyDirectoryException": lambda path, _: BdcError(f"{path}: is a directory that isn't empty", "remove it with -r"),
    "ParentNotDirectoryException": lambda path, _: UsageError(f"{path}: a part of the path is a file"),
    "InvalidPathException": lambda path, message: UsageError(f"{path}: HDFS doesn't take this name: {_clause(message)}"),
    "UnsupportedOperationException": lambda path, message: BdcError(f"{path}: HttpFS can't do this: {_clause(message)}"),
    "AlreadyBeingCreatedException": lambda path, _: BdcError(
        f"{path}: another client is writing it", "wait for it to finish; an abandoned file is freed after some minutes"
    ),
    "StandbyException": lambda path, _: UnhealthyError(f"{path}: no NameNode is active", _STATUS),
    "ConnectException": lambda path, _: UnhealthyError(f"{path}: HttpFS does not reach the NameNode", _STATUS),
    "BlockMissingException": lambda path, _: UnhealthyError(f"{path}: no DataNode has all of its blocks", _STATUS),
}

_BY_MESSAGE: tuple[tuple[re.Pattern[str], Maker], ...] = (
    (
        re.compile(r"could only be written to 0 of|There are 0 datanode\(s\) running|Failed to find datanode"),
        lambda path, _: UnhealthyError(f"{path}: no DataNode takes the data: none is up, or all are full", _STATUS),
    ),
    (
        re.compile(r"Could not obtain block"),
        lambda path, _: UnhealthyError(f"{path}: no DataNode has all of its blocks", _STATUS),
    ),
    (
        re.compile(r"Call From .* failed on|No Route to Host|Connection refused"),
        lambda path, _: UnhealthyError(f"{path}: HttpFS does not reach the NameNode", _STATUS),
    ),
    (
        re.compile(r"is not empty"),
        lambda path, _: BdcError(f"{path}: is a directory that isn't empty", "remove it with -r"),
    ),
    (
        re.compile(r"[Ff]ile does not exist|does not exist\.?$"),
        lambda path, message: _BY_EXCEPTION["FileNotFoundException"](path, message),
    ),
    (re.compile(r"already exists"), lambda path, message: _BY_EXCEPTION["FileAlreadyExistsException"](path, message)),
    (
        re.compile(r"FileChecksum\b.* is null"),
        lambda path, _: NoChecksumError(f"{path}: HDFS has no checksum of it", "--ignore-crc leaves the check out"),
    ),
    (
        re.compile(r"not a valid DFS filename|Invalid path name|component name|maximum path component"),
        lambda path, message: UsageError(f"{path}: HDFS doesn't take this name: {_clause(message)}"),
    ),
)


def refused(path: str, status: int, body: bytes) -> BdcError:
    """The error for an answer with an HTTP status outside 200-399 about `path`."""
    exception, message = _remote(body)
    if exception:
        return _remote_error(path, exception, message)
    if status == 401:
        return BdcError("HDFS does not accept the user name or the password", "bdc credentials show prints the right ones")
    if status == 403:
        return BdcError(f"{path}: HttpFS forbids this (HTTP 403)", _STATUS)
    if status in (502, 503, 504):
        return UnhealthyError(f"HttpFS is not up (HTTP {status})", _STATUS)
    text = re.sub(r"<[^>]*>|\s+", " ", body[:500].decode(errors="replace")).strip()
    return BdcError(f"{path}: HttpFS answered HTTP {status}{': ' + text[:200] if text else ''}", "bdc logs httpfs says more")


def unreachable(url: str, error: requests.RequestException) -> BdcError:
    """The error for no answer at all from `url`."""
    hint = "bdc endpoints httpfs shows what is reachable from here; bdc connect httpfs goes through the Kubernetes API"
    if isinstance(error, requests.exceptions.SSLError):
        return BdcError(f"HDFS at {url} shows a certificate that isn't the cluster's: {_reason(error)}", hint)
    if isinstance(error, requests.exceptions.Timeout):
        return UnhealthyError(f"HDFS at {url} does not answer: timed out", hint)
    return BrokenTransferError(f"HDFS at {url} does not answer: {_reason(error)}", hint)


def _remote_error(path: str, exception: str, message: str) -> BdcError:
    if maker := _BY_EXCEPTION.get(exception):
        return maker(path, message)
    for pattern, maker in _BY_MESSAGE:
        if pattern.search(message):
            return maker(path, message)
    if exception in ("IllegalArgumentException", "QueryParamException", "IllegalCharsetNameException"):
        return UsageError(f"{path}: {_clause(message)}")
    return BdcError(f"{path}: {exception}: {_clause(message)}", "bdc logs httpfs says more")


def _remote(body: bytes) -> tuple[str, str]:
    try:
        remote = json.loads(body)["RemoteException"]
        return str(remote["exception"]), str(remote.get("message") or "")
    except (ValueError, KeyError, TypeError):
        return "", ""


def _clause(message: str) -> str:
    lines = message.strip().splitlines()
    return lines[0][:300] if lines else "no reason was given"


def _permission(message: str) -> str:
    found = re.search(r'user=(?P<user>[^,]+), access=(?P<access>\w+), inode="(?P<inode>[^"]*)":(?P<mode>\S+)', message)
    return "{user} may not {access} {inode} ({mode})".format(**found.groupdict()) if found else _clause(message)


def _permission_hint(message: str) -> str:
    """What helps; never a user that nobody can be: HDFS's superuser, hdfs, is let in from nowhere outside of its own pods."""
    if "super user" in message or "superuser" in message.lower():
        return "nobody from outside is HDFS's superuser, who alone gives files away; open them (bdc hdfs chmod), or let the other copy them"
    found = re.search(r'user=(?P<user>[^,]+), .*inode="[^"]*":(?P<owner>[^:]+):', message)
    if not found:
        return "let its owner change it: bdc hdfs chmod"
    if found["owner"] == "hdfs":
        return f"that is HDFS's own, and stays as it is; yours is /user/{found['user']}"
    return f"let {found['owner']}, its owner, open it: bdc hdfs chmod; yours is /user/{found['user']}"


def _parent(path: str) -> str:
    return path.rsplit("/", 1)[0] or "/"


def _reason(error: requests.RequestException) -> str:
    text = str(error)
    for known in _KNOWN:
        if known in text:
            return known.lower()
    return "the connection broke" if "RemoteDisconnected" in text or "Broken" in text or "broken" in text else text[:200]
